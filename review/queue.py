"""Give each person their seats and list them, in a fixed number of statements. It must not let others' verdicts show.

A person works through a batch of seats that the desk keeps for them. The order of the pool is a fixed shuffle of the
case numbers, the same for everybody: it depends neither on how many people have voted nor how, pairs complete soon, and
a known case slipped in among the others does not stand out by its age.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal_column, not_, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from ledger import cases, docket
from ledger.desk import AWAITS_THIRD, DECIDED, OPEN_SEATS, Assignment, Ballot, ControlAnswer, ControlCase, Docket
from ledger.models import Verdict
from reference import Reference
from review.gate import Gate
from review.standing import conflicts, is_live

BATCH = 20  # seats kept for one person
REFILL_AT = 10  # seats left at which more are given
KEPT = timedelta(hours=2)  # how long a seat is kept; it is kept anew at each refill
CONTROLS = 0.05  # share of known cases among the seats given
COUNTED = 300  # beyond it the queue says « plus de 300 »: counting further costs more than it tells
PORTION = 5_000  # case numbers in one statement
RECENT = 20  # own decisions listed
_SEATING = 0x76696770  # « vigp »: the lock under which seats are given on PostgreSQL


@dataclass(frozen=True)
class QueueRow:
    """One case as the queue shows it; nothing in it comes from a verdict or from the model's reading."""

    case_id: int
    platform: str
    field: str
    display_name: str
    speciality: str
    city: str
    excerpt: str


@dataclass(frozen=True)
class MyCase:
    """A case that the person has decided. `status` is None as long as they may not know it."""

    row: QueueRow
    status: cases.CaseStatus | None
    decision: str
    decided_at: datetime
    final: bool


@dataclass(frozen=True)
class Queue:
    """What waits for one person, and what that person has done last."""

    waiting: tuple[QueueRow, ...]
    pool: int  # cases that could still be given, at most `COUNTED` + 1
    mine: tuple[MyCase, ...]
    decided: int  # how many decisions the person has given in all


class Seats:
    """Gives seats to one person within one session; made anew for each request."""

    def __init__(self, session: Session, reviewer_id: int, role: str, gate: Gate, now: datetime | None = None) -> None:
        self.session, self.me, self.role, self.gate = session, reviewer_id, role, gate
        self.now = now or datetime.now(UTC)

    def active(self) -> list[int]:
        """The cases that wait for the person, in the order in which they were given."""
        query = select(Assignment.case_id).where(Assignment.reviewer_id == self.me, is_live(self.now))
        return list(dict.fromkeys(self.session.scalars(query.order_by(_third_first(), Assignment.id))))

    def fill(self) -> list[int]:
        """The person's seats, after giving more when few are left."""
        held = self.active()
        if len(held) > REFILL_AT:
            return held
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SEATING})
        # The first write: on SQLite it waits for whoever is giving seats.
        self.session.execute(
            update(Assignment)
            .where(Assignment.reviewer_id == self.me, is_live(self.now), Assignment.until.is_not(None))
            .values(until=self.now + KEPT)
        )
        for kinds, stage in ((("batch", "bulk"), OPEN_SEATS), (("third",), AWAITS_THIRD)):
            moved = select(Docket.case_id).where(Docket.case_id == Assignment.case_id, Docket.stage != stage)
            stale = Assignment.reviewer_id == self.me, Assignment.kind.in_(kinds), Assignment.ended_at.is_(None)
            self.session.execute(update(Assignment).where(*stale, moved.exists()).values(ended_at=self.now))
        if self.role == "adjudicator":
            self._give(self._pool(AWAITS_THIRD, -1).limit(BATCH - len(held)), "third")
        held = self.active()
        self._batch(BATCH - len(held))
        return self.active()

    def next(self, after: int | None = None) -> int | None:
        """The case that comes after `after` in the person's batch; from the beginning when there is none."""
        held = self.fill()
        if after in held and held.index(after) + 1 < len(held):
            return held[held.index(after) + 1]
        rest = [case_id for case_id in held if case_id != after]
        return rest[0] if rest else held[0] if held else None

    def grant(self, ids: list[int], given_by: str, number: int) -> list[int]:
        """Keep seats for this person on up to `number` of those cases, until they are decided; gives which."""
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SEATING})
        given: list[int] = []
        for start in range(0, len(ids), PORTION):
            wanted = self._pool(OPEN_SEATS, -1).where(Docket.case_id.in_(ids[start : start + PORTION]))
            for case_id, rank in _pairs(self.session, wanted.limit(number - len(given))):
                self._seat(case_id, rank, "bulk", given_by)
                given.append(case_id)
            if len(given) >= number:
                break
        self.session.flush()
        return given

    def pool_size(self) -> int:
        """How many cases could still be given, at most `COUNTED` + 1."""
        query = self._pool(OPEN_SEATS, -1).order_by(None).limit(COUNTED + 1).subquery()
        return self.session.scalar(select(func.count()).select_from(query)) or 0

    def release(self) -> None:
        """Let go of the seats of the day: the person leaves. Bulk assignments stay."""
        self.session.execute(
            update(Assignment)
            .where(Assignment.reviewer_id == self.me, Assignment.ended_at.is_(None), Assignment.until.is_not(None))
            .values(ended_at=self.now)
        )

    def _batch(self, wanted: int) -> None:
        """Seats on the next cases of the pool, with a known case slipped in now and then."""
        given = self.session.scalar(select(func.count()).where(Assignment.reviewer_id == self.me)) or 0
        last = select(Assignment.rank).where(Assignment.reviewer_id == self.me, Assignment.kind == "batch")
        cursor = self.session.scalar(last.where(Assignment.rank > 0).order_by(Assignment.id.desc()).limit(1)) or -1
        found = _pairs(self.session, self._pool(OPEN_SEATS, cursor).limit(max(wanted, 0)))
        if len(found) < wanted and cursor >= 0:  # round again from the start
            more = _pairs(self.session, self._pool(OPEN_SEATS, -1).limit(wanted))
            found += [pair for pair in more if pair not in found][: wanted - len(found)]
        known = _pairs(self.session, self._controls().limit(wanted)) if found else []
        for number, pair in enumerate(found):
            if known and self.gate.draw(f"control\0{self.me}\0{given + number}") < CONTROLS:
                self._seat(*known.pop(0), "control")
            self._seat(*pair, "batch")
        self.session.flush()

    def _give(self, query: Select[int, int], kind: str) -> None:
        for case_id, rank in self.session.execute(query).all():
            self._seat(case_id, rank, kind)
        self.session.flush()

    def _seat(self, case_id: int, rank: int, kind: str, given_by: str = "") -> None:
        self.session.add(
            Assignment(
                case_id=case_id,
                reviewer_id=self.me,
                kind=kind,
                rank=rank,
                given_at=self.now,
                given_by=given_by,
                until=None if kind == "bulk" else self.now + KEPT,
            )
        )

    def _pool(self, stage: int, beyond: int) -> Select[int, int]:
        """Cases at that stage with a free seat that this person may take, in the order of the shuffle."""
        others = Ballot.case_id == Docket.case_id, Ballot.ended_at.is_(None)
        seats = aliased(Assignment)
        kept = and_(seats.case_id == Docket.case_id, seats.ended_at.is_(None), seats.kind != "control")
        busy = (
            Docket.confirms
            + Docket.dismisses
            + Docket.doubts
            + select(func.count()).where(*others).scalar_subquery()
            + select(func.count()).where(kept, or_(seats.until.is_(None), seats.until > self.now)).scalar_subquery()
        )
        return (
            self._free_for_me(stage)
            .where(
                Docket.rank > beyond, busy < (cases.VOTES_TO_AGREE if stage == OPEN_SEATS else cases.VOTES_TO_SETTLE)
            )
            .order_by(Docket.rank)
        )

    def _controls(self) -> Select[int, int]:
        """Known cases that are decided, and that this person has never decided nor seen decided."""
        answered = exists().where(ControlAnswer.case_id == Docket.case_id, ControlAnswer.reviewer_id == self.me)
        return (
            self._free_for_me(DECIDED)
            .join(ControlCase, and_(ControlCase.case_id == Docket.case_id, ControlCase.retired_at.is_(None)))
            .where(not_(answered))
            .order_by(Docket.rank)
        )

    def _free_for_me(self, stage: int) -> Select[int, int]:
        """Cases at that stage that the person has neither voted on, nor is about to, nor must avoid."""
        held, avoided = aliased(Assignment), conflicts(self.session, self.me)
        mine = held.case_id == Docket.case_id, held.reviewer_id == self.me
        query = select(Docket.case_id, Docket.rank).where(
            Docket.stage == literal_column(str(stage)),
            not_(exists().where(Verdict.case_id == Docket.case_id, Verdict.reviewer_id == self.me)),
            not_(
                exists().where(
                    Ballot.case_id == Docket.case_id, Ballot.reviewer_id == self.me, Ballot.ended_at.is_(None)
                )
            ),
            not_(exists().where(*mine, or_(held.kind == "seen", is_live_of(held, self.now)))),
        )
        if avoided["listing"]:
            query = query.where(Docket.listing_id.not_in(sorted(map(int, avoided["listing"]))))
        if avoided["department"]:
            query = query.where(Docket.department.not_in(sorted(avoided["department"])))
        if avoided["name"]:
            query = query.where(Docket.name_key.not_in(sorted(avoided["name"])))
        return query


def _pairs(session: Session, query: Select[int, int]) -> list[tuple[int, int]]:
    return [(case_id, rank) for case_id, rank in session.execute(query)]


def is_live_of(seats: type[Assignment], now: datetime) -> ColumnElement[bool]:
    """`is_live` of an alias."""
    return and_(seats.ended_at.is_(None), or_(seats.until.is_(None), seats.until > now))


def queue_for(session: Session, seats: Seats, reference: Reference) -> Queue:
    """The person's queue: their seats, and their last decisions."""
    held = seats.fill()
    mine, decided = _mine(session, seats.me)
    rows = rows_of(session, reference, [*held, *(item[0] for item in mine)])
    return Queue(
        waiting=tuple(rows[case_id] for case_id in held),
        pool=seats.pool_size(),
        mine=tuple(MyCase(rows[case_id], status, said, at, final) for case_id, status, said, at, final in mine),
        decided=decided,
    )


def rows_of(session: Session, reference: Reference, ids: list[int]) -> dict[int, QueueRow]:
    """The rows of those cases, described first where they are not yet."""
    if not ids:
        return {}
    fresh = list(session.scalars(select(Docket.case_id).where(Docket.case_id.in_(ids), Docket.described.is_(False))))
    if fresh:
        docket.refresh(session, reference, fresh)
    shown = Docket.case_id, Docket.platform, Docket.field, Docket.display_name, Docket.speciality, Docket.city
    found = session.execute(select(*shown, Docket.excerpt).where(Docket.case_id.in_(ids)))
    return {row.case_id: QueueRow(*row) for row in found}


def status_sql() -> ColumnElement[str]:
    """SQL for the status of a docket row: `ledger.cases.case_state` said again; a test holds them together."""
    votes = Docket.confirms + Docket.dismisses + Docket.doubts
    return case(
        (Docket.dismisses >= cases.VOTES_TO_AGREE, str(cases.CaseStatus.DISMISSED)),
        (Docket.confirms >= cases.VOTES_TO_AGREE, str(cases.CaseStatus.CONFIRMED)),
        (votes >= cases.VOTES_TO_SETTLE, str(cases.CaseStatus.DOUBTFUL)),
        (votes == 2, str(cases.CaseStatus.SPLIT)),
        (votes == 1, str(cases.CaseStatus.SECOND)),
        else_=str(cases.CaseStatus.OPEN),
    )


def _mine(session: Session, me: int) -> tuple[list[tuple[int, cases.CaseStatus | None, str, datetime, bool]], int]:
    """The person's last decisions, newest first, and how many they gave; a known case reads like any other."""
    found: list[tuple[int, cases.CaseStatus | None, str, datetime, bool]] = []
    given = (
        select(Verdict.case_id, Verdict.decision, Verdict.decided_at, status_sql(), Docket.stage)
        .join(Docket, Docket.case_id == Verdict.case_id)
        .where(Verdict.reviewer_id == me)
    )
    for case_id, decision, at, status, stage in session.execute(given.order_by(Verdict.id.desc()).limit(RECENT)):
        found.append((case_id, cases.CaseStatus(status) if stage == DECIDED else None, decision, at, True))
    answered = select(ControlAnswer.case_id, ControlAnswer.decision, ControlAnswer.answered_at)
    for case_id, decision, at in session.execute(
        answered.where(ControlAnswer.reviewer_id == me).order_by(ControlAnswer.id.desc()).limit(RECENT)
    ):
        found.append((case_id, None, decision, at, True))
    live = select(Ballot.case_id, Ballot.decision, Ballot.cast_at)
    for case_id, decision, at in session.execute(live.where(Ballot.reviewer_id == me, Ballot.ended_at.is_(None))):
        found.append((case_id, None, decision, at, False))
    count = session.scalar(select(func.count()).where(Verdict.reviewer_id == me)) or 0
    count += session.scalar(select(func.count()).where(ControlAnswer.reviewer_id == me)) or 0
    return sorted(found, key=lambda item: item[3], reverse=True)[:RECENT], count


def _third_first() -> ColumnElement[int]:
    return case((Assignment.kind == "third", 0), (Assignment.kind == "bulk", 1), else_=2)
