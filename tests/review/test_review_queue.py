"""The queue holds what waits for a person, in an order that others' verdicts do not touch, in a few statements."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from review_world import START, World
from sqlalchemy import event, insert, select

from ledger import Ledger, cases
from ledger.models import Case, Finding, Listing, ListingView, Passage, Verdict
from review import queue

WAYS = [ways for n in range(4) for ways in itertools.product(("confirm", "dismiss", "doubt"), repeat=n)]


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """The SQL sent meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(ledger.engine, "before_cursor_execute", note)
    yield sent
    event.remove(ledger.engine, "before_cursor_execute", note)


def test_sql_and_python_agree_on_what_is_closed(world: World) -> None:
    first = world.case()
    with world.ledger.session() as session:
        one = session.get_one(Case, first)
        rows = [
            {"listing_id": one.listing_id, "text_key": f"{i:064}", "opened_at": START, "finding_id": one.finding_id}
            for i in range(len(WAYS))
        ]
        ids = list(session.scalars(insert(Case).returning(Case.id, sort_by_parameter_order=True), rows))
        for case_id, ways in zip(ids, WAYS, strict=True):
            for reviewer_id, decision in zip(world.people.values(), ways, strict=False):
                session.add(
                    Verdict(case_id=case_id, reviewer_id=reviewer_id, decided_at=START, decision=decision, reason="r")
                )
    with world.ledger.session() as session:
        closed = set(session.scalars(select(Case.id).where(queue.is_closed())))
    expected = {i for i, ways in zip(ids, WAYS, strict=True) if cases.case_state(ways) in cases.DECIDED}
    assert closed == expected and expected


def test_the_order_does_not_tell_what_others_did(world: World) -> None:
    ids = [world.case() for _ in range(5)]
    with world.ledger.session() as session:
        before = queue.queue_for(session, world.people["basile"])
    world.cast(ids[3], "alix", "confirm")
    world.cast(ids[0], "claude", "doubt")
    with world.ledger.session() as session:
        assert queue.queue_for(session, world.people["basile"]) == before
        assert [row.case_id for row in before.waiting] == ids
        assert queue.next_case(session, world.people["basile"]) == ids[0]
        assert queue.next_case(session, world.people["alix"]) == ids[0]
        assert queue.next_case(session, world.people["claude"]) == ids[1]
        assert queue.next_case(session, world.people["basile"], after=ids[4]) == ids[0]  # round again
        assert queue.next_case(session, world.people["basile"], after=ids[1]) == ids[2]


def test_what_i_did_waits_for_another_then_closes(world: World) -> None:
    case_id = world.case()
    world.cast(case_id, "alix", "confirm")
    with world.ledger.session() as session:
        mine = queue.queue_for(session, world.people["alix"])
        assert (mine.waiting, mine.waiting_count, mine.elsewhere_count, mine.closed) == ((), 0, 1, ())
        assert mine.elsewhere[0].status is cases.CaseStatus.SECOND
    world.cast(case_id, "basile", "confirm")
    with world.ledger.session() as session:
        mine = queue.queue_for(session, world.people["alix"])
        assert (mine.elsewhere, mine.closed_count) == ((), 1)
        assert mine.closed[0].status is cases.CaseStatus.CONFIRMED
        assert queue.next_case(session, world.people["claude"]) is None


def test_ten_thousand_cases_cost_a_few_statements(world: World) -> None:
    fill(world, 10_000)
    for size in (5, 50):
        with statements(world.ledger) as sent, world.ledger.session() as session:
            started = time.perf_counter()
            mine = queue.queue_for(session, world.people["claude"], after=2000, limit=size)
            queue.next_case(session, world.people["claude"])
            seconds = time.perf_counter() - started
        assert len(mine.waiting) == size and mine.next_after
        assert len(sent) <= 10, sent
        assert seconds < 2, seconds


def fill(world: World, number: int) -> None:
    """Many cases like the first one; every other has a verdict, every fourth is decided."""
    first = world.case()
    with world.ledger.session() as session:
        one = session.get_one(Case, first)
        finding = session.get_one(Finding, one.finding_id)
        passage = session.get_one(Passage, finding.passage_id)
        listings = [
            {"platform": "doctolib", "key": f"many-{i}", "url": "u", "first_capture_id": passage.capture_id}
            for i in range(number)
        ]
        ids = list(session.scalars(insert(Listing).returning(Listing.id), listings))
        views = [
            {"listing_id": i, "capture_id": passage.capture_id, "parser_version": "1", "display_name": f"Dr {i}"}
            for i in ids
        ]
        session.execute(insert(ListingView), views)
        made = [
            {"listing_id": i, "text_key": f"{i:064}", "opened_at": START, "finding_id": one.finding_id} for i in ids
        ]
        case_ids = list(session.scalars(insert(Case).returning(Case.id), made))
        alix, basile = world.people["alix"], world.people["basile"]
        votes = [(i, alix) for i in case_ids[::2]] + [(i, basile) for i in case_ids[::4]]
        session.execute(
            insert(Verdict),
            [
                {"case_id": i, "reviewer_id": who, "decided_at": START, "decision": "confirm", "reason": "r"}
                for i, who in votes
            ],
        )
