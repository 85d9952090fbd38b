"""Choose the rules of law and the council that a case points to. It quotes the reference and qualifies nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from reference import Article, Reference

GROUND, ETHICS, PROCEDURE = "ground", "ethics", "procedure"
PRINCIPLE, BENEFIT, OFFENCE = "principle", "benefit", "offence"  # roles of the reference


@dataclass(frozen=True)
class Rule:
    """One article in the version of a day. `later`: the version of that day was not read, this one came after it."""

    article: Article
    kind: str  # ground | ethics | procedure
    later: bool


@dataclass(frozen=True)
class Authority:
    """The council to write to, as far as the page tells: the place of practice, not the place of registration."""

    order: str
    body: str
    level: str
    territory: str  # empty when the page shows no postcode


def rules(reference: Reference, profession: str, benefits: tuple[str, ...], on: date) -> tuple[Rule, ...]:
    """The rules a wording of that day may touch: the general ones, the code of ethics, who receives a complaint."""
    chosen: dict[str, Rule] = {}
    for article_id, kind in _wanted(reference, profession, benefits):
        rule = _version(reference, reference.articles[article_id], kind, on)
        if rule is not None:
            chosen.setdefault(rule.article.id, rule)
    return tuple(chosen.values())


def authority(reference: Reference, profession: str, postcode: str) -> Authority | None:
    """The council of the place shown on the page; None for a profession without an Order."""
    order = reference.order_of(profession)
    if order is None:
        return None
    department = reference.department_of(postcode)
    territory = ""
    if department is not None:
        territory = department.region if order.level == "regional" else f"{department.name} ({department.code})"
    return Authority(order.label, order.body_label, order.level, territory)


def _wanted(reference: Reference, profession: str, benefits: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Article ids with their kind, in the order in which they are printed."""
    named = {code for benefit in benefits for code in (benefit, _successor(reference, benefit))}
    known = [reference.benefits[code] for code in named if code in reference.benefits]
    founding = {article for benefit in known for article in benefit.articles}
    for role in (PRINCIPLE, BENEFIT, OFFENCE):
        for article in reference.articles.values():
            if article.role == role and (role != BENEFIT or article.id in founding):
                yield article.id, GROUND
    if profession in reference.professions:
        yield from ((article_id, ETHICS) for article_id in reference.professions[profession].code_of_ethics)
    order = reference.order_of(profession)
    yield from ((article_id, PROCEDURE) for article_id in (order.competence if order else ()))


def _successor(reference: Reference, benefit: str) -> str:
    known = reference.benefits.get(benefit)
    return (known.successor or "") if known else ""


def _version(reference: Reference, article: Article, kind: str, on: date) -> Rule | None:
    """The version of that day. When it was not read, the one that followed, provided that the article existed then."""
    versions = [other for other in reference.articles.values() if _same(other, article)]
    versions.sort(key=lambda version: version.version_date or date.min)
    past = [version for version in versions if (version.version_date or date.min) <= on]
    for version in reversed(past):
        if version.repealed_on is None or on < version.repealed_on:
            return Rule(version, kind, later=False)
    following = [version for version in versions if version not in past]
    existed = bool(past) or article.role == BENEFIT
    return Rule(following[0], kind, later=True) if existed and following else None


def _same(one: Article, other: Article) -> bool:
    return (one.code, one.number) == (other.code, other.number)
