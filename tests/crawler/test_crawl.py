"""A crawl over HTTP keeps every exchange as evidence, reads only pages, and is polite."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from crawler.guard import HostRefused
from crawler.outcomes import Outcome
from crawler.replay import replay
from crawler.run import CrawlSpec, NothingToCrawl, UnknownPlatform, Unreachable, crawl
from crawler.sandbox import Sandbox, SandboxServer
from ledger import Ledger
from ledger.models import Capture, Listing, Passage


def spec(home: Path, server: SandboxServer, platform: str = "doctolib", **changes: object) -> CrawlSpec:
    values: dict[str, object] = {
        "home": home,
        "database_url": None,
        "platform": platform,
        "start_urls": tuple(server.start_urls(platform)),
        "allow_hosts": (server.host,),
        "delay_seconds": 0.0,
    }
    return CrawlSpec(**{**values, **changes})  # type: ignore[arg-type]


def test_every_outcome_of_a_platform_is_recorded(crawled: object) -> None:
    seen = {key for report in crawled.reports for key in report.captures}  # type: ignore[attr-defined]
    assert {
        "page", "robots", "redirect", "blocked", "login", "consent", "not_found", "server_error", "rate_limited"
    } <= seen  # fmt: skip
    assert all(report.items_without_evidence == 0 for report in crawled.reports)  # type: ignore[attr-defined]


def test_planted_wording_of_reachable_pages_is_in_the_ledger(crawled: object) -> None:
    ledger = crawled.ledger()  # type: ignore[attr-defined]
    walled = {3, 8, 16, 17, 25}
    with ledger.session() as session:
        for planted in Sandbox(seed=2, listings=60).truth():
            if int(planted.listing_key.rsplit("-", 1)[-1]) in walled:
                continue
            key = Listing.key.endswith(planted.listing_key)
            texts = session.scalars(select(Passage.text).join(Listing).where(key)).all()
            assert any(planted.text in text for text in texts), planted


def test_one_request_at_a_time_honest_agent_and_robots_obeyed(crawled: object) -> None:
    assert crawled.most_at_once == 1  # type: ignore[attr-defined]
    assert all("Vigie/" in one.user_agent and "mailto:" in one.user_agent for one in crawled.log)  # type: ignore[attr-defined]
    assert crawled.log[0].path == "/robots.txt"  # type: ignore[attr-defined]
    assert not [one for one in crawled.log if one.path.startswith(("/rendez-vous", "/account"))]  # type: ignore[attr-defined]


def test_no_passage_comes_from_a_wall(crawled: object) -> None:
    with crawled.ledger().session() as session:  # type: ignore[attr-defined]
        outcomes = set(session.scalars(select(Capture.outcome).join(Passage, Passage.capture_id == Capture.id)))
    assert outcomes == {str(Outcome.PAGE)}


def test_each_capture_is_whole_on_disk(crawled: object) -> None:
    ledger = crawled.ledger()  # type: ignore[attr-defined]
    with ledger.session() as session:
        captures = session.scalars(select(Capture).where(Capture.warc_sha256.is_not(None))).all()
    assert len(captures) > 100
    for capture in captures:
        exchange = ledger.store.exchange(str(capture.warc_sha256))
        assert (exchange.url, exchange.body_sha256) == (capture.url, capture.body_sha256)


def test_replay_reads_the_same_and_adds_nothing(crawled: object) -> None:
    report = replay(crawled.ledger())  # type: ignore[attr-defined]
    assert report.captures > 100
    assert (report.passages_added, report.evidence_failures) == (0, 0)


def test_unchanged_pages_cost_a_small_row(home: Path) -> None:
    with SandboxServer(Sandbox(listings=30)) as server:
        first = crawl(spec(home, server, "practice_site"))
        again = crawl(spec(home, server, "practice_site"))
    assert again.passages == 0
    with Ledger.open(home).session() as session:
        second = select(Capture).where(Capture.crawl_id == again.crawl_id, Capture.outcome == "page")
        assert all(one.revisit_of_id and not one.warc_sha256 for one in session.scalars(second))
    assert first.captures["page"] == again.captures["page"]


def test_changes_of_the_practitioner_are_seen(home: Path) -> None:
    world = Sandbox(listings=97)
    with SandboxServer(world) as server:
        crawl(spec(home, server, "practice_site"))
        before = {one.text for one in world.truth()}
        server.set_day(3)
        crawl(spec(home, server, "practice_site"))
        after = {one.text for one in world.truth() if one.listing_key.startswith("sites/")}
    with Ledger.open(home).session() as session:
        texts = " ".join(session.scalars(select(Passage.text)))
    assert all(text in texts for text in after)
    assert after - before


def test_the_limit_is_kept(home: Path) -> None:
    with SandboxServer(Sandbox(listings=120)) as server:
        report = crawl(spec(home, server, limit=5))
    assert report.listings == 5


def test_retry_after_is_waited_out(home: Path) -> None:
    with SandboxServer(Sandbox(listings=40)) as server:
        start = (f"http://{server.host}/masseur-kinesitherapeute/france",)
        crawl(spec(home, server, start_urls=start, delay_seconds=0.15))
        log = list(server.log)
    slow = next(i for i, one in enumerate(log) if one.path.split("?")[0].endswith("-11"))
    assert log[slow + 1].at - log[slow].at >= 1.9
    assert any(one.path == log[slow].path for one in log[slow + 1 :])


def test_bad_input_is_one_clear_error(home: Path) -> None:
    base = {"home": home, "database_url": None, "start_urls": ()}
    with pytest.raises(UnknownPlatform, match="doktolib"):
        crawl(CrawlSpec(platform="doktolib", **base))  # type: ignore[arg-type]
    with pytest.raises(NothingToCrawl):
        crawl(CrawlSpec(platform="practice_site", **base))  # type: ignore[arg-type]
    with pytest.raises(HostRefused):
        crawl(CrawlSpec(home, None, "practice_site", ("http://127.0.0.1:9/",)))
    assert not (home / "ledger.sqlite").exists()


def test_an_unreachable_host(home: Path, free_port: object) -> None:
    place = f"127.0.0.1:{free_port()}"  # type: ignore[operator]
    with pytest.raises(Unreachable, match="no answer"):
        crawl(CrawlSpec(home, None, "practice_site", (f"http://{place}/",), None, (place,), 0.0))
    with Ledger.open(home).session() as session:
        assert session.scalar(select(func.count(Capture.id)).where(Capture.outcome == "no_answer"))


def test_killed_at_any_moment_the_ledger_is_whole(home: Path) -> None:
    import json
    from dataclasses import asdict

    with SandboxServer(Sandbox(listings=300), latency=0.005) as server:
        task = json.dumps({**asdict(spec(home, server)), "home": str(home)})
        with subprocess.Popen(
            [sys.executable, "-m", "crawler.run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(task)
            process.stdin.close()
            for _ in range(40):
                process.stdout.readline()
            time.sleep(0.05)
            os.kill(process.pid, signal.SIGKILL)
    ledger = Ledger.open(home)
    with ledger.session() as session:
        kept = session.scalars(select(Capture).where(Capture.warc_sha256.is_not(None))).all()
        assert kept
        for capture in kept:
            ledger.store.read(str(capture.warc_sha256))
        orphans = select(func.count(Passage.id)).where(Passage.capture_id.not_in(select(Capture.id)))
        assert session.scalar(orphans) == 0
    ledger.store.sweep()
    assert not list(home.rglob(".partial-*"))
