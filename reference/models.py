"""The frozen facts of the reference and the few questions they answer. It reads no file and holds no data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property

from reference.procedure import Council, Deadline, Practice, Route, Step
from reference.text import fold, parts


@dataclass(frozen=True)
class Benefit:
    """A protected benefit. `ambiguous` are the spellings that also mean something else and need context.

    `in_force_to` is the last year in which the benefit was granted; None while it is.
    """

    code: str
    label: str
    spellings: tuple[str, ...]
    in_force_from: int | None
    in_force_to: int | None
    successor: str | None
    source: str
    ambiguous: tuple[str, ...]
    false_friends: tuple[str, ...]  # texts that hold an ambiguous spelling and do not speak of the benefit
    examples: tuple[str, ...]  # texts that name the benefit
    articles: tuple[str, ...]  # the articles that found it


@dataclass(frozen=True)
class Profession:
    """A profession as platforms name it. `order` is None where the law gives the profession no Order."""

    code: str
    label: str
    aliases: tuple[str, ...]
    order: str | None
    rpps_codes: tuple[str, ...]  # profession codes of the national register: "10" médecin…
    code_of_ethics: tuple[str, ...]  # article ids, those of its Order unless it has its own
    source: str
    examples: tuple[str, ...]  # as platforms write it; each must lead back here


@dataclass(frozen=True)
class Order:
    """A professional Order and its body that receives a complaint. Postal addresses are not part of the reference."""

    code: str
    label: str
    level: str  # departmental | regional | national
    body_label: str  # « conseil départemental de l'Ordre des médecins »
    body_short: str  # « CDOM »
    national_body: str
    website: str
    competence: tuple[str, ...]  # articles that say which council is competent
    code_of_ethics: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Department:
    """A French department, or an overseas collectivity.

    `postcodes` are the prefixes of its postcodes; `shared` the postcodes of another department that also serve it.
    """

    code: str
    name: str
    region: str
    kind: str  # department | collectivity
    postcodes: tuple[str, ...]
    shared: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Platform:
    """A kind of public listing and how to behave on it."""

    code: str
    label: str
    hosts: tuple[str, ...]  # host names, without port; empty: any public host
    delay_seconds: float
    start_urls: tuple[str, ...]
    default_texts: tuple[str, ...]  # wording of the platform, not of the practitioner
    source: str


@dataclass(frozen=True)
class Wall:
    """How a kind of page that stands where a listing should is told. `outcome` is the crawler's name for it.

    Where each list is sought is written at the head of the data file; case, accents and apostrophes do not count.
    """

    code: str
    label: str
    outcome: str
    headers: tuple[str, ...]
    marks: tuple[str, ...]
    titles: tuple[str, ...]
    words: tuple[str, ...]
    hints: tuple[str, ...]
    keys: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Watch:
    """How a platform is looked at again and what a healthy run of it looks like; days, local hours, percent.

    `expected_listings` is the least number of listings of a whole pass, 0 when none is known yet.
    """

    code: str  # the platform, or « default »
    label: str
    usual_days: int
    shortest_days: int
    longest_days: int
    night: str  # "20:00-08:00"; "" for any hour
    daily_budget: int
    expected_listings: int
    coverage: tuple[str, ...]  # "field percent"
    source: str

    @property
    def hours(self) -> tuple[time, time] | None:
        """The local hours in which the platform is asked; None for any."""
        if not self.night:
            return None
        opens, _, closes = self.night.partition("-")
        return time.fromisoformat(opens), time.fromisoformat(closes)

    @property
    def shares(self) -> Mapping[str, float]:
        """The least share (0 to 1) of listings by field."""
        return {name: int(percent) / 100 for name, percent in (one.split() for one in self.coverage)}


@dataclass(frozen=True)
class Article:
    """An article of law as far as it was read. `verified` False: check it on Légifrance before a letter leaves.

    `text` is verbatim (it may be an extract, with « … »), `summary` is ours; at least one of them is not empty.
    """

    id: str
    code: str
    number: str
    role: str  # principle | benefit | competence | procedure | sanction | offence | ethics
    title: str
    text: str
    summary: str
    version_date: date | None
    repealed_on: date | None  # the first day on which this text no longer held
    link: str
    verified: bool
    source: str

    @property
    def citation(self) -> str:
        """« article L. 1110-3 du code de la santé publique »."""
        number = f"{self.number[0]}.\u00a0{self.number[1:]}" if self.number[:1] in "LRD" else self.number
        return f"article\u00a0{number} {_CODE_NAMES.get(self.code, self.code)}"


@dataclass(frozen=True)
class Field:
    """A place of a listing where wording may stand. `own_words` is False where somebody else speaks (a patient)."""

    code: str
    label: str
    hint: str
    own_words: bool
    source: str


@dataclass(frozen=True)
class Stance:
    """What a passage does to a beneficiary. `severity` grows with the harm: 0 none … 5 refusal."""

    code: str
    label: str
    meaning: str
    flagged: bool
    severity: int
    source: str


@dataclass(frozen=True)
class VerdictReason:
    """Why a reviewer decides as they do; `decision` is confirm, dismiss or doubt.

    `stance` and `ground` are what a confirmation for that reason means unless the reviewer says otherwise.
    """

    code: str
    label: str
    decision: str
    hint: str
    source: str
    stance: str | None = None
    ground: str | None = None


@dataclass(frozen=True)
class LegalGround:
    """The legal type of a confirmed wording."""

    code: str
    label: str
    meaning: str
    source: str


@dataclass(frozen=True)
class Reference:
    """What the world is, as checked when it was loaded: every code named by an entry exists."""

    benefits: Mapping[str, Benefit]
    professions: Mapping[str, Profession]
    orders: Mapping[str, Order]
    departments: Mapping[str, Department]
    platforms: Mapping[str, Platform]
    walls: Mapping[str, Wall]
    articles: Mapping[str, Article]
    fields: Mapping[str, Field]
    stances: Mapping[str, Stance]
    verdict_reasons: Mapping[str, VerdictReason]
    councils: Mapping[str, Council]
    deadlines: Mapping[str, Deadline]
    practices: Mapping[str, Practice]
    routes: Mapping[str, Route]
    steps: Mapping[str, Step]
    legal_grounds: Mapping[str, LegalGround]
    watch: Mapping[str, Watch]

    def watch_of(self, platform: str) -> Watch:
        """How that platform is watched, « default » when it has no entry of its own."""
        return self.watch.get(platform) or self.watch["default"]

    def profession_of(self, text: str) -> Profession | None:
        """The profession that `text` names as platforms do, whatever the case, accents and hyphens; None if in doubt.

        Of a text that lists several (« Ostéopathe, masseur-kinésithérapeute ») it is the first that has an Order, else
        the first; None when they have different Orders: a complaint must not go to the wrong council.
        """
        if whole := self._aliases.get(fold(text)):
            return whole
        found = [self._aliases[part] for part in map(fold, parts(text)) if part in self._aliases]
        ordered = [profession for profession in found if profession.order]
        if len({profession.order for profession in ordered}) > 1:
            return None
        return next(iter(ordered or found), None)

    def department_of(self, postcode: str) -> Department | None:
        """The department of a French postcode of five digits, by its prefix; None when it is not one.

        About thirty postcodes also serve communes of a neighbouring department: `neighbours_of` names them, and the
        answer stays a proposal for a person to confirm.
        """
        digits = postcode.strip()
        if len(digits) != 5 or not (digits.isascii() and digits.isdigit()):
            return None
        for length in (5, 3, 2):
            if department := self._prefixes.get(digits[:length]):
                return department
        return None

    def neighbours_of(self, postcode: str) -> tuple[Department, ...]:
        """The other departments that a postcode also serves; empty for nearly all."""
        return tuple(department for department in self.departments.values() if postcode.strip() in department.shared)

    def order_of(self, profession: str) -> Order | None:
        """The Order of a profession code; None for a profession without Order and for an unknown code."""
        known = self.professions.get(profession)
        return self.orders[known.order] if known and known.order else None

    @cached_property
    def _aliases(self) -> dict[str, Profession]:
        return {
            fold(alias): profession
            for profession in self.professions.values()
            for alias in (profession.code, profession.label, *profession.aliases)
        }

    @cached_property
    def _prefixes(self) -> dict[str, Department]:
        return {prefix: department for department in self.departments.values() for prefix in department.postcodes}


_CODE_NAMES = {
    "CSP": "du code de la santé publique",
    "CSS": "du code de la sécurité sociale",
    "CASF": "du code de l’action sociale et des familles",
    "CP": "du code pénal",
    "CPC": "du code de procédure civile",
}
