"""Have the seals stamped: what is missing is a row with its reason and when it is asked again. It opens no connection.

No transaction is open while an authority is asked: a slow one holds up nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from ledger.canonical import sha256_hex, utc_text
from ledger.database import Ledger
from ledger.events import STAMP_FAILED, STAMPED, record
from ledger.evidence_tables import Seal, Stamp, StampTask
from ledger.models import Event
from ledger.sealing.tokens import AWAY, Authority, StampFault, Token, Transport, accept, ask_for

PENDING, DONE = "pending", "stamped"
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
FAULTS_IN_A_ROW = 3  # answers that cannot be accepted: then this authority is left alone until the next pass
NO_AUTHORITY = "no timestamp authority is set up"
Clock = Callable[[], datetime]


@dataclass
class StampReport:
    """One pass: tokens accepted, attempts that failed by authority and fault, and what still waits."""

    stamped: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # authority: the last fault of this pass
    waiting: int = 0
    authorities: int = 0


def now_utc() -> datetime:
    """Our clock."""
    return datetime.now(UTC)


def wait_after(attempts: int) -> timedelta:
    """How long to wait after that many failures in a row: a minute, twice as long each time, an hour at most."""
    doublings = min(attempts - 1, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def stamp_due(
    ledger: Ledger,
    authorities: Sequence[Authority],
    ask: Transport,
    *,
    wanted: int = 2,
    everything: bool = False,
    seconds: float = 600.0,
    clock: Clock = now_utc,
) -> StampReport:
    """Ask each authority for each stamp that is due (or missing, with `everything`), for at most about `seconds`.

    `wanted` is how many tokens a run's seals need to count as stamped. What fails stays recorded and waits longer each
    time; the first success of an authority makes its whole backlog due. Faults of an authority raise nothing.
    """
    report = StampReport(authorities=len(authorities))
    until = time.monotonic() + seconds
    _plan(ledger, authorities, wanted, clock())
    for authority in authorities:
        authority.check()  # certificates that cannot be read are the operator's business: told before anything is asked
    for authority in authorities:
        _stamp_with(ledger, authority, ask, report, _Pass(wanted, everything, until, clock))
    with ledger.session() as session:
        names = [authority.name for authority in authorities]
        query = select(func.count()).select_from(StampTask)
        report.waiting = session.scalar(query.where(StampTask.state == PENDING, StampTask.authority.in_(names))) or 0
    return report


@dataclass(frozen=True)
class _Pass:
    wanted: int
    everything: bool
    until: float
    clock: Clock


def _plan(ledger: Ledger, authorities: Sequence[Authority], wanted: int, now: datetime) -> None:
    """A task for each seal at each authority, and the recorded state of each run's seal."""
    with ledger.session() as session:
        for authority in authorities:
            known = select(StampTask.seal_number).where(StampTask.authority == authority.name)
            fresh = session.scalars(select(Seal.number).where(Seal.number.not_in(known)).order_by(Seal.number)).all()
            if fresh:
                blank = {"authority": authority.name, "state": PENDING, "attempts": 0, "fault": "", "reason": ""}
                session.execute(
                    insert(StampTask),
                    [{**blank, "seal_number": number, "tried_at": None, "next_at": now} for number in fresh],
                )
        _tell_runs(session, wanted, configured=len(authorities))


def _tell_runs(session: Session, wanted: int, *, configured: int, seal_number: int | None = None) -> None:
    """Record « absent », « pending » or « present » for each run whose seals are not as last recorded."""
    query = select(Seal.number, Seal.crawl_id, func.count(Stamp.authority)).outerjoin(
        Stamp, Stamp.seal_number == Seal.number
    )
    query = query.where(Seal.crawl_id.is_not(None)).group_by(Seal.number, Seal.crawl_id)
    if seal_number is not None:
        run = session.scalar(select(Seal.crawl_id).where(Seal.number == seal_number))
        query = query.where(Seal.crawl_id == run)
    tokens: dict[int, int] = {}
    for _, run, count in session.execute(query):
        if run is None:
            continue
        tokens[run] = min(count, tokens.get(run, count))
    told = _told(session, tokens)
    for run, count in sorted(tokens.items()):
        state, reason = _state(count, wanted, configured)
        if told.get(run) != (state, reason):
            record(session, state, "crawl", run, "vigie", reason=reason)


def _state(tokens: int, wanted: int, configured: int) -> tuple[str, str]:
    if tokens >= wanted:
        return "seal_present", f"{tokens} tokens"
    if configured == 0 and tokens == 0:
        return "seal_absent", NO_AUTHORITY
    return "seal_pending", f"{tokens} of {wanted} tokens"


def _told(session: Session, runs: dict[int, int]) -> dict[int, tuple[str, str]]:
    """The state last recorded of each run, and its reason."""
    states = ("seal_absent", "seal_pending", "seal_present")
    query = select(Event.subject_id, Event.kind, Event.detail).where(Event.kind.in_(states), Event.subject == "crawl")
    if len(runs) == 1:
        query = query.where(Event.subject_id == next(iter(runs)))
    return {row[0]: (row[1], str(row[2].get("reason", ""))) for row in session.execute(query.order_by(Event.id))}


def _stamp_with(ledger: Ledger, authority: Authority, ask: Transport, report: StampReport, this: _Pass) -> None:
    """Everything that is due at one authority, until it is done, away, or wrong too often."""
    wrong = 0
    after = 0
    while time.monotonic() < this.until and wrong < FAULTS_IN_A_ROW:
        seal = _next(ledger, authority.name, after, None if this.everything else this.clock())
        if seal is None:
            return
        after = seal.number if this.everything else 0  # what failed is not due any more; what it held up may be
        request = ask_for(seal.content.encode("ascii"))
        try:
            token = accept(ask(authority, request.der), request, authority, this.clock())
        except StampFault as fault:
            report.failed[authority.name] = str(fault.fault)
            _keep_fault(ledger, authority.name, seal.number, fault, this.clock())
            if fault.fault in AWAY:
                return
            wrong += 1
        else:
            wrong = 0
            report.stamped += _keep_token(ledger, authority, seal.number, token, this, report.authorities)


def _next(ledger: Ledger, authority: str, after: int, due_by: datetime | None) -> Seal | None:
    query = (
        select(Seal)
        .join(StampTask, StampTask.seal_number == Seal.number)
        .where(StampTask.authority == authority, StampTask.state == PENDING)
        .order_by(Seal.number)
    )
    if due_by is not None:
        query = query.where(StampTask.next_at <= due_by)
    with ledger.session() as session:
        return session.scalars(query.where(Seal.number > after).limit(1)).first()


def _keep_token(
    ledger: Ledger, authority: Authority, seal_number: int, token: Token, this: _Pass, configured: int
) -> int:
    """Keep the token and make the authority's backlog due: it is back. 0 when somebody else kept one meanwhile."""
    now = this.clock()
    mine = (StampTask.seal_number == seal_number, StampTask.authority == authority.name)
    with ledger.session() as session:
        done = update(StampTask).where(*mine, StampTask.state == PENDING)
        if not session.execute(done.values(state=DONE, fault="", reason="", tried_at=now)).rowcount:  # type: ignore[attr-defined]
            return 0
        session.add(
            Stamp(
                seal_number=seal_number,
                authority=authority.name,
                stamped_at=token.time,
                received_at=now,
                serial=token.serial,
                policy=token.policy,
                qualified=authority.qualified,
                token=token.der,
                certificates=authority.certificates,
            )
        )
        away = [str(fault) for fault in AWAY]
        session.execute(
            update(StampTask)
            .where(StampTask.authority == authority.name, StampTask.state == PENDING, StampTask.fault.in_(away))
            .values(next_at=now)
        )
        told = {"authority": authority.name, "time": utc_text(token.time), "token_sha256": sha256_hex(token.der)}
        record(session, STAMPED, "seal", seal_number, "vigie", qualified=authority.qualified, **told)
        session.flush()
        _tell_runs(session, this.wanted, configured=configured, seal_number=seal_number)
    return 1


def _keep_fault(ledger: Ledger, authority: str, seal_number: int, fault: StampFault, now: datetime) -> None:
    """Record why there is no token, and when to ask again: an authority that is away, for all that waits for it."""
    kind, reason = str(fault.fault), str(fault)[:500]
    with ledger.session() as session:
        task = session.get_one(StampTask, (seal_number, authority))
        if task.state == DONE:
            return
        if task.fault != kind:
            record(session, STAMP_FAILED, "seal", seal_number, "vigie", authority=authority, fault=kind, reason=reason)
        task.attempts, task.fault, task.reason, task.tried_at = task.attempts + 1, kind, reason, now
        task.next_at = now + wait_after(task.attempts)
        session.flush()
        if fault.fault in AWAY:
            session.execute(
                update(StampTask)
                .where(StampTask.authority == authority, StampTask.state == PENDING)
                .where(StampTask.next_at < task.next_at)
                .values(next_at=task.next_at, fault=kind, reason=reason)
            )
