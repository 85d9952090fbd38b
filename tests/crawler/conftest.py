"""A small practice platform, crawled once for every test that only looks at the result."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.run import CrawlReport, CrawlSpec, crawl
from crawler.sandbox import Sandbox, SandboxServer
from crawler.sandbox.server import Seen
from ledger import Ledger

sys.path.insert(0, str(Path(__file__).parent))  # pytest imports each file by its path: the helpers need a home


class Crawled:
    """What a crawl of both shapes left behind."""

    def __init__(self, home: Path, reports: list[CrawlReport], log: list[Seen], most_at_once: int) -> None:
        self.home, self.reports, self.log, self.most_at_once = home, reports, log, most_at_once

    def ledger(self) -> Ledger:
        return Ledger.open(self.home)


@pytest.fixture(scope="session")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    home = tmp_path_factory.mktemp("crawled")
    with SandboxServer(Sandbox(seed=2, listings=60), latency=0.01) as server:
        reports = [
            crawl(CrawlSpec(home, None, platform, tuple(server.start_urls(platform)), None, (server.host,), 0.0))
            for platform in ("doctolib", "practice_site")
        ]
        yield Crawled(home, reports, list(server.log), server.most_at_once)
