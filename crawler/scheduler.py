"""Scrapy's scheduler over the frontier in the ledger: hands out what a host may be asked now. It decides no pause."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from scrapy import Spider
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import Crawler
from scrapy.http import Request
from scrapy.utils.asyncio import call_later
from scrapy.utils.request import fingerprint

from crawler.frontier import Frontier, unpacked
from crawler.memory import Memory, remember
from crawler.outcomes import Outcome
from crawler.pipelines import NotAListing
from crawler.running import close_soon, running, utc_now
from crawler.settings import PATIENCE
from crawler.settling import Settler
from ledger.frontier import Address, VisitRound


class LedgerScheduler(BaseScheduler):
    """Every request of a crawl passes here, and is in the ledger before it is asked for."""

    def __init__(self, crawler: Crawler) -> None:
        """Know the crawl."""
        self.crawler = crawler
        self.run = running(crawler)
        self.frontier: Frontier | None = None
        self._alarm: Any = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> LedgerScheduler:
        """Scrapy's way of making one."""
        return cls(crawler)

    def open(self, spider: Spider) -> None:
        """Go on with the round, and give the spider its memory back."""
        settings = self.crawler.settings
        with self.run.ledger.session() as session:
            round_ = session.get_one(VisitRound, settings.getint("VIGIE_ROUND_ID"))
        version = str(getattr(spider, "parser_version", ""))
        self.frontier = Frontier(self.run.ledger, spider, round_, settings["VIGIE_CYCLE"], version)
        self.frontier.open()
        self.run.frontier = self.frontier
        scope = f"round:{round_.id}" if round_.kind == "limited" else round_.scope
        memory = Memory(self.run.ledger, round_.platform, scope, everywhere=round_.kind == "due")
        self.frontier.memory = memory
        remember(spider, memory, getattr(spider, "remembered", ()))
        if "taken" in round_.state and hasattr(spider, "taken"):
            spider.taken = int(round_.state["taken"])

    def close(self, reason: str) -> None:  # noqa: ARG002
        """No wake-up call is left behind."""
        self._silence()

    def has_pending_requests(self) -> bool:
        """True while the round has an address that is not settled."""
        return self.book.left > 0

    @property
    def book(self) -> Frontier:
        """The open frontier."""
        if self.frontier is None:
            raise RuntimeError("the scheduler is not open")
        return self.frontier

    def enqueue_request(self, request: Request) -> bool:
        """Want a start address, or the place that a redirect leads to."""
        came_from = request.meta.pop("address", None)
        request.errback = None if came_from is not None else request.errback
        left = self.book.left
        now = utc_now()
        with self.run.ledger.session() as session:
            if came_from is None:
                self.book.add(session, [request], None, now)
            else:
                row = self.book.row(session, came_from) or session.get_one(Address, came_from)
                if row.fingerprint == fingerprint(request).hex():  # told to ask the same again: a loop
                    self.book.missed(row, "failing", now)
                else:
                    self.book.add(session, [request], row.root_id or row.id, now)
                    self.book.moved(row, now)
        if came_from is not None:
            self.book.release(came_from)
        return self.book.left > left or came_from is not None

    def next_request(self) -> Request | None:
        """The next request whose host may be asked now; else a wake-up call is set, or the run ends."""
        if self.run.stopped:
            return None
        now = datetime.now(UTC)
        row, moment = self.book.take(self.run.pace.earliest, now)
        if row is None:
            self._wait(moment)
            return None
        request = unpacked(row, self.book.spider)
        request.errback = self.lost
        if row.stage == "fetched":
            request.meta["fetched"] = row.capture_id
            return request
        self.run.pace.handed.add(row.host)
        if row.good_capture_id and row.parser_version == self.book.parser_version and self.book.kind != "limited":
            if row.etag:
                request.headers["If-None-Match"] = row.etag
            if row.last_modified:
                request.headers["If-Modified-Since"] = row.last_modified
        return request

    def lost(self, failure: Any) -> list[Any]:
        """What fails between the network and the spider (too many redirects, a body that unpacks to too much) settles
        its address too. Whatever was settled already is let be.
        """
        if isinstance(failure.value, NotAListing):
            failure.raiseException()
        if self.book.is_under_way(failure.request.meta.get("address") or 0):
            Settler(self.run).failed(failure.request, Outcome.UNREADABLE, failure.value)
        return []

    def _wait(self, moment: float) -> None:
        """Come back at that moment; when every host rests for long, end the run: the addresses wait in the ledger."""
        now = time.time()
        engine: Any = self.crawler.engine
        if moment == float("inf") or engine is None or not self.has_pending_requests():
            return
        if moment - now > PATIENCE:
            if not engine.downloader.active and engine.scraper.slot.is_idle():
                resting = self.run.pace.resting()
                reason = min(resting.values())[1] if resting else "nothing is due yet"
                until = datetime.fromtimestamp(moment, UTC)
                close_soon(self.crawler, f"resting until {until:%Y-%m-%d %H:%M} UTC: {reason}")
            return
        self._silence()
        self._alarm = call_later(max(0.001, moment - now), self._wake)

    def _wake(self) -> None:
        self._alarm = None
        engine: Any = self.crawler.engine
        if engine is not None and engine._slot is not None:
            engine._slot.nextcall.schedule()

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
