"""The policy is held against an independent witness over simulated requests, and against each of its rules."""

from __future__ import annotations

import math
from datetime import UTC, datetime, time, timedelta

import pytest

from benchmarks.politeness import simulate
from crawler.politeness import DAY, HOUR, MOST_REST, PARIS, PAUSES, Host, HostState, Manners, retry_after

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=PARIS).timestamp()


def ask(host: Host, now: float, outcome: str = "page", seconds: float = 0.2, rest: float = 0.0) -> float:
    """One exchange as early as allowed; when it left."""
    moment, _ = host.earliest(now)
    host.sent(moment)
    host.answered(moment + seconds, outcome, seconds, rest)
    return moment


def test_no_violation_in_a_sample_of_simulated_requests() -> None:
    found = simulate(requests=20_000, seed=1)
    assert found.requests == 20_000
    assert found.violations == []
    assert min(found.exercised.values()) > 0, found.exercised


def test_the_witness_sees_a_policy_that_cheats() -> None:
    assert simulate(requests=3000, seed=2, hurry=0.9).violations


def test_one_request_at_a_time() -> None:
    host = Host(Manners(5))
    host.sent(NOON)
    assert host.earliest(NOON + 100) == (math.inf, "a request is under way")
    with pytest.raises(ValueError, match="too early"):
        host.sent(NOON + 100)


def test_crawl_delay_of_any_length_raises_the_floor_and_never_lowers_it() -> None:
    host = Host(Manners(5))
    host.learn_crawl_delay(DAY)
    first = ask(host, NOON)
    assert host.earliest(NOON)[0] == first + DAY
    host.learn_crawl_delay(1)
    assert host.floor == 5


@pytest.mark.parametrize("asked", [2.0, 700.0, 3 * DAY, 200 * DAY])
def test_retry_after_of_any_length_is_waited_out(asked: float) -> None:
    host = Host(Manners(5, adaptive=False))
    left = ask(host, NOON, "rate_limited", rest=asked)
    assert host.earliest(NOON)[0] == pytest.approx(left + 0.2 + asked) or asked < 5


def test_retry_after_as_number_date_and_nonsense() -> None:
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert retry_after("120", now) == 120
    assert retry_after(" 86400000 ", now) == 86_400_000
    assert retry_after("Mon, 02 Mar 2026 13:00:00 GMT", now) == HOUR
    assert retry_after("Mon, 02 Mar 2026 13:00:00 -0000", now) == HOUR
    assert retry_after("Sun, 01 Mar 2026 13:00:00 GMT", now) == 0
    for nonsense in ("", "bientôt", "-5", "12.5.1", "²", "99 Foo 2026"):
        assert retry_after(nonsense, now) == 0
    host = Host(Manners(5))
    ask(host, NOON, "rate_limited", rest=retry_after("9" * 400, now))
    assert host.state.rest_until <= NOON + 1 + MOST_REST


def test_a_host_that_struggles_is_asked_less_often_and_recovers_to_its_floor() -> None:
    host = Host(Manners(5))
    for _ in range(4):
        ask(host, host.earliest(NOON)[0], "server_error")
    assert host.state.delay == 80
    for _ in range(60):
        ask(host, host.earliest(NOON)[0])
    assert host.state.delay == 5
    for _ in range(30):
        ask(host, host.earliest(NOON)[0], seconds=30)
    assert host.state.delay > 25


def test_five_walls_are_a_no_and_each_further_no_rests_longer() -> None:
    host = Host(Manners(5, adaptive=False))
    rests, now = [], NOON
    for _ in range(len(PAUSES) + 1):
        reasons = []
        while not (reasons and reasons[-1]):
            now = host.earliest(now)[0]
            host.sent(now)
            reasons.append(host.answered(now + 1, "blocked", 1))
        assert len(reasons) == 5
        rests.append(host.state.rest_until - now - 1)
    assert rests == [*PAUSES, PAUSES[-1]]


def test_an_old_no_is_forgiven_after_many_good_answers() -> None:
    host = Host(Manners(5, adaptive=False))
    host.refuse(NOON, "no")
    for _ in range(200):
        ask(host, host.earliest(NOON)[0])
    host.refuse(now := host.earliest(NOON)[0], "no")
    assert host.state.rest_until == now + PAUSES[0]


def test_hours_and_budget_are_those_of_paris_also_when_clocks_change() -> None:
    host = Host(Manners(5, night=(time(22), time(6))))
    opening, reason = host.earliest(NOON)
    assert (datetime.fromtimestamp(opening, PARIS).hour, reason) == (22, "outside its hours")
    before = datetime(2026, 3, 28, 12, 0, tzinfo=PARIS).timestamp()
    assert datetime.fromtimestamp(host.earliest(before)[0], PARIS) == datetime(2026, 3, 28, 22, tzinfo=PARIS)
    after_change = datetime(2026, 3, 29, 6, 0, tzinfo=PARIS).timestamp()
    assert host.earliest(after_change)[0] == datetime(2026, 3, 29, 22, tzinfo=PARIS).timestamp()
    host = Host(Manners(5, daily_budget=3))
    moments = [ask(host, NOON) for _ in range(4)]
    assert moments[3] == datetime(2026, 3, 3, tzinfo=PARIS).timestamp()


def test_the_state_survives_being_written_down() -> None:
    host = Host(Manners(5, daily_budget=10))
    ask(host, NOON, "rate_limited", rest=HOUR)
    host.sent(NOON + 2 * HOUR)
    kept = HostState.of_json({**host.state.as_json(), "of another version": 1})
    again = Host(host.manners, kept)
    assert not kept.busy
    assert again.earliest(NOON + 2 * HOUR)[0] == NOON + 2 * HOUR + host.state.delay


def test_rules_that_are_none_are_refused() -> None:
    for wrong in ({"delay": -1}, {"delay": math.nan}, {"delay": 1, "daily_budget": 0}):
        with pytest.raises(ValueError, match=r"delay|budget"):
            Manners(**wrong)  # type: ignore[arg-type]


def test_a_night_over_midnight_is_open_on_both_sides() -> None:
    host = Host(Manners(5, night=(time(22), time(6))))
    for hour, opened in ((21, False), (22, True), (23, True), (0, True), (5, True), (6, False), (12, False)):
        moment = (datetime(2026, 7, 1, tzinfo=PARIS) + timedelta(hours=hour)).timestamp()
        assert (host.earliest(moment)[0] == moment) is opened, hour
