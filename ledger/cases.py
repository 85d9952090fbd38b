"""The state of a case, computed from its verdicts each time it is asked for, and never stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.models import Case, ListingView, Passage, Verdict

CONFIRM, DISMISS, DOUBT = "confirm", "dismiss", "doubt"
VOTES_TO_AGREE = 2
VOTES_TO_SETTLE = 3


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
    """The state of these cases, or of all, in one query."""
    query = select(Case.id, Verdict.decision).outerjoin(Verdict, Verdict.case_id == Case.id).order_by(Verdict.id)
    if ids is not None:
        query = query.where(Case.id.in_(list(ids)))
    votes: dict[int, list[str]] = defaultdict(list)
    for case, decision in session.execute(query):
        if decision is None:
            votes[case] = []
        else:
            votes[case].append(decision)
    return {case: case_state(decisions) for case, decisions in votes.items()}


def status_of(session: Session, case_id: int) -> CaseStatus:
    """The state of one case. Raises `KeyError` for a case that does not exist."""
    return statuses(session, [case_id])[case_id]


def passages_of(session: Session, case: Case) -> list[Passage]:
    """Every passage that carries the wording of the case on its listing, oldest first."""
    return list(
        session.scalars(
            select(Passage)
            .where(Passage.listing_id == case.listing_id, Passage.text_key == case.text_key)
            .order_by(Passage.id)
        )
    )


def latest_view(session: Session, listing_id: int) -> ListingView | None:
    """The practitioner as shown last: the newest view with a name, else the newest of all."""
    named = (
        select(ListingView)
        .where(ListingView.listing_id == listing_id)
        .order_by((ListingView.display_name == ""), ListingView.id.desc())
    )
    return session.scalars(named.limit(1)).first()
