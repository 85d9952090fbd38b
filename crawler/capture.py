"""The capture middleware: at order 895 it sees robots.txt, redirects, refusals and bytes as received, and keeps them.

It also keeps the pace: robots.txt's Crawl-delay, which Scrapy ignores, and a server's Retry-After. It reads no listing.
"""

from __future__ import annotations

import email.utils
import logging
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from protego import Protego
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response

from crawler.guard import RefusedRequest, host_port
from crawler.outcomes import Outcome, classify
from crawler.recording import record_capture, record_unanswered
from ledger import Ledger, StoreFull
from ledger.warc import Exchange

log = logging.getLogger(__name__)
MAX_PAUSE = 600.0  # seconds: the longest Retry-After or Crawl-delay that is waited out within a run
WALLS = (Outcome.BLOCKED, Outcome.LOGIN, Outcome.RATE_LIMITED)
WALLS_IN_A_ROW = 5  # then the platform has said no, and the run ends


def _pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    """Scrapy's headers as text pairs, repetition kept; bytes that are not UTF-8 are read as Latin-1."""

    def text(value: bytes) -> str:
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")

    return tuple((text(name), text(value)) for name, values in headers.items() for value in values)


def exchange_of(request: Request, response: Response) -> Exchange:
    """The exchange as Scrapy saw it: the body still content-encoded, the reason phrase unknown."""
    return Exchange(
        url=response.url,
        method=request.method,
        request_headers=_pairs(request.headers),
        request_body=request.body,
        status=response.status,
        reason="",
        response_headers=_pairs(response.headers),
        body=response.body,
        captured_at=datetime.now(UTC),
        ip_address=str(response.ip_address or ""),
    )


def retry_after(value: str, now: datetime) -> float:
    """Seconds a `Retry-After` header asks for, from its number or its date; 0 when it says nothing readable."""
    if value.strip().isdigit():
        return min(float(value), MAX_PAUSE)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 0.0
    if moment.tzinfo is None:
        return 0.0
    return max(0.0, min((moment - now).total_seconds(), MAX_PAUSE))


def close_soon(crawler: Crawler, reason: str) -> None:
    """End the crawl: what is under way finishes, nothing new is asked."""
    crawler.settings["VIGIE_STOPPED"].append(reason)
    engine = crawler.engine
    if engine is not None and engine.spider is not None:
        from twisted.internet import reactor

        reactor.callLater(0, engine.close_spider, engine.spider, reason)  # type: ignore[arg-type]


class Pace:
    """The pause between two requests to one host. It only ever grows, but for hosts the operator named with a delay."""

    def __init__(self, crawler: Crawler) -> None:
        """Watch the downloader of this crawl."""
        self.crawler = crawler
        self.short = set(crawler.settings.getlist("VIGIE_ALLOW_HOSTS"))
        self.shortened = crawler.settings.get("VIGIE_DELAY") is not None
        self.held: dict[str, tuple[float, float]] = {}  # slot: until when (monotonic seconds), its usual pause

    def _slot(self, request: Request) -> tuple[str, Any]:
        key = request.meta.get("download_slot") or ""
        engine = self.crawler.engine
        return key, engine.downloader.slots.get(key) if engine is not None else None

    def learn_robots(self, request: Request, exchange: Exchange, agent: str) -> None:
        """Raise the host's pause to the Crawl-delay its robots.txt asks for."""
        if self.shortened and host_port(request.url) in self.short:
            return
        wanted = Protego.parse(exchange.text).crawl_delay(agent) if exchange.status == 200 else None
        _, slot = self._slot(request)
        if wanted and slot is not None:
            slot.delay = max(slot.delay, min(float(wanted), MAX_PAUSE))

    def after(self, request: Request, exchange: Exchange, outcome: Outcome) -> None:
        """Hold the host for as long as it asked; let go at its next answer."""
        key, slot = self._slot(request)
        if slot is None:
            return
        now = time.monotonic()
        if key in self.held and now >= self.held[key][0]:
            slot.delay = self.held.pop(key)[1]
        asked = retry_after(exchange.header("retry-after"), exchange.captured_at)
        if outcome not in (Outcome.RATE_LIMITED, Outcome.SERVER_ERROR) or asked <= slot.delay:
            return
        usual = self.held[key][1] if key in self.held else slot.delay
        self.held[key] = (now + asked, usual)
        slot.delay, slot.lastseen = asked, now
        if slot.latercall:  # the next request was planned before the server asked to wait
            slot.latercall.cancel()
            slot.latercall = None
        self.crawler.engine.downloader._process_queue(slot)


class CaptureMiddleware:
    """Keeps every exchange and every failure, and stamps the request with the capture it became."""

    def __init__(self, crawler: Crawler, ledger: Ledger, crawl_id: int) -> None:
        """Write into `ledger` under the run `crawl_id`."""
        self.crawler = crawler
        self.ledger = ledger
        self.crawl_id = crawl_id
        self.pace = Pace(crawler)
        self.counts: Counter[str] = crawler.settings["VIGIE_COUNTS"]
        self.walls = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CaptureMiddleware:
        """Open the ledger the settings name. Without a run there is no crawl."""
        settings = crawler.settings
        ledger = Ledger.open(Path(settings["VIGIE_HOME"]), settings.get("VIGIE_DATABASE_URL"), create=False)
        return cls(crawler, ledger, settings.getint("VIGIE_CRAWL_ID"))

    def process_response(self, request: Request, response: Response) -> Response:
        """Keep the answer before anything decodes, follows or reads it."""
        if "cached" in response.flags:
            return response
        exchange = exchange_of(request, response)
        outcome, reason = classify(exchange)
        try:
            with self.ledger.session() as session:
                capture = record_capture(session, self.ledger.store, self.crawl_id, exchange, outcome, reason)
                request.meta["capture_id"] = capture.id
        except StoreFull as error:
            self.crawler.settings["VIGIE_FAILURE"].append(str(error))
            close_soon(self.crawler, "disk_full")
            raise IgnoreRequest("the disk is full") from error
        request.meta["outcome"] = str(outcome)
        request.meta["exchange"] = exchange
        self._count(outcome, len(response.body))
        if outcome is Outcome.ROBOTS:
            self.pace.learn_robots(request, exchange, self.crawler.settings["USER_AGENT"])
        self.pace.after(request, exchange, outcome)
        self._stop_at_walls(outcome)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Record what got no answer, and what robots.txt forbade."""
        if isinstance(exception, RefusedRequest):
            self.crawler.settings["VIGIE_REFUSED"].append(str(exception))
            return
        if isinstance(exception, IgnoreRequest):
            outcome, reason = Outcome.FORBIDDEN_BY_ROBOTS, "robots.txt forbids it"
            if "robots" not in str(exception).lower():
                return
        else:
            outcome, reason = Outcome.NO_ANSWER, f"{type(exception).__name__}: {exception}"[:300]
        with self.ledger.session() as session:
            record_unanswered(session, self.crawl_id, request.url, request.method, outcome, reason)
        self._count(outcome, 0)

    def _count(self, outcome: Outcome, size: int) -> None:
        self.counts[str(outcome)] += 1
        self.counts["bytes"] += size

    def _stop_at_walls(self, outcome: Outcome) -> None:
        """A platform that answers with walls, one after the other, has said no."""
        if outcome in (Outcome.ROBOTS, Outcome.REDIRECT):
            return
        self.walls = self.walls + 1 if outcome in WALLS else 0
        if self.walls == WALLS_IN_A_ROW:
            log.warning("stopping: %d walls in a row", self.walls)
            close_soon(self.crawler, "blocked")
