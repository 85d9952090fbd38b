"""The small parts: dates, the second search of a wording, the choice of law, the counts, the note on the method."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
import reports_world as world
from sqlalchemy import event

from ledger import Ledger
from ledger.bundle import shipped
from reference import load_reference
from reports import legal, moments, statistics, write_dossier
from reports.assembly import stance_of
from reports.recheck import Found, find, holds_number
from reports.typography import shorten

ROOT = Path(__file__).parents[2]


def test_the_method_shipped_is_the_one_in_the_documentation() -> None:
    assert shipped("method.md") == (ROOT / "docs/method.md").read_bytes()


def test_paris_time_without_a_zone_database() -> None:
    try:
        zone = ZoneInfo("Europe/Paris")
    except ZoneInfoNotFoundError:
        pytest.skip("no zone database to compare with")
    moment = datetime(2016, 1, 1, 0, 30, tzinfo=UTC)
    while moment.year < 2036:
        assert moments.paris(moment).utcoffset() == moment.astimezone(zone).utcoffset(), moment
        moment += timedelta(hours=11)
    for edge in (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC)):
        for moment in (edge, edge + timedelta(seconds=1)):
            assert moments.paris(moment).utcoffset() == moment.astimezone(zone).utcoffset()


def test_dates_in_french() -> None:
    assert moments.in_paris(datetime(2026, 8, 1, 6, 5, 9, tzinfo=UTC)) == "1er août 2026 à 8 h 05 min 09 s"
    assert moments.iso(world.T0) == "2026-03-02T08:15:30Z"


@pytest.mark.parametrize(
    ("content", "kind", "locator", "found"),
    [
        ("<p>Pas de <b>CMU</b>&nbsp;ici</p>", "text/html", "p", Found.LOCATOR),
        ("<ul><li>Pas de CMU</li><li>ici</li></ul>", "text/html", "ul", Found.LOCATOR),
        ("<p>Bonjour</p><div>Pas de <b>CMU</b> ici</div>", "text/html", "p", Found.PAGE),
        ("<meta name=description content='Pas de CMU ici'>", "text/html", "head > meta@content", Found.LOCATOR),
        (
            '<script type="application/ld+json">{"description": "Pas de \\u0043MU<br>ici"}</script><p>x</p>',
            "text/html",
            "script#/description",
            Found.LOCATOR,
        ),
        ('{"a": [{"b": "<p>Pas de CMU ici</p>"}]}', "application/json", "/a/0/b", Found.LOCATOR),
        ('{"a": [{"b": "Pas de CMU ici"}]}', "application/json", "/nowhere", Found.PAGE),
        ("<p>Nous disons pas : Pas de CMU</p>", "text/html", "p", Found.TRIGGER),
        ("<p>pas de cmu ici</p>", "text/html", "p", Found.ABSENT),
        ("<p>La CMU est acceptée ici</p>", "text/html", "p", Found.ABSENT),
        ("<!-- Pas de CMU ici --><p>x</p>", "text/html", "p", Found.ABSENT),
        ('{"a": "Pas de", "b": "CMU ici"}', "application/json", "/a", Found.ABSENT),
        ("", "text/html", "p", Found.ABSENT),
        ("<p>x</p>", "text/html", ">>> not css [", Found.ABSENT),
        ("[" * 100_000, "application/json", "/a", Found.ABSENT),
        ("<div>" * 20_000 + "Pas de CMU ici", "text/html", "p", Found.ABSENT),  # no parser goes so deep
    ],
)
def test_a_wording_is_found_again(content: str, kind: str, locator: str, found: Found) -> None:
    answer = world.exchange(content.encode(), world.T0, kind=kind)
    assert find(answer, "Pas de CMU ici", locator, "Pas de CMU") is found


def test_a_page_of_another_charset_is_searched_as_it_declares() -> None:
    page = "<html><head><meta charset='iso-8859-1'></head><body><p>CMU refusée</p></body></html>".encode("latin-1")
    assert find(world.exchange(page, world.T0, kind="text/html"), "CMU refusée", "p", "CMU refusée") is not Found.ABSENT


def test_the_bullets_that_a_passage_adds_do_not_count() -> None:
    answer = world.exchange("<ul><li>CMU : non</li><li>Chèques</li></ul>".encode(), world.T0)
    assert find(answer, "- CMU : non\n- Chèques", "ul", "CMU : non") is Found.LOCATOR


def test_an_empty_trigger_finds_nothing() -> None:
    answer = world.exchange(b"<p>x</p>", world.T0)
    assert find(answer, "", "p", "") is Found.ABSENT


def test_a_number_is_found_in_groups_and_not_inside_a_longer_one() -> None:
    assert holds_number(world.exchange(b"RPPS 810 000 000 12.", world.T0), "81000000012")
    assert holds_number(world.exchange("8 10000\u00a000012".encode(), world.T0), "81000000012")
    assert not holds_number(world.exchange(b"1810000000125", world.T0), "81000000012")
    assert not holds_number(world.exchange(b"x", world.T0), "")


def chosen(on: date, benefits: tuple[str, ...] = ("C2S",), profession: str = "dentiste") -> dict[str, legal.Rule]:
    reference = load_reference()
    known = reference.profession_of(profession)
    return {
        rule.article.number + (" later" if rule.later else ""): rule
        for rule in legal.rules(reference, known.code if known else "", benefits, on)
    }


def test_the_law_is_that_of_the_day_of_the_capture() -> None:
    now = chosen(date(2026, 3, 2))
    assert now["L1110-3"].article.version_date == date(2022, 3, 4) and "R1110-8" in now
    before = chosen(date(2019, 10, 31), ("ACS",))
    assert before["L1110-3"].article.repealed_on == date(2019, 11, 1)
    assert "R1110-8" not in before and "L863-1" in before
    assert "L863-1" not in chosen(date(2019, 11, 1), ("ACS",))
    assert "L1110-3 later" in chosen(date(2020, 6, 1))


def test_only_the_benefits_and_the_profession_concerned_are_cited() -> None:
    assert "L251-1" not in chosen(date(2026, 3, 2)) and "L251-1" in chosen(date(2026, 3, 2), ("AME",))
    assert "R4127-211" in chosen(date(2026, 3, 2)) and "R4127-7" not in chosen(date(2026, 3, 2))
    physician = chosen(date(2026, 3, 2), profession="médecin généraliste")
    assert {"R4127-7", "R4127-53"} <= set(physician) and "R4127-211" not in physician


@pytest.mark.parametrize("number", range(len(load_reference().professions)))
def test_every_profession_with_an_order_has_a_council_and_rules(number: int) -> None:
    reference = load_reference()
    profession = list(reference.professions.values())[number]
    council = legal.authority(reference, profession.code, "69003")
    rules = legal.rules(reference, profession.code, ("C2S",), date(2026, 3, 2))
    assert any(rule.article.number == "L1110-3" for rule in rules)
    assert (council is not None) == bool(profession.order)
    if council is not None:
        assert "69" in council.territory and (council.level == "régional") == council.territory.startswith(
            "départements"
        )


def test_the_least_severe_reading_is_kept() -> None:
    reference = load_reference()
    assert stance_of(["refusal", "deterrence"], reference, "refusal") == "deterrence"
    assert stance_of([], reference, "restriction") == "restriction"


def test_shortening_says_what_it_leaves_out() -> None:
    assert shorten("abc", 10) == "abc"
    assert shorten("a" * 50 + "b" * 50, 10) == "aaaaa […\u00a090 caractères non reproduits\u00a0…] bbbbb"


def test_statistics(ledger: Ledger, tmp_path: Path) -> None:
    assert statistics(ledger)["cases"]["confirmed"] == 0
    made = world.build(ledger)
    write_dossier(ledger, made.case_id, tmp_path, actor="x", now=world.NOW)
    statements: list[str] = []
    event.listen(ledger.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = statistics(ledger)
    assert counts["captures"] == {"page": 1} and counts["listings"] == counts["passages"] == 1
    assert counts["findings"] == {"refusal": 1} and counts["reader"] == "rules-essai"
    assert counts["cases"]["confirmed"] == 1 and counts["verdicts"] == 2
    assert counts["dossiers"] == {"complete": 1, "incomplete": 0} and counts["crawls"] == {"live": 1}
    assert len([one for one in statements if one.lstrip().upper().startswith("SELECT")]) <= 8
