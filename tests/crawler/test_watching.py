"""Breakages are found in their own run, clean runs are quiet: a sample of the benchmark, and each rule by itself."""

from __future__ import annotations

import pytest

from benchmarks.watchmen import Pool, watch
from benchmarks.year import changes_of, simulate
from crawler.revisits import DAY, Cycle, interval, missing
from crawler.watching import Facts, Read, add_up, judge, shape_of
from reference import load_reference

WATCH = load_reference().watch_of("doctolib")


def kinds(now: Facts, *past: Facts) -> set[str]:
    return {alarm.kind for alarm in judge(now, past, WATCH)}


def usual(**changes: object) -> Facts:
    values: dict[str, object] = {"outcomes": {"page": 100}, "listings": 100, "complete": True}
    return Facts(**{**values, **changes})  # type: ignore[arg-type]


def reads(
    count: int, *, shown: str = "name city", passages: int = 2, text: str = "Un texte ordinaire", new: bool = False
) -> list[Read]:
    said = tuple(("presentation", text if new else f"{text} {n}", new) for n in range(passages))
    return [Read("html:3", f"listing-{n}", frozenset(shown.split()), said) for n in range(count)]


def test_a_sample_of_breakages_is_found_and_clean_runs_are_quiet() -> None:
    found = watch(Pool(90), wanted=6, clean=10)
    assert (found.breakages, found.missed) == (6, [])
    assert found.false_alarms == []


def test_blocked_pages_are_no_clean_listings() -> None:
    assert "walls" in kinds(usual(outcomes={"page": 50, "blocked": 30, "consent": 20}))
    assert kinds(usual(outcomes={"page": 97, "blocked": 3})) == set()
    assert "refused" in kinds(usual(refusals=["www.exemple.fr: 5 walls in a row"]))
    assert "errors" in kinds(usual(outcomes={"page": 50, "server_error": 40}))


def test_fewer_listings_than_usual_and_than_expected() -> None:
    past = [usual(), usual(listings=104)]
    assert kinds(usual(listings=99), *past) == set()
    assert "fewer" in kinds(usual(listings=70), *past)
    assert kinds(usual(listings=70, complete=False), *past) == set()
    assert "empty" in kinds(usual(listings=0, complete=False))
    assert "vanished" in kinds(usual(vanished=40, revisited=60), *past)
    assert "emptied" in kinds(usual(emptied=9, revisited=30), *past)
    assert "unreadable" in kinds(usual(unreadable=30), *past)


def test_a_field_that_is_no_longer_read() -> None:
    past = [add_up(usual(), reads(60)) for _ in range(3)]
    assert kinds(add_up(usual(), reads(60)), *past) == set()
    assert "field" in kinds(add_up(usual(), reads(60, shown="city")), *past)
    assert "pieces" in kinds(add_up(usual(), reads(60, passages=1)), *past)
    assert "length" in kinds(add_up(usual(), reads(60, text="x")), *past)
    assert "encoding" in kinds(add_up(usual(), reads(60, text="Texte prÃ©sent, un peu long")), *past)
    assert kinds(add_up(usual(), reads(8, shown="city")), *past) == set()


def test_a_first_run_is_held_against_what_is_expected() -> None:
    assert "field" in kinds(add_up(usual(), reads(60, shown="city", passages=0)))


def test_a_wording_everywhere_at_once_holds_the_run() -> None:
    past = [add_up(usual(), reads(60))]
    alarms = judge(add_up(usual(), reads(60, text="Carte Vitale et tiers payant", new=True)), past, WATCH)
    assert any(alarm.holds and "Carte Vitale" in alarm.text for alarm in alarms)
    assert any(alarm.holds for alarm in judge(usual(changed=60, revisited=70, unchanged=30), past, WATCH))
    assert judge(usual(changed=6, revisited=70, unchanged=30), past, WATCH) == []


def test_figures_survive_being_written_down() -> None:
    facts = add_up(usual(), reads(30))
    assert Facts.of_json({**facts.as_json(), "of another version": 1}) == facts


def test_the_shape_of_an_answer_does_not_depend_on_its_slug() -> None:
    assert shape_of("https://a.fr/dentiste/lille/ange", "text/html") == "html:3"
    assert shape_of("https://a.fr/profiles/x.json?y=1", "application/json; charset=utf-8") == "json:2"
    assert shape_of("https://a.fr/", "application/xhtml+xml; charset=html") == "html:0"


@pytest.mark.parametrize(("changes", "days", "low", "high"), [(0, 1, 6.5, 7.5), (0, 700, 10, 21), (40, 200, 2, 2.1)])
def test_a_page_comes_back_as_often_as_it_changes(changes: int, days: float, low: float, high: float) -> None:
    assert low * DAY <= interval(Cycle(7, 2, 21), changes, days * DAY) <= high * DAY


def test_a_page_that_is_not_there_is_asked_for_less_and_less() -> None:
    waits = [missing(Cycle(7, 2, 21), misses) / DAY for misses in range(1, 8)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (7, 84)
    with pytest.raises(ValueError, match="cycle"):
        Cycle(7, 9, 21)


def test_adapting_sees_new_mentions_earlier_than_a_flat_week() -> None:
    changes = changes_of(1500, seed=2)
    flat = simulate(changes, 215, adapt=False, seed=1)
    adapting = simulate(changes, 215, adapt=True, seed=1)
    assert adapting.visits <= 1.02 * flat.visits
    assert sorted(adapting.delays)[len(adapting.delays) // 2] < sorted(flat.delays)[len(flat.delays) // 2]
