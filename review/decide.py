"""Cast one person's verdict on one case. It must not show anything to anybody, nor compute a case's status itself."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ledger import cases, events
from ledger.models import Case, Reviewer, Verdict
from reference import load_reference
from reference.errors import VigieError
from review import words

NOTE_LIMIT = 2000  # characters
ROLES = ("reviewer", "administrator")


class NotAllowed(VigieError):
    """This person may not cast this verdict: unknown or disabled, unknown case, or a reason that does not fit."""


class AlreadyVoted(VigieError):
    """The person has already given a verdict on this case, and a verdict is never replaced."""


class CaseClosed(VigieError):
    """The verdicts already given decide the case: nothing more can be added to it."""


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
    """Record one verdict and the event that tells of it; the caller's session commits both or neither.

    The case row is locked first, so that two people who press the button at the same instant are taken one after
    the other: without it a case decided by two could receive a third, useless verdict. Raises `NotAllowed`,
    `AlreadyVoted` or `CaseClosed`, in French, before anything is written.
    """
    note = note.strip()
    _check_words(decision, reason, stance, note)
    _lock(session, case_id)
    person = session.get(Reviewer, reviewer_id)
    if person is None or person.disabled_at is not None or person.role not in ROLES:
        raise NotAllowed("Cette personne n’est pas habilitée à donner un avis.")
    given = session.scalars(
        select(Verdict).where(Verdict.case_id == case_id).order_by(Verdict.decided_at, Verdict.id)
    ).all()
    if any(verdict.reviewer_id == reviewer_id for verdict in given):
        raise AlreadyVoted("Vous avez déjà donné votre avis sur ce cas.")
    if cases.case_state([verdict.decision for verdict in given]) in cases.DECIDED:
        raise CaseClosed("Ce cas est clos : les avis déjà donnés ont suffi.")
    verdict = Verdict(
        case_id=case_id,
        reviewer_id=reviewer_id,
        decided_at=at or datetime.now(UTC),
        decision=decision,
        reason=reason,
        stance=stance,
        note=note,
    )
    session.add(verdict)
    session.flush()
    # The event says that a verdict was given, not which one: the verdict row is the one place that says it.
    events.record(session, "verdict.cast", "case", case_id, person.login, verdict_id=verdict.id)
    return verdict


def _check_words(decision: str, reason: str, stance: str, note: str) -> None:
    """Refuse a verdict whose codes are unknown or do not go together."""
    reference = load_reference()
    if decision not in words.DECISIONS:
        raise NotAllowed("Avis inconnu : choisissez « Confirmer », « Écarter » ou « Doute ».")
    if reason not in {known.code for known in words.reasons_for(reference, decision)}:
        raise NotAllowed("Choisissez un motif qui correspond à votre avis.")
    if decision == "confirm" and stance not in {known.code for known in words.flagged_stances(reference)}:
        raise NotAllowed("Pour confirmer, indiquez ce que fait la formule : refus, restriction ou dissuasion.")
    if decision != "confirm" and stance:
        raise NotAllowed("Seul un avis « Confirmer » qualifie la formule.")
    if len(note) > NOTE_LIMIT:
        raise NotAllowed(f"La note est limitée à {NOTE_LIMIT} caractères.")


def _lock(session: Session, case_id: int) -> None:
    """Hold the case row until the end of the transaction; an update that changes nothing locks on both databases.

    It comes before any reading: SQLite refuses to write after a read that another writer has made stale.
    """
    held = session.execute(update(Case).where(Case.id == case_id).values(listing_id=Case.listing_id).returning(Case.id))
    if held.scalar_one_or_none() is None:
        raise NotAllowed("Ce cas n’existe pas.")
