"""Have seals stamped by OpenTimestamps calendars: ask, ask again, and fetch what was promised. It opens no connection.

As for RFC 3161, what is missing is a row with its reason and its next turn; no transaction is open while one is asked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from ledger.canonical import sha256_hex
from ledger.database import Ledger
from ledger.events import CALENDAR_COMPLETE, CALENDAR_FAILED, CALENDAR_PENDING, record
from ledger.evidence_services import ABSENT, COMPLETE, PENDING, CalendarProof, CalendarTask
from ledger.evidence_tables import Seal
from ledger.sealing.calendars import Calendar, Reach, accept_attestation, accept_promise, ask_for, commitment
from ledger.sealing.stamping import FAULTS_IN_A_ROW, Clock, now_utc, wait_after
from ledger.sealing.tokens import AWAY, Fault, StampFault

FIRST_LOOK = timedelta(hours=1)  # a block with the calendar's root takes that long at least
NEXT_LOOK = timedelta(hours=6)  # while the calendar has nothing yet
EVENT_OF = {PENDING: CALENDAR_PENDING, COMPLETE: CALENDAR_COMPLETE}


@dataclass
class CalendarReport:
    """One pass: promises and attestations that came, the last fault of each calendar, and what still waits."""

    promised: int = 0
    completed: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    waiting: int = 0


def calendars_due(
    ledger: Ledger,
    calendars: Sequence[Calendar],
    reach: Reach,
    *,
    everything: bool = False,
    seconds: float = 600.0,
    clock: Clock = now_utc,
) -> CalendarReport:
    """Ask each calendar for each promise or attestation that is due (or missing, with `everything`).

    Faults of a calendar raise nothing; without calendars nothing is asked and nothing recorded.
    """
    report = CalendarReport()
    until = time.monotonic() + seconds
    for calendar in calendars:
        _plan(ledger, calendar.name, clock())
        _pass(ledger, calendar, reach, report, None if everything else clock(), until, clock)
    names = [calendar.name for calendar in calendars]
    with ledger.session() as session:
        waiting = select(func.count()).select_from(CalendarTask).where(CalendarTask.state != COMPLETE)
        report.waiting = session.scalar(waiting.where(CalendarTask.calendar.in_(names))) or 0
    return report


def _plan(ledger: Ledger, calendar: str, now: datetime) -> None:
    """A task for each seal that this calendar was not asked about."""
    with ledger.session() as session:
        known = select(CalendarTask.seal_number).where(CalendarTask.calendar == calendar)
        fresh = session.scalars(select(Seal.number).where(Seal.number.not_in(known)).order_by(Seal.number)).all()
        blank = {"calendar": calendar, "state": ABSENT, "attempts": 0, "fault": "", "reason": "", "tried_at": None}
        if fresh:
            session.execute(insert(CalendarTask), [{**blank, "seal_number": one, "next_at": now} for one in fresh])


def _pass(
    ledger: Ledger,
    calendar: Calendar,
    reach: Reach,
    report: CalendarReport,
    due_by: datetime | None,
    until: float,
    clock: Clock,
) -> None:
    """Everything that is due at one calendar, until it is done, away, or wrong too often."""
    wrong, after = 0, 0
    while time.monotonic() < until and wrong < FAULTS_IN_A_ROW:
        found = _next(ledger, calendar.name, after, due_by)
        if found is None:
            return
        seal, proof = found
        after = seal.number
        try:
            whole, state = _ask(seal.content.encode("ascii"), proof, calendar, reach)
        except StampFault as fault:
            if proof is not None and fault.fault is Fault.NOT_YET:
                _keep_waiting(ledger, calendar.name, seal.number, clock())
                continue
            report.failed[calendar.name] = str(fault.fault)
            _keep_fault(ledger, calendar.name, seal.number, fault, clock())
            if fault.fault in AWAY:
                return
            wrong += 1
        else:
            wrong = 0
            kept = _keep_proof(ledger, calendar.name, seal.number, state, whole, clock())
            report.promised += kept and state == PENDING
            report.completed += kept and state == COMPLETE


def _next(ledger: Ledger, calendar: str, after: int, due_by: datetime | None) -> tuple[Seal, bytes | None] | None:
    """The next seal to ask about, and the promise that is held, if any."""
    query = (
        select(Seal, CalendarProof.proof)
        .join(CalendarTask, CalendarTask.seal_number == Seal.number)
        .outerjoin(
            CalendarProof,
            (CalendarProof.seal_number == Seal.number)
            & (CalendarProof.calendar == CalendarTask.calendar)
            & (CalendarProof.state == PENDING),
        )
        .where(CalendarTask.calendar == calendar, CalendarTask.state != COMPLETE, Seal.number > after)
        .order_by(Seal.number)
    )
    if due_by is not None:
        query = query.where(CalendarTask.next_at <= due_by)
    with ledger.session() as session:
        row = session.execute(query.limit(1)).first()
        return (row[0], row[1]) if row else None


def _ask(content: bytes, proof: bytes | None, calendar: Calendar, reach: Reach) -> tuple[bytes, str]:
    """The new `.ots` file and its state. Raises `StampFault`."""
    if proof is None:
        asked = ask_for(content)
        return accept_promise(reach(calendar, ("digest", asked.digest)), asked, content, calendar), PENDING
    wanted = commitment(proof, calendar).message
    return accept_attestation(reach(calendar, (f"timestamp/{wanted.hex()}", None)), proof, calendar), COMPLETE


def _task(session: Session, calendar: str, seal_number: int) -> CalendarTask:
    return session.get_one(CalendarTask, (seal_number, calendar))


def _keep_proof(ledger: Ledger, calendar: str, seal_number: int, state: str, proof: bytes, now: datetime) -> bool:
    """Keep it and say so; False when somebody else kept one meanwhile."""
    with ledger.session() as session:
        if session.get(CalendarProof, (seal_number, calendar, state)) is not None:
            return False
        task = _task(session, calendar, seal_number)
        task.state, task.attempts, task.fault, task.reason, task.tried_at = state, 0, "", "", now
        task.next_at = now + FIRST_LOOK
        session.add(
            CalendarProof(seal_number=seal_number, calendar=calendar, state=state, received_at=now, proof=proof)
        )
        told = {"calendar": calendar, "proof_sha256": sha256_hex(proof)}
        record(session, EVENT_OF[state], "seal", seal_number, "vigie", **told)
    return True


def _keep_waiting(ledger: Ledger, calendar: str, seal_number: int, now: datetime) -> None:
    """The calendar keeps its promise for later: no fault."""
    with ledger.session() as session:
        task = _task(session, calendar, seal_number)
        task.attempts, task.fault, task.reason, task.tried_at = 0, "", "no block yet", now
        task.next_at = now + NEXT_LOOK


def _keep_fault(ledger: Ledger, calendar: str, seal_number: int, fault: StampFault, now: datetime) -> None:
    """Record why there is nothing new, when the reason changes, and ask again later."""
    kind, reason = str(fault.fault), str(fault)[:500]
    with ledger.session() as session:
        task = _task(session, calendar, seal_number)
        if task.fault != kind:
            told = {"calendar": calendar, "fault": kind, "reason": reason}
            record(session, CALENDAR_FAILED, "seal", seal_number, "vigie", **told)
        task.attempts, task.fault, task.reason, task.tried_at = task.attempts + 1, kind, reason, now
        task.next_at = now + wait_after(task.attempts)
