"""The queue holds what waits for a person, in an order that others' verdicts do not touch, in a few statements."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from review_world import SECRET, START, World
from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session

from ledger import Ledger, cases
from ledger.desk import ControlAnswer, ControlCase, Docket
from ledger.models import Case, Finding, Listing, ListingView, Passage, Reviewer, Verdict
from reference import load_reference
from review import decide, queue
from review.gate import Gate

REFERENCE = load_reference()

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


def queue_of(world: World, login: str) -> queue.Queue:
    with world.ledger.session() as session:
        return queue.queue_for(session, seats(session, world, login), REFERENCE)


def seats(session: Session, world: World, login: str) -> queue.Seats:
    role = session.get_one(Reviewer, world.people[login]).role
    return queue.Seats(session, world.people[login], role, Gate(SECRET))


def held(world: World, login: str) -> list[int]:
    return [row.case_id for row in queue_of(world, login).waiting]


def test_the_docket_and_the_verdicts_agree_on_every_state(world: World) -> None:
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
        told = {
            row[0]: (row[1], row[2])
            for row in session.execute(select(Docket.case_id, queue.status_sql(), Docket.stage))
        }
    stages = {cases.CaseStatus.OPEN: 0, cases.CaseStatus.SECOND: 0, cases.CaseStatus.SPLIT: 1}
    for case_id, ways in zip(ids, WAYS, strict=True):
        status = cases.case_state(ways)
        assert told[case_id] == (str(status), stages.get(status, 2)), ways


def test_the_order_does_not_tell_what_others_did(world: World) -> None:
    ids = [world.case() for _ in range(5)]
    before = queue_of(world, "basile")
    assert sorted(row.case_id for row in before.waiting) == ids
    order = held(world, "basile")
    assert order == held(world, "alix")  # one shuffle for everybody
    world.cast(ids[3], "alix", "confirm")
    world.cast(ids[0], "alix", "doubt")
    assert queue_of(world, "basile") == before
    with world.ledger.session() as session:
        mine = seats(session, world, "basile")
        assert mine.next() == order[0] and mine.next(after=order[1]) == order[2]
        assert mine.next(after=order[4]) == order[0]  # round again
        assert ids[3] not in seats(session, world, "alix").fill()


def test_only_two_seats_a_case_and_the_third_for_a_split(world: World) -> None:
    case_id = world.case()
    world.reviewers("dominique")
    assert held(world, "alix") == held(world, "basile") == [case_id]
    assert held(world, "dominique") == held(world, "camille") == []  # two people are on it
    world.cast(case_id, "alix", "confirm")
    world.cast(case_id, "basile", "dismiss")
    assert held(world, "dominique") == [] and held(world, "camille") == [case_id]
    world.cast(case_id, "camille", "dismiss")
    assert [held(world, login) for login in world.people] == [[], [], [], []]


def test_a_seat_left_alone_is_given_again(world: World) -> None:
    case_id = world.case()
    world.reviewers("dominique")
    held(world, "alix"), held(world, "basile")
    later = datetime.now(UTC) + queue.KEPT + timedelta(minutes=1)
    with world.ledger.session() as session:
        waiting = queue.Seats(session, world.people["dominique"], "reviewer", Gate(SECRET), later)
        assert waiting.fill() == [case_id]


def test_a_conflict_of_interest_keeps_every_case_of_the_listing_away(world: World) -> None:
    first, second = world.case(), world.case(text="La CMU n’est pas prise.", trigger="CMU")
    with world.ledger.session() as session:
        session.execute(update(Docket).where(Docket.case_id == second).values(listing_id=1))
        session.get_one(Case, second).listing_id = session.get_one(Case, first).listing_id
    with world.ledger.session() as session:
        decide.recuse(session, first, world.people["alix"])
    assert held(world, "alix") == [] and sorted(held(world, "basile")) == [first, second]
    with pytest.raises(decide.NotAllowed, match="conflit"):
        world.cast(second, "alix", "confirm")
    with world.ledger.session() as session:
        assert decide.undo(session, world.people["alix"]) == first
    assert sorted(held(world, "alix")) == [first, second]


def test_known_cases_come_unmarked_and_answer_nothing(world: World) -> None:
    known = [world.case() for _ in range(6)]
    world.reviewers("dominique", "elie")
    for case_id in known:
        world.cast(case_id, "dominique", "dismiss")
        world.cast(case_id, "elie", "dismiss")
        with world.ledger.session() as session:
            session.add(ControlCase(case_id=case_id, decision="dismiss", added_by="root", added_at=START))
    fresh = [world.case() for _ in range(120)]
    given: list[int] = []
    for _ in range(12):
        mine = held(world, "alix")
        given += mine
        with world.ledger.session() as session:
            for case_id in mine:
                decide.place(session, case_id, world.people["alix"], decide.Choice("doubt", "legal_question"))
            decide.settle_own(session, world.people["alix"])
    assert set(fresh) <= set(given) and 1 <= len(set(given) & set(known)) <= 15
    assert len(given) == len(set(given))
    with world.ledger.session() as session:
        assert (
            session.scalars(select(Verdict).where(Verdict.decision == "doubt", Verdict.case_id.in_(known))).all() == []
        )
        answers = session.scalars(select(ControlAnswer)).all()
        assert {answer.case_id for answer in answers} == set(given) & set(known)
        assert cases.statuses(session, known) == dict.fromkeys(known, cases.CaseStatus.DISMISSED)


def test_ten_thousand_cases_cost_a_few_statements(world: World) -> None:
    fill(world, 10_000)
    queue_of(world, "camille")
    with statements(world.ledger) as sent:
        started = time.perf_counter()
        mine = queue_of(world, "camille")
        seconds = time.perf_counter() - started
    assert len(mine.waiting) == queue.BATCH and mine.pool == queue.COUNTED + 1
    assert len(sent) <= 12, sent
    assert seconds < 1, seconds


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
