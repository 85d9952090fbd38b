"""Where a person stands towards a case: may they vote, what may they see. The rule of blindness lives here alone.

Who decides sees, before voting, neither anybody's verdict nor whether there is one, nor what the machine thinks. The
one exception is the adjudicator called to a split, who reads both verdicts but still not the machine. Who does not
decide (editor, administrator, auditor) sees all, and never votes on what they have seen, whatever role they get later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from ledger.cases import VOTES_TO_AGREE
from ledger.desk import (
    AWAITS_THIRD,
    DECIDED,
    OPEN_SEATS,
    Assignment,
    Ballot,
    Conflict,
    ControlAnswer,
    Docket,
)
from ledger.models import Reviewer, Verdict
from review import rights


@dataclass(frozen=True)
class Standing:
    """One person and one case, as of now."""

    case_id: int
    stage: int
    role: str
    enabled: bool
    ballot: bool  # the person's own, which may still be taken back
    voted: bool  # the person's own verdict stands
    answered: bool  # the person answered it as a control
    recused: bool
    seen: bool  # the person read the verdicts in another role
    seated: str  # kind of the seat kept for the person, or ""
    others: int  # verdicts, live ballots and seats of others

    @property
    def control(self) -> bool:
        """Whether what the person would say is a control answer."""
        return self.seated == "control"

    @property
    def third(self) -> bool:
        """Called to settle a split, not having voted."""
        return (
            self.stage == AWAITS_THIRD
            and self.role == "adjudicator"
            and not (self.voted or self.ballot or self.recused or self.seen)
        )

    @property
    def may_vote(self) -> bool:
        """Whether a vote of this person would count now."""
        if not self.enabled or self.role not in rights.VOTING:
            return False
        if self.voted or self.ballot or self.answered or self.recused or self.seen:
            return False
        if self.control:
            return True
        if self.stage == OPEN_SEATS:
            return bool(self.seated) or self.others < VOTES_TO_AGREE
        return self.third and (self.seated == "third" or self.others <= VOTES_TO_AGREE)

    @property
    def sighted(self) -> bool:
        """Whether the machine's reading may be shown: nothing more is asked of the person."""
        return self.role not in rights.VOTING or self.voted or self.answered

    @property
    def sees_verdicts(self) -> bool:
        """Whether others' verdicts may be shown."""
        if self.role not in rights.VOTING:
            return True
        return self.third or (self.voted and self.stage == DECIDED)

    @property
    def may_identify(self) -> bool:
        """Whether the person may confirm who the case is about, once it is confirmed: they already know that it is."""
        named = self.enabled and self.role in rights.IDENTIFYING
        return named and self.stage == DECIDED and self.sees_verdicts and not self.recused

    @property
    def may_comment(self) -> bool:
        """After one's vote, or without a vote to give."""
        return self.role not in rights.VOTING or self.voted or self.answered


def conflicts(session: Session, reviewer_id: int) -> dict[str, set[str]]:
    """What the person must not decide on, by kind."""
    found: dict[str, set[str]] = {"listing": set(), "department": set(), "name": set()}
    rows = session.execute(
        select(Conflict.kind, Conflict.value).where(Conflict.reviewer_id == reviewer_id, Conflict.lifted_at.is_(None))
    )
    for kind, value in rows:
        found.setdefault(kind, set()).add(value)
    return found


def is_live(now: datetime) -> ColumnElement[bool]:
    """SQL for « this seat is kept now »."""
    return and_(Assignment.ended_at.is_(None), or_(Assignment.until.is_(None), Assignment.until > now))


def note_seen(session: Session, case_id: int, reviewer_id: int, role: str) -> None:
    """Write down that a person who does not vote in their role read the case: they never vote on it in another."""
    if role in rights.VOTING:
        return
    mine = Assignment.case_id == case_id, Assignment.reviewer_id == reviewer_id, Assignment.kind == "seen"
    if session.scalar(select(Assignment.id).where(*mine)) is not None:
        return
    now = datetime.now(UTC)
    rank = session.scalar(select(Docket.rank).where(Docket.case_id == case_id)) or 0
    seat = Assignment(case_id=case_id, reviewer_id=reviewer_id, kind="seen", rank=rank)
    seat.given_at = seat.opened_at = seat.ended_at = now
    session.add(seat)


def standing(session: Session, case_id: int, reviewer_id: int, now: datetime | None = None) -> Standing | None:
    """Where that person stands towards that case; None when there is no such case or person."""
    now = now or datetime.now(UTC)
    # Columns, not a row of the session: a verdict's trigger changes them behind its back.
    facts = select(Docket.stage, Docket.listing_id, Docket.department, Docket.name_key).where(Docket.case_id == case_id)
    docket, person = session.execute(facts).one_or_none(), session.get(Reviewer, reviewer_id)
    if docket is None or person is None:
        return None
    given = session.scalars(select(Verdict.reviewer_id).where(Verdict.case_id == case_id)).all()
    live = session.scalars(select(Ballot.reviewer_id).where(Ballot.case_id == case_id, Ballot.ended_at.is_(None))).all()
    seats = session.execute(
        select(Assignment.reviewer_id, Assignment.kind, Assignment.ended_at, Assignment.until).where(
            Assignment.case_id == case_id
        )
    ).all()
    kept = [s for s in seats if s.ended_at is None and (s.until is None or s.until > now)]
    taken = set(given) | set(live) | {s.reviewer_id for s in kept if s.kind != "control"}
    avoided = conflicts(session, reviewer_id)
    answered = select(func.count()).where(ControlAnswer.case_id == case_id, ControlAnswer.reviewer_id == reviewer_id)
    return Standing(
        case_id=case_id,
        stage=docket.stage,
        role=person.role,
        enabled=person.disabled_at is None,
        ballot=reviewer_id in live,
        voted=reviewer_id in given,
        answered=bool(session.scalar(answered)),
        recused=(
            str(docket.listing_id) in avoided["listing"]
            or docket.department in avoided["department"]
            or (bool(docket.name_key) and docket.name_key in avoided["name"])
        ),
        seen=any(s.kind == "seen" and s.reviewer_id == reviewer_id for s in seats),
        seated=next((s.kind for s in kept if s.reviewer_id == reviewer_id), ""),
        others=len(taken - {reviewer_id}),
    )
