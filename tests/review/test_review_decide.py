"""One person, one verdict a case; a decided case takes no more; the words of a verdict fit together."""

from __future__ import annotations

import threading

import pytest
from review_world import World
from sqlalchemy import select

from ledger import cases
from ledger.models import Event, Reviewer, Verdict
from reference import load_reference
from review import decide, words

REFERENCE = load_reference()


def reason(decision: str) -> str:
    return words.reasons_for(REFERENCE, decision)[0].code


def test_a_verdict_and_its_event_are_written_together(world: World) -> None:
    case_id = world.case()
    world.cast(case_id, "alix", "confirm", note="  vu  ")
    with world.ledger.session() as session:
        verdict = session.scalars(select(Verdict)).one()
        assert (verdict.decision, verdict.stance, verdict.note) == ("confirm", "refusal", "vu")
        event = session.scalars(select(Event).where(Event.kind == "verdict.cast")).one()
        assert (event.subject_id, event.actor, event.detail) == (case_id, "alix", {"verdict_id": verdict.id})
        assert cases.status_of(session, case_id) is cases.CaseStatus.SECOND


@pytest.mark.parametrize("second", ["confirm", "dismiss", "doubt"])
def test_nobody_votes_twice(world: World, second: str) -> None:
    case_id = world.case()
    world.cast(case_id, "alix", "confirm")
    with pytest.raises(decide.AlreadyVoted):
        world.cast(case_id, "alix", second)
    with world.ledger.session() as session:
        assert len(session.scalars(select(Verdict)).all()) == 1


@pytest.mark.parametrize("decision", ["confirm", "dismiss"])
def test_two_agreeing_close_the_case(world: World, decision: str) -> None:
    case_id = world.case()
    world.cast(case_id, "alix", decision)
    world.cast(case_id, "basile", decision)
    with pytest.raises(decide.CaseClosed):
        world.cast(case_id, "camille", decision)


def test_a_split_or_a_doubt_takes_a_third_and_no_fourth(world: World) -> None:
    world.reviewers("dominique", role="adjudicator")
    for first, second in (("confirm", "dismiss"), ("doubt", "doubt"), ("confirm", "doubt")):
        case_id = world.case()
        world.cast(case_id, "alix", first)
        world.cast(case_id, "basile", second)
        world.cast(case_id, "camille", "doubt")
        with pytest.raises(decide.CaseClosed):
            world.cast(case_id, "dominique", "confirm")
        with world.ledger.session() as session:
            assert cases.status_of(session, case_id) is cases.CaseStatus.DOUBTFUL


@pytest.mark.parametrize(
    ("decision", "why", "stance", "note"),
    [
        ("approve", reason("confirm"), "refusal", ""),
        ("confirm", reason("dismiss"), "refusal", ""),
        ("confirm", "", "refusal", ""),
        ("confirm", reason("confirm"), "acceptance", ""),
        ("dismiss", reason("dismiss"), "refusal", ""),
        ("doubt", reason("doubt"), "", "x" * (decide.NOTE_LIMIT + 1)),
    ],
)
def test_words_that_do_not_fit_are_refused(world: World, decision: str, why: str, stance: str, note: str) -> None:
    case_id = world.case()
    with world.ledger.session() as session, pytest.raises(decide.NotAllowed):
        decide.cast(session, case_id, world.people["alix"], decision, why, stance, note)
    with world.ledger.session() as session:
        assert session.scalars(select(Verdict)).all() == []


def test_unknown_cases_and_disabled_people_are_refused(world: World) -> None:
    case_id = world.case()
    with pytest.raises(decide.NotAllowed, match="n’existe pas"):
        world.cast(case_id + 1, "alix", "confirm")
    with world.ledger.session() as session:
        person = session.get_one(Reviewer, world.people["alix"])
        person.disabled_at = person.created_at
    with pytest.raises(decide.NotAllowed, match="habilitée"):
        world.cast(case_id, "alix", "confirm")


def test_people_who_press_at_once_are_taken_in_turn(world: World) -> None:
    case_id = world.case()
    start = threading.Barrier(3)
    refused: list[Exception] = []

    def press(login: str) -> None:
        start.wait()
        try:
            world.cast(case_id, login, "confirm")
        except decide.CaseClosed as error:
            refused.append(error)

    threads = [threading.Thread(target=press, args=(login,)) for login in ("alix", "basile", "camille")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with world.ledger.session() as session:
        assert len(session.scalars(select(Verdict)).all()) == 2
    assert len(refused) == 1
