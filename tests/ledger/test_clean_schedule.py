"""When clean captures are due, and what they are worth: the whole schedule as a pure function of dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.cases import CaseStatus
from ledger.clean_schedule import APART, REVISIT, Visit, Watched, Why, due, next_due, proof_of
from ledger.wording import Wording, compare

OPENED = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def visit(at: datetime, outcome: str = "page", wording: Wording = Wording.STAYED, profile: str = "") -> Visit:
    return Visit(at, at + timedelta(seconds=5), outcome, wording, profile or f"p{at.timestamp()}")


def failed(at: datetime, outcome: str = "timed_out") -> Visit:
    return visit(at, outcome, Wording.UNKNOWN)


def case(*visits: Visit, status: CaseStatus = CaseStatus.OPEN, flagged: bool = True, number: int = 1) -> Watched:
    return Watched(number, OPENED, status, flagged, visits)


def when(*visits: Visit, **more: Any) -> tuple[Why, timedelta] | None:
    one = next_due(case(*visits, **more))
    return None if one is None else (one.why, one.since - OPENED)


def test_repeat_captures_two_at_least_a_day_apart_then_watch() -> None:
    first = visit(OPENED + HOUR)
    assert when() == (Why.FIRST, timedelta())
    assert when(first) == (Why.SECOND, first.ended_at + APART - OPENED)
    too_soon = visit(first.ended_at + APART - timedelta(seconds=1))
    assert when(first, too_soon) == (Why.SECOND, first.ended_at + APART - OPENED)
    second = visit(first.ended_at + APART)
    assert when(first, second) == (Why.REVISIT, second.ended_at + REVISIT - OPENED)


def test_two_visits_of_one_profile_are_not_a_pair() -> None:
    first, second = visit(OPENED, profile="same"), visit(OPENED + 2 * APART, profile="same")
    assert when(first, second) == (Why.SECOND, first.ended_at + APART - OPENED)
    assert proof_of([first, second]).state == "pending"


def test_failures_are_tried_again_with_patience() -> None:
    first, second = failed(OPENED), failed(OPENED + HOUR)
    assert when(first) == (Why.RETRY, first.ended_at + HOUR - OPENED)
    assert when(first, second) == (Why.RETRY, second.ended_at + 2 * HOUR - OPENED)
    many = [failed(OPENED + n * HOUR) for n in range(8)]
    assert when(*many) == (Why.RETRY, many[-1].ended_at + timedelta(days=1) - OPENED)
    assert when(*many, *many) == (Why.RETRY, many[-1].ended_at + REVISIT - OPENED)
    forbidden = failed(OPENED, "forbidden_by_robots")
    assert when(forbidden) == (Why.RETRY, forbidden.ended_at + REVISIT - OPENED)


def test_who_is_watched() -> None:
    for status in (CaseStatus.DISMISSED, CaseStatus.DOUBTFUL):
        assert when(status=status) is None
    assert when(flagged=False) is None
    assert when(flagged=False, status=CaseStatus.CONFIRMED) is not None


def test_due_is_what_has_come_longest_waiting_first() -> None:
    young = Watched(1, OPENED + HOUR, CaseStatus.OPEN, True)
    old = Watched(2, OPENED, CaseStatus.OPEN, True)
    seen = Watched(3, OPENED, CaseStatus.OPEN, True, (visit(OPENED),))
    assert [one.case_id for one in due([young, old, seen], OPENED + HOUR)] == [2, 1]
    assert [one.case_id for one in due([young, old, seen], OPENED)] == [2]
    assert [one.case_id for one in due([seen], OPENED + 2 * APART)] == [3]


@given(
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from(["page", "not_found", "blocked", "timed_out"])), max_size=12)
)
def test_whoever_obeys_the_schedule_has_a_pair_a_day_apart(steps: list[tuple[int, str]]) -> None:
    """Property: visits made only when due give « present » exactly when two that tell something are a day apart."""
    visits: list[Visit] = []
    for late, outcome in steps:
        one = next_due(case(*visits))
        assert one is not None
        at = one.since + late * HOUR
        visits.append(visit(at) if outcome in ("page", "not_found") else failed(at, outcome))
    told = [one for one in visits if one.wording is not Wording.UNKNOWN]
    state = proof_of(visits).state
    assert state == ("absent" if not told else "pending" if len(told) == 1 else "present")
    if state == "present":
        assert told[1].started_at - told[0].ended_at >= APART


def test_what_the_visits_are_worth() -> None:
    first = visit(OPENED)
    assert proof_of([]).reason == "aucune visite"
    assert "page qui ne répond plus" in proof_of([failed(OPENED)]).reason
    assert proof_of([first]).state == "pending"
    assert "02/03/2026" in proof_of([first]).reason
    gone = visit(OPENED + 2 * APART, wording=Wording.WITHDRAWN)
    assert proof_of([first, gone]).state == "present"
    assert "n’était plus" in proof_of([first, gone]).reason
    assert proof_of([visit(OPENED, wording=Wording.NOT_SHOWN)]).state == "absent"


TEXT, TRIGGER = "Le cabinet n’accepte pas la CMU.", "n’accepte pas la CMU"
PAGE = "Dr Gabarit\n\n  LE CABINET\u00a0n’accepte   pas\nla CMU. \nHoraires"


@pytest.mark.parametrize(
    ("visible", "hidden", "before", "expected"),
    [
        (PAGE, PAGE, False, Wording.STAYED),
        ("Dr Gabarit", PAGE, False, Wording.HIDDEN),
        ("Au 3 mars, le docteur n’accepte pas la CMU ni les chèques", "", False, Wording.CHANGED),
        ("Le cabinet n'acceptera pas la CMU !", "", False, Wording.CHANGED),
        ("Dr Gabarit reçoit tous les patients", "", True, Wording.WITHDRAWN),
        ("Dr Gabarit reçoit tous les patients", "", False, Wording.NOT_SHOWN),
        ("", "", True, Wording.WITHDRAWN),
    ],
)
def test_wording_stayed_changed_or_withdrawn(visible: str, hidden: str, before: bool, expected: Wording) -> None:
    assert compare(TEXT, TRIGGER, visible, hidden, seen_before=before) is expected
