"""The robots middleware: before a host is asked for anything else, its robots.txt is fetched, kept and obeyed.

It replaces Scrapy's, which reads a server error as permission. How robots.txt is read is `crawler.robots`' business.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request
from scrapy.utils.httpobj import urlparse_cached

from crawler import robots
from crawler.capture import ForbiddenByRobots, Resting, Stopped
from crawler.frontier import host_of
from crawler.robots import ROBOTS_META, Robots
from crawler.running import running
from ledger.errors import DamagedCapture, TooLarge
from ledger.warc import Exchange

FRESH = 24 * 3600.0  # seconds a robots.txt may be relied on (RFC 9309, 2.4)
AGAIN_AFTER = 3600.0  # seconds a host rests whose robots.txt could not be had; longer each time


@dataclass
class _Known:
    """A robots.txt and when it was read (monotonic seconds)."""

    robots: Robots
    at: float


class RobotsMiddleware:
    """Downloader middleware: a request that robots.txt forbids never leaves."""

    def __init__(self, crawler: Crawler) -> None:
        """Know the crawl."""
        self.crawler = crawler
        self.run = running(crawler)
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Future[Robots]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        """Scrapy's way of making one."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Pass what is allowed; raise `ForbiddenByRobots` for the rest, `Resting` when the rules cannot be had."""
        if request.meta.get(ROBOTS_META) or "fetched" in request.meta:
            return
        rules = await self._rules(request)
        if rules.refused:
            raise Resting(rules.refused)
        if not rules.allows(request.url):
            raise ForbiddenByRobots("robots.txt forbids it")

    async def _rules(self, request: Request) -> Robots:
        """The rules of the request's origin, fetched once in a day however many requests wait for them."""
        parts = urlparse_cached(request)
        origin = f"{parts.scheme}://{parts.netloc}"
        known = self._known.get(origin)
        if known is not None and time.monotonic() - known.at < FRESH:
            return known.robots
        if origin not in self._asking:
            self._asking[origin] = asyncio.get_running_loop().create_future()
            rules = Robots(refused="robots.txt could not be had yet")
            try:
                rules = await self._fetch(origin)
                self._take_in(host_of(request.url), rules)
            finally:
                self._asking.pop(origin).set_result(rules)
            if not rules.refused:
                self._known[origin] = _Known(rules, time.monotonic())
            return rules
        return await self._asking[origin]

    def _take_in(self, host: str, rules: Robots) -> None:
        """The host's pause becomes its Crawl-delay; a host without readable rules rests."""
        policy = self.run.pace.host(host)
        if rules.refused:
            policy.refuse(time.time(), rules.refused)
            self.run.refusals.append((host, rules.refused))
        elif not self.run.pace.is_shortened(host):
            policy.learn_crawl_delay(rules.crawl_delay)
        with self.run.ledger.session() as session:
            self.run.pace.save(session, host)

    async def _fetch(self, origin: str) -> Robots:
        """Ask for robots.txt through the gate like any page: it is captured, and redirects are followed five times."""
        request = Request(f"{origin}/robots.txt", meta={ROBOTS_META: True}, dont_filter=True)
        engine: Any = self.crawler.engine
        try:
            response = await engine.download_async(request)
        except (Resting, Stopped):
            raise
        except IgnoreRequest as error:
            return robots.unreachable(f"robots.txt could not be had: {error}")
        except Exception as error:  # noqa: BLE001 - whatever the network did, capture has recorded it: no rules, no request
            return robots.unreachable(f"robots.txt got no answer: {type(error).__name__}")
        exchange = response.request.meta.get("exchange")
        if not isinstance(exchange, Exchange):
            return robots.unreachable("robots.txt was not captured")
        if urlsplit(exchange.url).scheme not in ("http", "https"):
            return robots.unreachable("robots.txt led elsewhere")
        try:
            content = exchange.content
        except (DamagedCapture, TooLarge) as error:
            return robots.unreachable(f"robots.txt is unreadable: {error}")
        return robots.of_answer(exchange.status, content, self.run.token)
