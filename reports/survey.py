"""Count what was read on the listings seen, group by group, and withhold small groups. It names nobody.

A listing counts once in a group, with the most severe stance that the newest reader found on it. What is not written
online is not counted: every share is a lower bound of what patients meet, and no rate of discrimination.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger import Ledger, cases
from ledger.cases import CaseStatus
from ledger.models import Capture, Case, Dossier, Finding, Listing, ListingView, Passage
from ledger.sending_tables import Sending, SendingStep
from reference import Reference
from reports import moments
from reports.intervals import ReaderError, Share, rogan_gladen, wilson

SMALLEST = 11  # listings in a group that may be told
DIMENSIONS = ("all", "benefit", "profession", "department", "platform", "month")
UNKNOWN = "unknown"
FLAGGED = "flagged"  # refusal, restriction or deterrence
CONFIRMED = "confirmed"  # by two people


@dataclass(frozen=True)
class Measure:
    """How many listings of a group have a stance. The corrected share is for what the reader flags, and only for it."""

    stance: str
    count: int
    share: Share
    corrected: Share | None


@dataclass(frozen=True)
class Group:
    """One group of listings. `withheld`: it is too small to be told, and holds no figure."""

    dimension: str
    code: str
    label: str
    withheld: bool
    listings: int
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Change:
    """Between two months: listings whose flagged wording came, and those whose wording was no longer there."""

    month: str
    seen: int
    came: int
    gone: int


@dataclass(frozen=True)
class Survey:
    """Everything that the barometer tells."""

    reader: str
    first: datetime | None
    last: datetime | None
    groups: tuple[Group, ...]
    changes: tuple[Change, ...]
    cases: Mapping[str, int]
    dossiers: Mapping[str, int]
    sendings: Mapping[str, int]
    steps: Mapping[str, int]
    error: ReaderError = field(compare=False)

    def of(self, dimension: str) -> tuple[Group, ...]:
        """The groups of a dimension."""
        return tuple(group for group in self.groups if group.dimension == dimension)


@dataclass
class _Seen:
    """One listing while it is counted."""

    platform: str
    profession: str = UNKNOWN
    department: str = UNKNOWN
    stances: dict[str, str] = field(default_factory=dict)  # month to the most severe stance of that month
    benefits: set[str] = field(default_factory=set)
    by_benefit: dict[str, str] = field(default_factory=dict)
    confirmed: bool = False


def survey(ledger: Ledger, reference: Reference, error: ReaderError) -> Survey:
    """Count everything. The newest reader alone is counted: an older one's readings are not mixed in."""
    with ledger.session() as session:
        version = session.scalar(select(Finding.version).order_by(Finding.id.desc()).limit(1)) or ""
        seen = _listings(session, reference)
        first, last = _months(session, seen)
        _read(session, seen, version, reference)
        _confirm(session, seen)
        outcomes = _outcomes(session)
    groups = [group for name in DIMENSIONS for group in _groups(name, seen, reference, error)]
    return Survey(version, first, last, tuple(groups), _changes(seen, reference), *outcomes, error)


def _listings(session: Session, reference: Reference) -> dict[int, _Seen]:
    """Every listing, with the profession and the department that its newest view shows."""
    rows = session.execute(select(Listing.id, Listing.platform))
    seen = {number: _Seen(platform) for number, platform in rows}
    query = select(ListingView.listing_id, ListingView.profession, ListingView.postcode).order_by(ListingView.id)
    for number, profession, postcode in session.execute(query):
        if profession in reference.professions:
            seen[number].profession = profession
        if department := reference.department_of(postcode):
            seen[number].department = department.code
    return seen


def _months(session: Session, seen: dict[int, _Seen]) -> tuple[datetime | None, datetime | None]:
    """The months in which each listing was seen, unchanged visits among them; the first and last capture."""
    times: list[datetime] = []
    own = select(ListingView.listing_id, Capture.captured_at).join(Capture, Capture.id == ListingView.capture_id)
    again = select(ListingView.listing_id, Capture.captured_at).join(
        Capture, Capture.revisit_of_id == ListingView.capture_id
    )
    for query in (own, again):
        for number, at in session.execute(query):
            seen[number].stances.setdefault(_month(at), "none")
            times.append(at)
    return (min(times), max(times)) if times else (None, None)


def _read(session: Session, seen: dict[int, _Seen], version: str, reference: Reference) -> None:
    """What the reader says, at the month of the capture and of each visit that found it unchanged."""
    severity = {code: stance.severity for code, stance in reference.stances.items()}
    repeats: dict[int, list[datetime]] = defaultdict(list)
    for of, at in session.execute(
        select(Capture.revisit_of_id, Capture.captured_at).where(Capture.revisit_of_id.is_not(None))
    ):
        if of is not None:
            repeats[of].append(at)
    query = (
        select(Passage.listing_id, Passage.capture_id, Capture.captured_at, Finding.stance, Finding.benefits)
        .join(Finding, Finding.passage_id == Passage.id)
        .join(Capture, Capture.id == Passage.capture_id)
        .where(Finding.version == version)
    )
    for number, capture, at, stance, benefits in session.execute(query):
        one = seen[number]
        for moment in (at, *repeats.get(capture, ())):
            month = _month(moment)
            one.stances[month] = _worse(one.stances.get(month, "none"), stance, severity)
        for benefit in benefits:
            one.by_benefit[benefit] = _worse(one.by_benefit.get(benefit, "none"), stance, severity)


def _confirm(session: Session, seen: dict[int, _Seen]) -> None:
    states = cases.statuses(session)
    for number, listing in session.execute(select(Case.id, Case.listing_id)):
        if states[number] is CaseStatus.CONFIRMED:
            seen[listing].confirmed = True


def _worse(one: str, other: str, severity: Mapping[str, int]) -> str:
    return other if severity.get(other, 0) > severity.get(one, 0) else one


def _month(at: datetime) -> str:
    return f"{moments.paris(at):%Y-%m}"


def _groups(dimension: str, seen: dict[int, _Seen], reference: Reference, error: ReaderError) -> list[Group]:
    """The groups of one dimension, those too small withheld, and one more where it could be told by subtraction."""
    members: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    severity = {code: stance.severity for code, stance in reference.stances.items()}
    for one in seen.values():
        for code, stance in _places(dimension, one, severity):
            members[code].append((stance, one.confirmed))
    small = {code for code, held in members.items() if len(held) < SMALLEST}
    if len(small) == 1 and len(members) > 1 and dimension != "benefit":
        small.add(min((code for code in members if code not in small), key=lambda code: (len(members[code]), code)))
    return [
        _group(dimension, code, _label(dimension, code, reference), members[code], code in small, reference, error)
        for code in sorted(members)
    ]


def _places(dimension: str, one: _Seen, severity: Mapping[str, int]) -> Iterable[tuple[str, str]]:
    """The groups that a listing belongs to, with its stance there."""
    worst = "none"
    for stance in one.stances.values():
        worst = _worse(worst, stance, severity)
    if dimension == "benefit":
        return one.by_benefit.items()
    if dimension == "month":
        return one.stances.items()
    code = {
        "all": "all",
        "profession": one.profession,
        "department": one.department,
        "platform": one.platform,
    }[dimension]
    return ((code, worst),)


def _group(
    dimension: str,
    code: str,
    label: str,
    held: list[tuple[str, bool]],
    withheld: bool,
    reference: Reference,
    error: ReaderError,
) -> Group:
    if withheld:
        return Group(dimension, code, label, True, 0, ())
    total, counts = len(held), Counter(stance for stance, _ in held)
    flagged = sum(counts[stance.code] for stance in reference.stances.values() if stance.flagged)
    confirmed = sum(one for _, one in held)
    measures = [Measure(FLAGGED, flagged, wilson(flagged, total), rogan_gladen(flagged, total, error))]
    measures += [
        Measure(stance.code, counts[stance.code], wilson(counts[stance.code], total), None)
        for stance in sorted(reference.stances.values(), key=lambda one: -one.severity)
    ]
    measures.append(Measure(CONFIRMED, confirmed, wilson(confirmed, total), None))
    return Group(dimension, code, label, False, total, tuple(measures))


def _label(dimension: str, code: str, reference: Reference) -> str:
    if code == UNKNOWN:
        return "non déterminé"
    names = {
        "benefit": {key: one.label for key, one in reference.benefits.items()},
        "profession": {key: one.label for key, one in reference.professions.items()},
        "department": {key: f"{one.name} ({key})" for key, one in reference.departments.items()},
        "platform": {key: one.label for key, one in reference.platforms.items()},
        "all": {"all": "Toutes les fiches"},
    }
    if dimension == "month":
        year, _, month = code.partition("-")
        return f"{moments.MONTHS[int(month) - 1]} {year}"
    return names[dimension].get(code, code)


def _changes(seen: dict[int, _Seen], reference: Reference) -> tuple[Change, ...]:
    """Month by month, for listings seen in that month and in an earlier one; small months are left out."""
    flagged = {stance.code for stance in reference.stances.values() if stance.flagged}
    both, came, gone = Counter[str](), Counter[str](), Counter[str]()
    for one in seen.values():
        months = sorted(one.stances)
        for before, after in pairwise(months):
            was, now = one.stances[before] in flagged, one.stances[after] in flagged
            both[after] += 1
            came[after] += now and not was
            gone[after] += was and not now
    return tuple(
        Change(month, both[month], came[month], gone[month]) for month in sorted(both) if both[month] >= SMALLEST
    )


def _outcomes(session: Session) -> tuple[dict[str, int], dict[str, int], dict[str, int], dict[str, int]]:
    """What became of the cases: their states, the dossiers, the letters by route, and what came back."""
    states = dict.fromkeys((str(status) for status in CaseStatus), 0)
    for status in cases.statuses(session).values():
        states[str(status)] += 1
    written = {
        bool(one): count
        for one, count in session.execute(select(Dossier.complete, func.count()).group_by(Dossier.complete))
    }
    routes = session.execute(select(Sending.route, func.count()).group_by(Sending.route).order_by(Sending.route))
    steps = session.execute(
        select(SendingStep.step, func.count(func.distinct(SendingStep.sending_id)))
        .group_by(SendingStep.step)
        .order_by(SendingStep.step)
    )
    dossiers = {"complete": written.get(True, 0), "incomplete": written.get(False, 0)}
    return states, dossiers, {row[0]: row[1] for row in routes}, {row[0]: row[1] for row in steps}
