"""Each further platform, crawled end to end on the practice platform: wording found, walls kept out, same replay."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from crawler.replay import replay
from crawler.run import CrawlReport, CrawlSpec, crawl
from crawler.sandbox import Sandbox, SandboxServer
from crawler.sandbox.platforms import CODES
from crawler.sandbox.server import FAULTS, Seen
from ledger import Ledger
from ledger.models import Capture, Listing, ListingView, Passage

SEED, LISTINGS = 2, 30


@dataclass(frozen=True)
class Done:
    """What a crawl left behind."""

    home: Path
    report: CrawlReport
    log: list[Seen]


def crawled(platform: str, home: Path) -> Done:
    with SandboxServer(Sandbox(SEED, LISTINGS)) as server:
        starts = tuple(server.start_urls(platform))
        report = crawl(CrawlSpec(home, None, platform, starts, None, (server.host,), 0.0))
        return Done(home, report, list(server.log))


@pytest.fixture(scope="module")
def crawls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Done]]:
    homes = {code: tmp_path_factory.mktemp(code) for code in CODES}
    with ThreadPoolExecutor(4) as pool:
        yield dict(zip(CODES, pool.map(crawled, CODES, homes.values()), strict=True))


@pytest.mark.parametrize("platform", CODES)
def test_a_platform_is_crawled_end_to_end(crawls: dict[str, Done], platform: str) -> None:
    done = crawls[platform]
    walled = {number for number, fault in FAULTS.items() if fault != "slow_down"}
    planted = [
        one
        for one in Sandbox(SEED, LISTINGS).truth()
        if not one.listing_key.startswith("sites/") and int(one.listing_key.rsplit("-", 1)[-1]) not in walled
    ]
    with Ledger.open(done.home).session() as session:
        for one in planted:
            query = select(Passage.text).join(Listing).where(Listing.key.endswith(one.listing_key))
            assert any(one.text in text for text in session.scalars(query)), one
        keys = session.scalars(select(Listing.key)).all()
        assert not [key for key in keys if key.startswith(("center-", "clinic-", "entity-", "structure-"))]
        assert len({key.rsplit("/", 1)[-1] for key in keys}) == len(keys)
        outcomes = set(session.scalars(select(Capture.outcome).join(Passage, Passage.capture_id == Capture.id)))
    assert len(planted) >= 6
    assert outcomes == {"page"}
    assert {"blocked", "login", "consent", "not_found", "server_error", "rate_limited"} <= set(done.report.captures)
    assert (done.report.items_without_evidence, done.report.stopped) == (0, "")


@pytest.mark.parametrize("platform", CODES)
def test_only_public_answers_are_asked_for(crawls: dict[str, Done], platform: str) -> None:
    done = crawls[platform]
    assert done.log[0].path == "/robots.txt"
    assert all("Vigie/" in one.user_agent for one in done.log)
    for word in ("availabilit", "timetable", "slots", "account", "/rdv", "login"):
        assert not [one.path for one in done.log if word in one.path.lower()]


@pytest.mark.parametrize("platform", CODES)
def test_replay_reads_the_same_from_the_stored_bytes(crawls: dict[str, Done], platform: str) -> None:
    report = replay(Ledger.open(crawls[platform].home))
    assert report.captures > 20
    assert (report.passages_added, report.unreadable, report.evidence_failures) == (0, 0, 0)


def test_coverage_flags_reach_the_ledger(crawls: dict[str, Done]) -> None:
    with Ledger.open(crawls["avecmondoc"].home).session() as session:
        signals = session.scalars(select(ListingView.signals)).all()
    flags = {flag["isCMU"] for one in signals for flag in one.get("coverage_flags", ())}
    assert flags == {True, False}
