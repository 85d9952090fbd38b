"""A crawl goes on after any death, asks nothing twice, sees change and disappearance, and stops when told to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from benchmarks.crawls import asked_more_than_once, crawl_apart, kill_until_done, state_of
from benchmarks.small_site import Page, SmallSite, home, page
from crawler.run import CrawlReport, CrawlSpec
from crawler.sandbox import Sandbox, SandboxServer
from ledger import Ledger
from ledger.frontier import Address, HostPace, stop_file
from ledger.models import Capture, Event, Passage

FEES = "Tarif de la consultation : 30 euros, tiers payant pratiqué."


def spec_of(home_: Path, start: str, host: str, **changes: object) -> CrawlSpec:
    values: dict[str, object] = {
        "home": home_,
        "database_url": None,
        "platform": "practice_site",
        "start_urls": (start,),
        "allow_hosts": (host,),
        "delay_seconds": 0.0,
    }
    return CrawlSpec(**{**values, **changes})  # type: ignore[arg-type]


def crawl_site(home_: Path, site: SmallSite, **changes: object) -> CrawlReport:
    report = crawl_apart(spec_of(home_, site.start, site.host, **changes))
    assert report is not None
    return report


def site_of_three() -> dict[str, Page | Callable[[], Page]]:
    return {
        "/": Page(home("/tarifs", "/acces")),
        "/tarifs": Page(page(FEES)),
        "/acces": Page(page("Accès par le métro.")),
    }


def test_killed_at_random_moments_the_state_is_the_same(tmp_path: Path) -> None:
    with SandboxServer(Sandbox(seed=3, listings=40), latency=0.02) as server:
        spec = spec_of(tmp_path / "whole", server.start_urls("practice_site")[0], server.host)
        crawl_apart(spec)
        asked = len(server.log)
    with SandboxServer(Sandbox(seed=3, listings=40), latency=0.02, port=int(server.host.split(":")[1])) as server:
        spec = spec_of(tmp_path / "killed", server.start_urls("practice_site")[0], server.host)
        killed = kill_until_done(spec, kills=4, seed=5, longest=1.2)
        paths = [one.path for one in server.log]
    assert killed.differences == []
    assert killed.kills >= 2
    assert asked > 40
    whole, after = state_of(tmp_path / "whole"), state_of(tmp_path / "killed")
    assert after == whole
    assert after.waiting == 0
    assert asked_more_than_once(paths) <= killed.kills  # what was under way when the process died


def test_a_second_pass_asks_with_validators_and_keeps_next_to_nothing(tmp_path: Path) -> None:
    with SmallSite(site_of_three(), etags=True) as site:
        first = crawl_site(tmp_path, site)
        asked = len(site.paths)
        again = crawl_site(tmp_path, site)
        second = site.log[asked + 1 :]
    assert (first.unchanged, first.vanished, again.unchanged) == (0, 0, 3)
    assert (again.bytes, again.passages, again.listings) == (0, 0, 1) or again.bytes < first.bytes / 5
    assert all("If-None-Match" in one.headers for one in second if one.path in ("/", "/tarifs", "/acces"))
    with Ledger.open(tmp_path).session() as session:
        rows = session.scalars(select(Capture).where(Capture.status == 304)).all()
        assert len(rows) == 3
        assert all(one.outcome == "page" and one.revisit_of_id and not one.warc_sha256 for one in rows)


def test_change_disappearance_and_return_are_states_and_good_data_stay(tmp_path: Path) -> None:
    pages = site_of_three()
    with SmallSite(pages) as site:
        crawl_site(tmp_path, site)
        pages["/tarifs"] = Page(page("Tarif de la consultation : 35 euros."))
        pages["/acces"] = Page(status=410)
        changed = crawl_site(tmp_path, site)
        pages["/acces"] = Page(page("Accès par le métro."))
        crawl_site(tmp_path, site)
    assert (changed.unchanged, changed.vanished) == (1, 1)
    with Ledger.open(tmp_path).session() as session:
        fees = session.scalars(select(Address).where(Address.url.endswith("/tarifs"))).one()
        place = session.scalars(select(Address).where(Address.url.endswith("/acces"))).one()
        events = session.scalars(select(Event.kind).where(Event.kind.like("listing_%")).order_by(Event.id)).all()
        texts = " ".join(session.scalars(select(Passage.text)))
    assert (fees.changes, fees.state, place.state, place.misses) == (1, "present", "present", 0)
    assert place.good_capture_id is not None
    assert events == ["listing_vanished", "listing_back"]
    assert "30 euros" in texts and "35 euros" in texts
    assert fees.due_at - fees.visited_at < place.due_at - place.visited_at  # type: ignore[operator]


def test_only_what_is_due_is_asked_again(tmp_path: Path) -> None:
    with SmallSite(site_of_three()) as site:
        crawl_site(tmp_path, site)
        asked = len(site.paths)
        nothing = crawl_site(tmp_path, site, due_only=True)
        assert len(site.paths) == asked
        assert (nothing.captures, nothing.left) == ({}, 0)
        with Ledger.open(tmp_path).session() as session:
            due = datetime.now(UTC) - timedelta(hours=1)
            session.execute(update(Address).where(Address.url.endswith("/tarifs")).values(due_at=due))
        crawl_site(tmp_path, site, due_only=True)
        assert site.paths[asked:] == ["/tarifs"]


@pytest.mark.parametrize("status", [500, 503, 429, 301])
def test_no_readable_robots_means_no_request(tmp_path: Path, status: int) -> None:
    robots = Page("", status, {"Location": "/robots.txt"} if status == 301 else {})
    with SmallSite(site_of_three(), robots) as site:
        report = crawl_site(tmp_path, site)
        assert site.paths == []
    assert report.left == 1
    assert "robots.txt" in report.stopped and report.refusals
    with Ledger.open(tmp_path).session() as session:
        assert session.scalar(select(func.count(Address.id)).where(Address.stage == "waiting")) == 1


def test_a_long_retry_after_ends_the_run_and_the_host_rests_in_the_next(tmp_path: Path) -> None:
    pages = site_of_three()
    pages["/tarifs"] = Page("trop vite", 429, {"Retry-After": "86400"})
    with SmallSite(pages) as site:
        first = crawl_site(tmp_path, site)
        asked = len(site.log)
        again = crawl_site(tmp_path, site)
        assert len(site.log) == asked
    assert "Retry-After" in first.stopped and "Retry-After" in again.stopped
    assert first.left == again.left > 0
    with Ledger.open(tmp_path).session() as session:
        state = session.scalars(select(HostPace)).one().state
    assert state["rest_until"] > datetime.now(UTC).timestamp() + 86_000


def test_the_kill_switch_stops_within_one_request(tmp_path: Path) -> None:
    def stop() -> Page:
        stop_file(tmp_path).write_text("panne", "utf-8")
        return Page(page(FEES))

    pages = site_of_three()
    pages["/tarifs"] = stop
    with SmallSite(pages) as site:
        report = crawl_site(tmp_path, site)
        at = site.paths.index("/tarifs")
        assert len(site.paths) == at + 1
        assert "panne" in report.stopped
        assert crawl_site(tmp_path, site).captures == {}
        assert len(site.paths) == at + 1
        stop_file(tmp_path).unlink()
        pages["/tarifs"] = Page(page(FEES))
        assert crawl_site(tmp_path, site).left == 0
        assert asked_more_than_once(site.paths) == 0


def test_walls_in_a_row_rest_the_host_and_say_why(tmp_path: Path) -> None:
    links = [f"/page-{number}" for number in range(12)]
    pages: dict[str, Page | Callable[[], Page]] = {"/": Page(home(*links)), "/sitemap.xml": Page(status=404)}
    pages.update({link: Page("refus", 403) for link in links})
    with SmallSite(pages) as site:
        report = crawl_site(tmp_path, site)
        walls = sum(path.startswith("/page") for path in site.paths)
        again = crawl_site(tmp_path, site)
        assert sum(path.startswith("/page") for path in site.paths) == walls == 5
    assert (report.stopped, report.captures["blocked"]) == ("blocked", 5)
    assert "walls in a row" in again.stopped and "walls in a row" in report.refusals[0]
