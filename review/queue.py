"""Say which cases wait for a person, in a fixed number of statements. It must not let others' verdicts show.

A case waits for someone while it is not closed and that person has not voted. The order is the order in which the
cases were opened, never how many people have voted or how: a queue that moved would tell the second reader
what the first one said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select
from sqlalchemy.orm import Session

from ledger import cases
from ledger.models import Case, Finding, Listing, ListingView, Passage, Verdict

PAGE = 50  # cases a page
EXCERPT = 160  # characters of the passage shown in the queue
LEAD = 50  # of them, before the words in question


@dataclass(frozen=True)
class QueueRow:
    """One case as the queue shows it; nothing in it comes from a verdict or from the model's reading."""

    case_id: int
    opened_at: datetime
    platform: str
    field: str
    display_name: str
    speciality: str
    city: str
    excerpt: str


@dataclass(frozen=True)
class MyCase:
    """A case on which the person has voted, with the state that their own vote lets them see."""

    row: QueueRow
    status: cases.CaseStatus
    decision: str
    decided_at: datetime


@dataclass(frozen=True)
class Queue:
    """What waits for one person, and what that person has done. `next_after` is None on the last page."""

    waiting: tuple[QueueRow, ...]
    waiting_count: int
    next_after: int | None
    elsewhere: tuple[MyCase, ...]
    elsewhere_count: int
    closed: tuple[MyCase, ...]
    closed_count: int


def next_case(session: Session, reviewer_id: int, after: int | None = None) -> int | None:
    """The first case that waits for the person, or the first one beyond `after` (then from the start again)."""
    query = _waiting(reviewer_id).order_by(Case.id).limit(1)
    if after is not None:
        found = session.scalar(query.where(Case.id > after))
        if found is not None:
            return int(found)
    found = session.scalar(query)
    return None if found is None else int(found)


def queue_for(session: Session, reviewer_id: int, after: int = 0, limit: int = PAGE) -> Queue:
    """The person's queue from beyond case `after`, at most `limit` rows a list; the counts cover everything."""
    ids = list(session.scalars(_waiting(reviewer_id).where(Case.id > after).order_by(Case.id).limit(limit + 1)))
    count = session.scalar(select(func.count()).select_from(_waiting(reviewer_id).subquery())) or 0
    elsewhere, elsewhere_count = _mine(session, reviewer_id, closed=False, limit=limit)
    closed, closed_count = _mine(session, reviewer_id, closed=True, limit=limit)
    voted = [*elsewhere, *closed]
    shown = ids[:limit]
    rows = _rows(session, [*shown, *(verdict.case_id for verdict in voted)])
    states = cases.statuses(session, [verdict.case_id for verdict in voted]) if voted else {}

    def mine(verdicts: list[Verdict]) -> tuple[MyCase, ...]:
        return tuple(MyCase(rows[v.case_id], states[v.case_id], v.decision, v.decided_at) for v in verdicts)

    return Queue(
        waiting=tuple(rows[case_id] for case_id in shown),
        waiting_count=count,
        next_after=shown[-1] if len(ids) > limit else None,
        elsewhere=mine(elsewhere),
        elsewhere_count=elsewhere_count,
        closed=mine(closed),
        closed_count=closed_count,
    )


def is_closed() -> ColumnElement[bool]:
    """SQL for « this case is decided »: `ledger.cases.case_state` said again over sets; a test holds them together."""

    def votes(decision: str) -> ColumnElement[int]:
        return func.sum(case((Verdict.decision == decision, 1), else_=0))

    decided = (
        select(Verdict.case_id)
        .group_by(Verdict.case_id)
        .having(
            or_(
                func.count() >= cases.VOTES_TO_SETTLE,
                votes(cases.CONFIRM) >= cases.VOTES_TO_AGREE,
                votes(cases.DISMISS) >= cases.VOTES_TO_AGREE,
            )
        )
    )
    return Case.id.in_(decided)


def _waiting(reviewer_id: int) -> Select[Any]:
    voted = exists().where(Verdict.case_id == Case.id, Verdict.reviewer_id == reviewer_id)
    return select(Case.id).where(~voted, ~is_closed())


def _mine(session: Session, reviewer_id: int, *, closed: bool, limit: int) -> tuple[list[Verdict], int]:
    """The person's own verdicts on closed or open cases, newest first, and how many there are."""
    query = select(Verdict).join(Case, Case.id == Verdict.case_id).where(Verdict.reviewer_id == reviewer_id)
    query = query.where(is_closed() if closed else ~is_closed())
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    newest = session.scalars(query.order_by(Verdict.decided_at.desc(), Verdict.id.desc()).limit(limit))
    return list(newest), count


def _rows(session: Session, case_ids: list[int]) -> dict[int, QueueRow]:
    """The rows of those cases in two statements, however many they are."""
    if not case_ids:
        return {}
    found = session.execute(
        select(Case.id, Case.opened_at, Case.listing_id, Listing.platform, Passage.field, Passage.text, Finding.start)
        .join(Listing, Listing.id == Case.listing_id)
        .join(Finding, Finding.id == Case.finding_id)
        .join(Passage, Passage.id == Finding.passage_id)
        .where(Case.id.in_(case_ids))
    ).all()
    named = case((ListingView.display_name != "", ListingView.id), else_=None)  # as `ledger.cases.latest_view` chooses
    newest = (
        select(func.coalesce(func.max(named), func.max(ListingView.id)))
        .where(ListingView.listing_id.in_({row.listing_id for row in found}))
        .group_by(ListingView.listing_id)
    )
    views = {v.listing_id: v for v in session.scalars(select(ListingView).where(ListingView.id.in_(newest)))}
    rows = {}
    for row in found:
        view = views.get(row.listing_id)
        rows[row.id] = QueueRow(
            case_id=row.id,
            opened_at=row.opened_at,
            platform=row.platform,
            field=row.field,
            display_name=view.display_name if view else "",
            speciality=view.speciality if view else "",
            city=view.city if view else "",
            excerpt=_shorten(row.text, row.start),
        )
    return rows


def _shorten(text: str, start: int) -> str:
    """The words around offset `start`, on one line: the wording in question is seldom the first of its passage."""
    before, after = " ".join(text[:start].split()), " ".join(text[start:].split())
    if len(before) + len(after) < EXCERPT:
        return f"{before} {after}".strip()
    if len(before) > LEAD:
        before = "…" + before[-LEAD:].partition(" ")[2]
    joined = f"{before} {after}".strip()
    return joined if len(joined) <= EXCERPT else joined[: EXCERPT - 1].rstrip() + "…"
