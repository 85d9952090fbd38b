"""Choose the rules of law and the council that a case points to. It quotes the reference and qualifies nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from reference import Article, Reference, competence
from reference.competence import LEVELS
from reports.person import Confirmed

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
    """The council to write to: that of the place of practice, or the one that somebody confirmed with the Order."""

    order: str
    body: str
    level: str
    territory: str  # empty when the page shows no postcode
    key: str  # of its address in the organisation's file; empty when the territory is not known
    national: str
    copies: int
    routes: tuple[str, ...]  # codes, the usual one first
    practice: str  # code of a way of practising
    confirmed: Confirmed | None
    verified: bool  # whether the council's territory was read at a source
    source: str


def rules(
    reference: Reference, profession: str, benefits: tuple[str, ...], on: date, more: Sequence[str] = ()
) -> tuple[Rule, ...]:
    """The rules a wording of that day may touch: the general ones, the code of ethics, who receives a complaint.

    `more` are ids of further articles, those of a route.
    """
    chosen: dict[str, Rule] = {}
    wanted = [*_wanted(reference, profession, benefits), *((article_id, PROCEDURE) for article_id in more)]
    for article_id, kind in wanted:
        rule = _version(reference, reference.articles[article_id], kind, on)
        if rule is not None:
            chosen.setdefault(rule.article.id, rule)
    return tuple(chosen.values())


def authority(
    reference: Reference, profession: str, postcode: str, confirmed: Confirmed | None = None
) -> Authority | None:
    """The council confirmed, else that of the place shown on the page; None for a profession without an Order."""
    order = reference.order_of(profession)
    if order is None:
        return None
    practice = confirmed.practice if confirmed else "unknown"
    department = reference.department_of(postcode)
    if department is None and confirmed is None:
        routes = competence(reference, profession, next(iter(reference.departments)), practice).routes
        copies = reference.routes[routes[0]].copies
        level = LEVELS[order.level]
        return Authority(
            order.label, order.body_label, level, "", "", order.national_body, copies, routes, practice, None, False, ""
        )
    body, level, territory, key = order.body_label, order.level, "", ""
    place = department.code if department else next(iter(reference.departments))
    proposed = competence(reference, profession, place, practice)
    verified, source = proposed.verified, proposed.source
    if confirmed is not None:
        body, level, territory = named_council(reference, confirmed.council)
        key, verified, source = confirmed.council, True, confirmed.how
    else:
        body, level, territory, key = proposed.body, proposed.level, proposed.territory, proposed.council
    return Authority(
        order=order.label,
        body=body,
        level=LEVELS[level],
        territory=territory,
        key=key,
        national=order.national_body,
        copies=proposed.copies,
        routes=proposed.routes,
        practice=practice,
        confirmed=confirmed,
        verified=verified,
        source=source,
    )


def named_council(reference: Reference, key: str) -> tuple[str, str, str]:
    """Name, level and territory of a council by its key. Raises `KeyError` for a key that names none."""
    if key in reference.councils:
        council = reference.councils[key]
        return council.label, council.level, f"départements {', '.join(council.departments)}"
    code, _, place = key.partition("/")
    order, department = reference.orders[code], reference.departments[place]
    return f"{order.body_label} ({department.name})", order.level, f"{department.name} ({department.code})"


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
