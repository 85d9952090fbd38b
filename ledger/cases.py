"""The state of a case, computed from its verdicts each time it is asked for, and never stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ledger.models import Capture, Case, ListingView, Passage, Verdict

Rows = TypeVar("Rows", bound=Select[*tuple[Any, ...]])

CONFIRM, DISMISS, DOUBT = "confirm", "dismiss", "doubt"
VOTES_TO_AGREE = 2
VOTES_TO_SETTLE = 3
PORTION = 10_000  # ids in one query: SQLite takes 32,766 parameters, PostgreSQL 65,535


class CaseStatus(StrEnum):
    """Where a case stands between the machine's flag and the two people who decide."""

    OPEN = "open"  # nobody has voted
    SECOND = "second"  # one vote, a second person is needed
    SPLIT = "split"  # two votes without agreement, a third person settles
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    DOUBTFUL = "doubtful"  # three people, no majority to confirm or dismiss: nothing leaves


DECIDED = frozenset({CaseStatus.CONFIRMED, CaseStatus.DISMISSED, CaseStatus.DOUBTFUL})


def case_state(decisions: Sequence[str]) -> CaseStatus:
    """The state after these decisions (`confirm`, `dismiss`, `doubt`), one a person.

    Two equal votes to confirm or to dismiss decide. Anything else goes to a third person; then a majority to confirm or
    dismiss decides, and no such majority is a doubt, which serves the practitioner.
    """
    votes = Counter(decisions)
    for decision, status in ((DISMISS, CaseStatus.DISMISSED), (CONFIRM, CaseStatus.CONFIRMED)):
        if votes[decision] >= VOTES_TO_AGREE:
            return status
    if len(decisions) >= VOTES_TO_SETTLE:
        return CaseStatus.DOUBTFUL
    return (CaseStatus.OPEN, CaseStatus.SECOND, CaseStatus.SPLIT)[len(decisions)]


def statuses(session: Session, ids: Iterable[int] | None = None) -> dict[int, CaseStatus]:
    """The state of these cases, or of all, by case id; a case that does not exist is left out.

    One query for 10,000 cases, however many verdicts they have.
    """
    query = select(Case.id, Verdict.decision).outerjoin(Verdict, Verdict.case_id == Case.id).order_by(Verdict.id)
    votes: dict[int, list[str]] = defaultdict(list)
    for chosen in _portions(query, Case.id, ids):
        for case, decision in session.execute(chosen):
            votes[case].extend([] if decision is None else [decision])
    return {case: case_state(decisions) for case, decisions in votes.items()}


def status_of(session: Session, case_id: int) -> CaseStatus:
    """The state of one case. Raises `KeyError` for a case that does not exist."""
    return statuses(session, [case_id])[case_id]


def passages_by_case(session: Session, ids: Iterable[int] | None = None) -> dict[int, list[Passage]]:
    """Every passage that carries the wording of these cases (or of all) on their listings, by case id.

    Oldest capture first: a page imported or read again later keeps the place its capture time gives it.
    """
    query = (
        select(Case.id, Passage)
        .join(Passage, and_(Passage.listing_id == Case.listing_id, Passage.text_key == Case.text_key))
        .join(Capture, Capture.id == Passage.capture_id)
        .order_by(Capture.captured_at, Passage.id)
    )
    found: dict[int, list[Passage]] = defaultdict(list)
    for chosen in _portions(query, Case.id, ids):
        for case, passage in session.execute(chosen):
            found[case].append(passage)
    return dict(found)


def passages_of(session: Session, case: Case) -> list[Passage]:
    """Every passage that carries the wording of the case on its listing, oldest capture first."""
    return passages_by_case(session, [case.id]).get(case.id, [])


def latest_views(session: Session, listing_ids: Iterable[int] | None = None) -> dict[int, ListingView]:
    """The practitioners as shown last, by listing id: see `latest_view`."""
    place = func.row_number().over(
        partition_by=ListingView.listing_id,
        order_by=((ListingView.display_name == "").asc(), Capture.captured_at.desc(), ListingView.id.desc()),
    )
    found: dict[int, ListingView] = {}
    ranked = select(ListingView.id, place.label("place")).join(Capture, Capture.id == ListingView.capture_id)
    for chosen in _portions(ranked, ListingView.listing_id, listing_ids):
        first = chosen.subquery()
        query = select(ListingView).join(first, first.c.id == ListingView.id).where(first.c.place == 1)
        found.update({view.listing_id: view for view in session.scalars(query)})
    return found


def latest_view(session: Session, listing_id: int) -> ListingView | None:
    """The practitioner as shown by the newest capture that shows a name, else by the newest of all.

    Newest by capture time, then by parser: reading an old capture again does not make it the newest.
    """
    return latest_views(session, [listing_id]).get(listing_id)


def _portions(query: Rows, column: InstrumentedAttribute[int], ids: Iterable[int] | None) -> Iterator[Rows]:
    """The query for those ids, in as many pieces as the databases' limits on parameters ask for."""
    if ids is None:
        yield query
        return
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), PORTION):
        yield query.where(column.in_(wanted[start : start + PORTION]))
