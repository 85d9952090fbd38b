"""What the parts of one crawl share: ledger, run, pace, frontier, counts. It holds them together, and no more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrapy.crawler import Crawler
from scrapy.utils.asyncio import call_later
from scrapy.utils.defer import deferred_from_coro

from crawler.frontier import Frontier
from crawler.pace import Pace
from ledger import Ledger

_ATTRIBUTE = "vigie"


@dataclass
class Running:
    """One crawl in this process."""

    ledger: Ledger
    crawl_id: int
    pace: Pace
    token: str  # the product token robots.txt speaks of
    limit: int | None = None
    allow_hosts: tuple[str, ...] = ()
    stops_as_one: frozenset[str] = frozenset()  # hosts whose « no » ends the run
    frontier: Frontier | None = None
    counts: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)  # listings told of in this run
    stopped: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)  # host, and why it says no
    failures: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """Where the kill switch's file would stand."""
        return self.ledger.home

    def book(self) -> Frontier:
        """The frontier, once the scheduler has opened it."""
        if self.frontier is None:
            raise RuntimeError("the frontier is not open yet")
        return self.frontier


def running(crawler: Crawler) -> Running:
    """The crawl that this Scrapy crawler belongs to. Raises `RuntimeError` outside of `crawler.run`."""
    found = getattr(crawler, _ATTRIBUTE, None)
    if not isinstance(found, Running):
        raise RuntimeError("crawls are begun by crawler.run: `vigie crawl PLATFORM`")
    return found


def attach(crawler: Crawler, value: Running) -> None:
    """Make `running(crawler)` answer."""
    setattr(crawler, _ATTRIBUTE, value)


def close_soon(crawler: Any, reason: str) -> None:
    """End the crawl: what is under way finishes, nothing new is asked."""
    stopped = running(crawler).stopped
    if reason in stopped:
        return
    stopped.append(reason)
    engine = crawler.engine
    if engine is not None and engine.spider is not None:
        call_later(0, _close, engine, reason)


def _close(engine: Any, reason: str) -> None:
    if engine.spider is not None:
        deferred_from_coro(engine.close_spider_async(reason=reason))


def utc_now() -> datetime:
    """Now, aware."""
    return datetime.now(UTC)
