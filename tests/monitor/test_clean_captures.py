"""The job and the command of clean captures: what is due is visited, once, and a site that says no is left alone."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import select

import crawler.pace
import monitor.clean_captures as job
from crawler.browser import ChromiumMissing, find_chromium
from crawler.sandbox import Sandbox, SandboxServer
from crawler.sandbox.pages import site_pages
from crawler.sandbox.world import WITHDRAWN_DAY
from ledger import Ledger, fixity, text_key
from ledger.clean_captures import clean_captures_of, files_of, proof_of_case
from ledger.clean_facts import CODES, Fact, Piece, Taken
from ledger.frontier import HostPace, pull_switch
from ledger.models import Capture, Case, Crawl, Event, Finding, Listing, Passage
from monitor.clean_captures import NoSuchCase, Ways, due_now, second_due, visit_cases, visit_due
from monitor.cli import main
from monitor.schedule import visit_new
from monitor.settings import load_settings

NOW = datetime.now(UTC)
WORDS = "Pas de CMU au cabinet"


def add_case(ledger: Ledger, url: str, words: str = WORDS) -> int:
    """A flagged case whose wording was collected from that page."""
    with ledger.session() as session:

        def add(row: Any) -> Any:
            session.add(row)
            session.flush()
            return row

        crawl = add(Crawl(platform="practice_site", kind="live", started_at=NOW, software="vigie"))
        capture = add(
            Capture(crawl_id=crawl.id, url=url, captured_at=NOW, outcome="page", status=200, content_type="text/html")
        )
        listing = add(Listing(platform="practice_site", key=url, url=url, first_capture_id=capture.id))
        passage = add(
            Passage(
                listing_id=listing.id,
                capture_id=capture.id,
                parser_version="1",
                field="presentation",
                locator="/p",
                text=words,
                text_key=text_key(words),
            )
        )
        finding = add(Finding(passage_id=passage.id, version="r", created_at=NOW, stance="refusal", flagged=True))
        case = add(Case(listing_id=listing.id, text_key=passage.text_key, opened_at=NOW, finding_id=finding.id))
        return int(case.id)


def taken(url: str, outcome: str = "page") -> Taken:
    facts = tuple(Fact(code, "proved", "vu") for code in CODES)
    now = datetime.now(UTC)
    pieces = (Piece("image", "page.png", "image/png", b"x"),)
    return Taken(
        url=url,
        final_url=url,
        started_at=now,
        ended_at=now,
        outcome=outcome,
        reason="",
        status=200,
        profile="a" * 32,
        browser="Chrome/1",
        software="vigie",
        facts=facts,
        pieces=pieces,
        requests=3,
        visible_text=WORDS,
        hidden_text=WORDS,
    )


class Clock:
    """The time by which hosts are asked; sleeping only moves it. It begins within the hours of practices."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
        self.slept = 0.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (job, crawler.pace):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> dict[str, str]:
    """No browser: the outcome of each address, « page » unless set; every order is kept under its address."""
    told: dict[str, str] = {}

    def pretend(order: Any, _book: Any) -> Taken:
        told.setdefault("asked", "")
        told["asked"] += f"{order.url} {order.pause_seconds:g}\n"
        return taken(order.url, told.get(order.url, "page"))

    monkeypatch.setattr(job, "take", pretend)
    monkeypatch.setattr(job, "find_chromium", lambda: Path("/bin/true"))
    return told


def test_what_is_due_is_visited_once(sqlite_ledger: Ledger, outcomes: dict[str, str]) -> None:
    first = add_case(sqlite_ledger, "https://un.exemple/")
    add_case(sqlite_ledger, "https://deux.exemple/")
    report = visit_due(sqlite_ledger, Ways("contact@exemple.fr"))
    assert [kept.case_id for kept in report.visits] == [1, 2]
    assert outcomes["asked"].split("\n")[0] == "https://un.exemple/ 5"  # the platform's own pause
    assert due_now(sqlite_ledger) == []
    assert visit_due(sqlite_ledger, Ways("contact@exemple.fr")).visits == ()
    second = second_due(sqlite_ledger, first)
    assert second == report.visits[0].ended_at + timedelta(hours=24)
    assert [one.due.case_id for one in due_now(sqlite_ledger, second)] == [1]


def test_a_site_that_says_no_is_not_asked_again_in_the_same_run(
    sqlite_ledger: Ledger, outcomes: dict[str, str]
) -> None:
    for path in ("a", "b", "c"):
        add_case(sqlite_ledger, f"https://un.exemple/{path}", f"{WORDS} {path}")
    add_case(sqlite_ledger, "https://deux.exemple/")
    outcomes["https://un.exemple/a"] = "blocked"
    report = visit_due(sqlite_ledger, Ways("contact@exemple.fr"))
    assert [kept.url for kept in report.visits] == ["https://un.exemple/a", "https://deux.exemple/"]
    assert [one.planned.target.url for one in report.left] == ["https://un.exemple/b", "https://un.exemple/c"]


def test_a_pause_is_shortened_for_named_hosts_alone(sqlite_ledger: Ledger, outcomes: dict[str, str]) -> None:
    add_case(sqlite_ledger, "http://127.0.0.1:8081/x")
    add_case(sqlite_ledger, "https://deux.exemple/")
    visit_due(sqlite_ledger, Ways("contact@exemple.fr", ("127.0.0.1:8081",), 0.0))
    assert outcomes["asked"] == "http://127.0.0.1:8081/x 0\nhttps://deux.exemple/ 5\n"


def test_hosts_are_asked_at_the_pace_of_crawls_and_remembered(
    sqlite_ledger: Ledger, outcomes: dict[str, str], clock: Clock
) -> None:
    for path in ("a", "b"):
        add_case(sqlite_ledger, f"https://un.exemple/{path}", f"{WORDS} {path}")
    assert len(visit_due(sqlite_ledger, Ways("contact@exemple.fr")).visits) == 2
    assert clock.slept >= 5
    with sqlite_ledger.session() as session:
        state = session.get_one(HostPace, "un.exemple").state
    assert (state["day_count"], state["last_sent"]) == (6, clock.now)  # every request of a page counts
    add_case(sqlite_ledger, "https://un.exemple/c", f"{WORDS} c")
    clock.now += 3600
    with sqlite_ledger.session() as session:
        row = session.get_one(HostPace, "un.exemple")
        row.state = {**row.state, "rest_until": clock.now + 3600, "rest_reason": "it asked to slow down"}
    report = visit_due(sqlite_ledger, Ways("contact@exemple.fr"))
    assert [(one.planned.target.url, one.reason) for one in report.left] == [
        ("https://un.exemple/c", "it asked to slow down")
    ]
    clock.now = datetime(2026, 3, 4, 2, tzinfo=UTC).timestamp()
    assert [one.reason for one in visit_due(sqlite_ledger, Ways("contact@exemple.fr")).left] == ["outside its hours"]


def test_the_kill_switch_stops_visits_too(sqlite_ledger: Ledger, outcomes: dict[str, str]) -> None:
    add_case(sqlite_ledger, "https://un.exemple/")
    with sqlite_ledger.session() as session:
        pull_switch(session, sqlite_ledger.home, "arrêt demandé", NOW)
    report = visit_due(sqlite_ledger, Ways("contact@exemple.fr"))
    assert ([one.reason for one in report.left], report.visits) == (["arrêt demandé"], ())


def test_visits_come_due_with_everything_else(sqlite_ledger: Ledger, outcomes: dict[str, str]) -> None:
    settings = load_settings(home=sqlite_ledger.home)
    assert visit_new(settings).state == "nothing"
    add_case(sqlite_ledger, "https://un.exemple/")
    assert visit_new(settings).as_json() == {
        "job": "capture",
        "state": "done",
        "detail": {"visits": {"page": 1}, "left": {}},
    }


def test_a_case_is_visited_on_demand_or_refused(sqlite_ledger: Ledger, outcomes: dict[str, str]) -> None:
    case = add_case(sqlite_ledger, "https://un.exemple/")
    for _ in range(2):
        visit_cases(sqlite_ledger, Ways("contact@exemple.fr"), [case, case])
    with sqlite_ledger.session() as session:
        assert len(clean_captures_of(session, case)) == 2
    with pytest.raises(NoSuchCase):
        visit_cases(sqlite_ledger, Ways("contact@exemple.fr"), [case, 99])
    assert outcomes["asked"].count("un.exemple") == 2


def test_without_a_chromium_nothing_is_asked_nor_written(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = add_case(sqlite_ledger, "https://un.exemple/")
    monkeypatch.setattr(job, "find_chromium", lambda: None)
    with pytest.raises(ChromiumMissing, match="make setup"):
        visit_due(sqlite_ledger, Ways("contact@exemple.fr"))
    with sqlite_ledger.session() as session:
        assert clean_captures_of(session, case) == []


@pytest.fixture
def command(sqlite_ledger: Ledger, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `vigie capture …` in the ledger's home: exit status, what it wrote, its complaint."""
    monkeypatch.setenv("VIGIE_HOME", str(sqlite_ledger.home))
    monkeypatch.setenv("VIGIE_NTP_SERVERS", "[]")
    monkeypatch.delenv("VIGIE_DATABASE_URL", raising=False)

    def run(*words: str, name: str = "capture") -> tuple[int, str, str]:
        status = 0
        with mock.patch.object(sys, "argv", ["vigie", name, *words]):
            try:
                main()
            except SystemExit as stopped:
                status = int(stopped.code or 0)
        said = capfd.readouterr()
        return status, said.out, said.err

    return run


@pytest.mark.parametrize(
    "words", [(), ("1", "--due"), ("--plan", "--due"), ("--due", "--delay", "0"), ("99",), ("99", "--json")]
)
def test_bad_arguments_are_one_line(command: Any, words: tuple[str, ...]) -> None:
    status, out, err = command(*words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("vigie: ")


def test_the_plan_says_what_is_due(command: Any, sqlite_ledger: Ledger) -> None:
    add_case(sqlite_ledger, "https://un.exemple/")
    status, out, _ = command("--plan", "--json")
    assert status == 0
    assert json.loads(out) == {
        "case_id": 1,
        "url": "https://un.exemple/",
        "since": NOW.isoformat(),
        "why": "first",
    }
    assert "case 1: first, due since" in command("--plan")[1]


WITHDRAWN = 49  # a practice of the world whose wording is there until the third day


@pytest.mark.browser
@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")
def test_the_command_sees_a_wording_and_its_withdrawal(command: Any, sqlite_ledger: Ledger) -> None:
    world = Sandbox(seed=3, listings=60)
    planted = world.in_force(WITHDRAWN)
    assert planted is not None
    pages = site_pages(world, WITHDRAWN)
    page = next(name for name, html in pages.items() if escape(planted.text) in html)
    with SandboxServer(world) as server:
        case = add_case(sqlite_ledger, f"http://{server.host}/{planted.listing_key}/{page}", planted.text)
        told = []
        for words in (("--due",), (str(case),)):
            status, out, err = command(*words, "--allow-host", server.host, "--delay", "0", "--json")
            assert status == 0, err
            told.append(json.loads(out))
            server.set_day(WITHDRAWN_DAY)
    assert [one["outcome"] for one in told] == ["page", "page"]
    assert [one["wording"] for one in told] == ["stayed", "withdrawn"]
    assert told[0]["profile"] != told[1]["profile"]
    assert command("--plan", "--json") == (0, "", "")  # the second came too soon: a day must lie between
    with sqlite_ledger.session() as session:
        kept = clean_captures_of(session, case)
        assert proof_of_case(session, case).state == "pending"
    assert [one.id for one in kept] == [one["id"] for one in told]
    kinds = {file.kind for file, data in files_of(sqlite_ledger.store, kept[0]) if data}
    assert kinds == {"facts", "image", "pdf", "dom", "text", "traffic"}
    assert not fixity.examine(sqlite_ledger).damages
    out = sqlite_ledger.home / "copies"
    assert command(str(kept[0].id), "--out", str(out), "--why", " ", name="copy-clean")[0] == 2
    assert not out.exists()
    status, _, err = command(str(kept[0].id), "--out", str(out), "--why", "relecture", name="copy-clean")
    assert status == 0, err
    assert {path.name for path in out.iterdir()} == {file.name for file in kept[0].files}
    with sqlite_ledger.session() as session:
        exported = session.scalars(select(Event).where(Event.kind == "exported")).one()
    assert (exported.subject, exported.detail["reason"]) == ("clean_capture", "relecture")
