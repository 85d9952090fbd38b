"""Take one person's decision on one case. It must not show anything to anybody, nor compute a case's status itself.

A decision is first a *ballot*: durable at once, seen by its author alone, and theirs to take back for two minutes or
until they decide another case. Then it becomes a verdict, which nobody replaces. So a slip of the finger never enters
the evidence, and nothing that somebody has seen is ever taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import String, select, update
from sqlalchemy import cast as cast_text
from sqlalchemy.orm import Session

from ledger import cases, events
from ledger.desk import Assignment, Ballot, Conflict, ControlAnswer
from ledger.models import Case, Finding, Passage, Reviewer, Verdict
from reference import load_reference
from reference.errors import VigieError
from review import words
from review.standing import Standing, standing

NOTE_LIMIT = 2000  # characters
UNDO = timedelta(minutes=2)  # how long a ballot may be taken back
RECUSE = "recuse"


class NotAllowed(VigieError):
    """This person may not cast this verdict: unknown or disabled, unknown case, or a reason that does not fit."""


class AlreadyVoted(VigieError):
    """The person has already given a verdict on this case, and a verdict is never replaced."""


class CaseClosed(VigieError):
    """The case takes no vote from this person: others decide it, or have decided it."""


class NothingToUndo(VigieError):
    """There is no decision left that the person may take back."""


@dataclass(frozen=True)
class Choice:
    """What a form says. Empty `stance` and `ground` of a confirmation are those of its reason.

    `span` are the words to underline instead of the machine's, verbatim; empty leaves them as they are.
    """

    decision: str
    reason: str = ""
    stance: str = ""
    ground: str = ""
    span: str = ""
    note: str = ""


def place(session: Session, case_id: int, reviewer_id: int, choice: Choice, at: datetime | None = None) -> Ballot:
    """Take the decision as a ballot, make the person's earlier ballots final; the session commits all or nothing.

    The case row is locked first, so that two people who press the button at the same instant are taken one after the
    other. Raises `NotAllowed`, `AlreadyVoted` or `CaseClosed`, in French, before anything is written.
    """
    now = at or datetime.now(UTC)
    choice = _completed(choice)
    earlier = _locked(session, case_id, reviewer_id)
    stand = _checked(session, case_id, reviewer_id, now)
    start, end = _span(session, case_id, choice.span)
    settle(session, earlier)
    ballot = Ballot(
        case_id=case_id,
        reviewer_id=reviewer_id,
        cast_at=now,
        decision=choice.decision,
        reason=choice.reason,
        stance=choice.stance,
        ground=choice.ground,
        span_start=start,
        span_end=end,
        note=choice.note,
        control=stand.control,
        seconds=_leave_seat(session, case_id, reviewer_id, now),
    )
    session.add(ballot)
    session.flush()
    # The event says that a decision was given, not which one: a verdict row is the one place that says it.
    person = session.get_one(Reviewer, reviewer_id)
    events.record(session, "ballot.cast", "case", case_id, person.login, ballot_id=ballot.id)
    return ballot


def recuse(session: Session, case_id: int, reviewer_id: int, at: datetime | None = None) -> None:
    """« I have a conflict of interest »: the person never gets a case of that listing again."""
    now = at or datetime.now(UTC)
    earlier = _locked(session, case_id, reviewer_id)
    stand = _checked(session, case_id, reviewer_id, now)
    listing_id = session.get_one(Case, case_id).listing_id
    settle(session, earlier)
    session.add(Conflict(reviewer_id=reviewer_id, kind="listing", value=str(listing_id), declared_at=now))
    if not stand.seated:
        _take_seat(session, case_id, reviewer_id, "batch", now)
    _leave_seat(session, case_id, reviewer_id, now)
    same = select(Case.id).where(Case.listing_id == listing_id, Case.id != case_id)
    session.execute(
        update(Assignment)
        .where(Assignment.reviewer_id == reviewer_id, Assignment.case_id.in_(same), Assignment.ended_at.is_(None))
        .values(ended_at=now)
    )
    person = session.get_one(Reviewer, reviewer_id)
    events.record(session, "conflict.declared", "case", case_id, person.login, listing=listing_id)


def undo(session: Session, reviewer_id: int, at: datetime | None = None) -> int:
    """Take back the person's last decision and give them their seat again; gives the case. Raises `NothingToUndo`."""
    now = at or datetime.now(UTC)
    person = session.get_one(Reviewer, reviewer_id)
    ballot: Ballot | None = session.scalar(
        update(Ballot)
        .where(Ballot.reviewer_id == reviewer_id, Ballot.ended_at.is_(None), Ballot.cast_at > now - UNDO)
        .values(ended_at=now, ending="withdrawn")
        .returning(Ballot)
    )
    if ballot is not None:
        _take_seat(session, ballot.case_id, reviewer_id, "control" if ballot.control else "batch", now)
        events.record(session, "ballot.withdrawn", "case", ballot.case_id, person.login, ballot_id=ballot.id)
        return ballot.case_id
    newest = (
        select(Conflict)
        .where(Conflict.reviewer_id == reviewer_id, Conflict.kind == "listing", Conflict.lifted_at.is_(None))
        .order_by(Conflict.id.desc())
    )
    conflict = session.scalars(newest.limit(1)).first()
    if conflict is None or conflict.declared_at <= now - UNDO:
        raise NothingToUndo("Il n’y a plus d’avis que vous puissiez reprendre : le dernier est enregistré.")
    conflict.lifted_at = now
    same = select(Case.id).where(Case.listing_id == int(conflict.value))
    left = select(Assignment).where(
        Assignment.reviewer_id == reviewer_id,
        Assignment.ended_at == conflict.declared_at,
        Assignment.case_id.in_(same),
    )
    seat = session.scalars(left.order_by(Assignment.id.desc()).limit(1)).first()
    if seat is None:
        raise NothingToUndo("Ce cas ne peut pas vous être rendu.")
    _take_seat(session, seat.case_id, reviewer_id, seat.kind, now)
    events.record(session, "conflict.lifted", "case", seat.case_id, person.login)
    return seat.case_id


def may_undo(session: Session, reviewer_id: int, case_id: int, at: datetime | None = None) -> bool:
    """Whether the person's decision on that case, or their conflict of interest, may still be taken back."""
    horizon = (at or datetime.now(UTC)) - UNDO
    mine = Ballot.reviewer_id == reviewer_id, Ballot.case_id == case_id
    ballot = select(Ballot.id).where(*mine, Ballot.ended_at.is_(None), Ballot.cast_at > horizon)
    if session.scalar(ballot) is not None:
        return True
    listing = select(Case.listing_id).where(Case.id == case_id)
    conflict = select(Conflict.id).where(
        Conflict.reviewer_id == reviewer_id,
        Conflict.kind == "listing",
        Conflict.value == cast_text(listing.scalar_subquery(), String),
        Conflict.lifted_at.is_(None),
        Conflict.declared_at > horizon,
    )
    return session.scalar(conflict) is not None


def settle_due(session: Session, now: datetime | None = None) -> int:
    """Make final every ballot whose time to be taken back is over; gives how many. Anybody may call it."""
    horizon = (now or datetime.now(UTC)) - UNDO
    due = list(session.scalars(select(Ballot).where(Ballot.ended_at.is_(None), Ballot.cast_at <= horizon)))
    settle(session, due)
    return len(due)


def settle(session: Session, ballots: list[Ballot]) -> None:
    """Turn those ballots into verdicts or control answers, each once, also when two processes try at the same time."""
    for ballot in sorted(ballots, key=lambda one: one.case_id):
        lock(session, ballot.case_id)
        taken = session.execute(
            update(Ballot)
            .where(Ballot.id == ballot.id, Ballot.ended_at.is_(None))
            .values(ended_at=datetime.now(UTC), ending="control" if ballot.control else "verdict")
            .returning(Ballot.id)
        )
        if taken.scalar_one_or_none() is None:
            continue
        person = session.get_one(Reviewer, ballot.reviewer_id)
        if ballot.control:
            session.add(
                ControlAnswer(
                    case_id=ballot.case_id,
                    reviewer_id=ballot.reviewer_id,
                    answered_at=ballot.cast_at,
                    decision=ballot.decision,
                    reason=ballot.reason,
                    stance=ballot.stance,
                )
            )
            continue
        verdict = Verdict(
            case_id=ballot.case_id,
            reviewer_id=ballot.reviewer_id,
            decided_at=ballot.cast_at,
            decision=ballot.decision,
            reason=ballot.reason,
            stance=ballot.stance,
            ground=ballot.ground,
            span_start=ballot.span_start,
            span_end=ballot.span_end,
            note=ballot.note,
        )
        session.add(verdict)
        session.flush()
        events.record(session, "verdict.cast", "case", ballot.case_id, person.login, verdict_id=verdict.id)


def settle_own(session: Session, reviewer_id: int) -> None:
    """Make the person's ballots final now: they leave."""
    settle(session, _live(session, reviewer_id))


def cast(
    session: Session,
    case_id: int,
    reviewer_id: int,
    decision: str,
    reason: str,
    stance: str = "",
    note: str = "",
    at: datetime | None = None,
) -> Verdict:
    """A decision that is final at once, for scripts: `place` and its settlement in one. Same errors."""
    ballot = place(session, case_id, reviewer_id, Choice(decision, reason, stance, note=note), at)
    if ballot.control:
        raise NotAllowed("Ce cas est un témoin : un script n’y répond pas.")
    settle(session, [ballot])
    query = select(Verdict).where(Verdict.case_id == case_id, Verdict.reviewer_id == reviewer_id)
    return session.scalars(query).one()


def lock(session: Session, case_id: int) -> None:
    """Hold the case row until the end of the transaction; an update that changes nothing locks on both databases.

    It comes before any reading: SQLite refuses to write after a read that another writer has made stale.
    """
    held = session.execute(update(Case).where(Case.id == case_id).values(listing_id=Case.listing_id).returning(Case.id))
    if held.scalar_one_or_none() is None:
        raise NotAllowed("Ce cas n’existe pas.")


def _locked(session: Session, case_id: int, reviewer_id: int) -> list[Ballot]:
    """Lock the case and those of the person's live ballots, in one order for everybody: nobody waits in a ring."""
    earlier = {ballot.case_id for ballot in _live(session, reviewer_id)}
    for locked in sorted({case_id, *earlier}):
        lock(session, locked)
    session.expire_all()
    return _live(session, reviewer_id)


def _checked(session: Session, case_id: int, reviewer_id: int, now: datetime) -> Standing:
    """The person's standing, when it allows a vote."""
    stand = standing(session, case_id, reviewer_id, now)
    if stand is None or not stand.enabled or stand.role not in ("reviewer", "adjudicator"):
        raise NotAllowed("Cette personne n’est pas habilitée à donner un avis.")
    if stand.voted or stand.ballot or stand.answered:
        raise AlreadyVoted("Vous avez déjà donné votre avis sur ce cas.")
    if stand.recused:
        raise NotAllowed("Vous avez signalé un conflit d’intérêts : ce cas est confié à d’autres.")
    if stand.seen:
        raise NotAllowed("Vous avez lu les avis de ce cas dans une autre fonction : il est confié à d’autres.")
    if not stand.may_vote:
        raise CaseClosed("Ce cas n’attend pas votre avis : d’autres s’en chargent ou l’ont décidé.")
    return stand


def _completed(choice: Choice) -> Choice:
    """The choice with what its reason implies; refuses codes that are unknown or do not go together."""
    reference = load_reference()
    note = choice.note.replace("\r\n", "\n").strip()
    if choice.decision not in words.DECISIONS:
        raise NotAllowed("Avis inconnu : choisissez « Confirmer », « Écarter » ou « Doute ».")
    if choice.reason not in {known.code for known in words.reasons_for(reference, choice.decision)}:
        raise NotAllowed("Choisissez un motif qui correspond à votre avis.")
    if len(note) > NOTE_LIMIT:
        raise NotAllowed(f"La note est limitée à {NOTE_LIMIT} caractères.")
    if choice.decision != cases.CONFIRM:
        if choice.stance or choice.ground or choice.span:
            raise NotAllowed("Seul un avis « Confirmer » qualifie la formule.")
        return replace(choice, note=note)
    reason = reference.verdict_reasons[choice.reason]
    stance, ground = choice.stance or reason.stance or "", choice.ground or reason.ground or ""
    if stance not in {known.code for known in words.flagged_stances(reference)}:
        raise NotAllowed("Pour confirmer, indiquez ce que fait la formule : refus, restriction ou dissuasion.")
    if ground not in reference.legal_grounds:
        raise NotAllowed("Fondement inconnu : refus, conditions particulières ou renvoi ailleurs.")
    return replace(choice, stance=stance, ground=ground, note=note)


def _span(session: Session, case_id: int, span: str) -> tuple[int | None, int | None]:
    """Where the words stand in the passage, in characters; of several places the one nearest to the machine's."""
    span = span.replace("\r\n", "\n").strip()
    if not span:
        return None, None
    found = session.execute(
        select(Passage.text, Finding.start)
        .join(Finding, Finding.passage_id == Passage.id)
        .join(Case, Case.finding_id == Finding.id)
        .where(Case.id == case_id)
    ).one()
    places = [i for i in range(len(found.text)) if found.text.startswith(span, i)]
    if not places:
        raise NotAllowed("Les mots à souligner ne se trouvent pas tels quels dans le passage.")
    start = min(places, key=lambda i: abs(i - found.start))
    return start, start + len(span)


def _live(session: Session, reviewer_id: int) -> list[Ballot]:
    return list(session.scalars(select(Ballot).where(Ballot.reviewer_id == reviewer_id, Ballot.ended_at.is_(None))))


def _leave_seat(session: Session, case_id: int, reviewer_id: int, now: datetime) -> float | None:
    """End the person's seat; gives the seconds since they first saw the case."""
    opened = session.execute(
        update(Assignment)
        .where(Assignment.case_id == case_id, Assignment.reviewer_id == reviewer_id, Assignment.ended_at.is_(None))
        .values(ended_at=now)
        .returning(Assignment.opened_at)
    ).all()
    return next(((now - row.opened_at).total_seconds() for row in opened if row.opened_at), None)


def _take_seat(session: Session, case_id: int, reviewer_id: int, kind: str, now: datetime) -> None:
    session.add(
        Assignment(
            case_id=case_id,
            reviewer_id=reviewer_id,
            kind=kind,
            rank=0,
            given_at=now,
            given_by="undo",
            until=now + timedelta(hours=1),
            opened_at=now,
        )
    )
    session.flush()
