"""The capture middleware: at order 895 it is the gate to the network, and it keeps robots.txt, redirects, refusals and
bytes as received. No request passes while a host rests or the kill switch is set. It reads no listing.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from OpenSSL import SSL
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response
from scrapy.responsetypes import responsetypes
from service_identity import VerificationError

from crawler.frontier import host_of
from crawler.guard import RefusedRequest
from crawler.outcomes import Outcome, classify
from crawler.politeness import MOST_REST, retry_after
from crawler.recording import record_capture, record_not_modified, record_unanswered
from crawler.robots import ROBOTS_META
from crawler.running import close_soon, running
from crawler.settings import PATIENCE
from crawler.settling import Settler
from ledger import StoreFull
from ledger.frontier import Address, stop_file, stopped
from ledger.models import Capture
from ledger.warc import Exchange
from reference.errors import VigieError

log = logging.getLogger(__name__)
TURNS = 12  # of the event loop: from the scheduler to the socket
WITHHELD = "[withheld]"  # stands in the evidence for the key of an agreement


class Resting(IgnoreRequest):
    """The host rests for longer than a run waits: the address stays in the ledger."""


class Stopped(IgnoreRequest):
    """The kill switch is set."""


class ForbiddenByRobots(IgnoreRequest):
    """robots.txt forbids the address, or could not be had."""


class Unchanged(IgnoreRequest):
    """The answer is what it was: there is nothing to read."""


def _pairs(headers: Any, secret: str = "") -> tuple[tuple[str, str], ...]:
    """Scrapy's headers as text pairs, repetition kept; bytes that are not UTF-8 are read as Latin-1."""

    def text(value: bytes) -> str:
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")

    return tuple(
        (text(name), WITHHELD if text(name).lower() == secret.lower() else text(value))
        for name, values in headers.items()
        for value in values
    )


def exchange_of(request: Request, response: Response, secret: str = "") -> Exchange:
    """The exchange as Scrapy saw it: the body still content-encoded, the reason phrase unknown.

    The value of the request header named `secret` is withheld.
    """
    return Exchange(
        url=response.url,
        method=request.method,
        request_headers=_pairs(request.headers, secret),
        request_body=request.body,
        status=response.status,
        reason="",
        response_headers=_pairs(response.headers),
        body=response.body,
        captured_at=datetime.now(UTC),
        ip_address=str(response.ip_address or ""),
    )


def _response_of(request: Request, exchange: Exchange) -> Response:
    """The stored answer as Scrapy would have received it."""
    headers = {name.encode(): [value.encode()] for name, value in exchange.response_headers}
    kind = responsetypes.from_args(url=exchange.url, body=exchange.body)
    return kind(
        url=exchange.url,
        status=exchange.status,
        headers=headers,
        body=exchange.body,
        request=request,
        flags=["cached"],
    )


class CaptureMiddleware:
    """Lets requests out one at a time, keeps every exchange and failure, and stamps the request with its capture."""

    def __init__(self, crawler: Crawler) -> None:
        """Write into the ledger of the crawl."""
        self.crawler = crawler
        self.run = running(crawler)
        self.settler = Settler(self.run)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CaptureMiddleware:
        """Scrapy's way of making one. Without a run there is no crawl."""
        return cls(crawler)

    async def process_request(self, request: Request) -> Response | None:
        """Wait for the host's turn. An address that was fetched before a crash is answered from the evidence."""
        if "fetched" in request.meta:
            stored = self._stored(request, request.meta.pop("fetched"))
            if stored is not None:
                return stored
        host = host_of(request.url)
        while True:
            self._check_switch()
            moment, reason = self.run.pace.host(host).earliest(time.time())
            wait = moment - time.time()
            if wait <= 0:
                break
            if PATIENCE < wait < float("inf"):
                raise Resting(reason)
            await asyncio.sleep(min(wait, 0.5) if wait < MOST_REST else 0.02)
        self._sign(request)
        self.run.pace.sent(host)
        request.meta["sent_at"] = time.monotonic()
        return None

    def _sign(self, request: Request) -> None:
        """Add the key an agreement gives for this host, and take away one meant for another."""
        for one in self.run.pace.agreements.values():
            if one.header:
                request.headers.pop(one.header, None)
        named = self.run.pace.key_header(request.url)
        if named is not None:
            request.headers[named[0]] = named[1]

    def _check_switch(self) -> None:
        if self.run.stopped:
            raise Stopped(self.run.stopped[0])
        reason = ""
        if self.run.ledger.engine.dialect.name == "postgresql":
            with self.run.ledger.session() as session:
                reason = stopped(session, self.run.home)
        elif stop_file(self.run.home).exists():  # on one machine the file alone decides: no query a request
            reason = stop_file(self.run.home).read_text("utf-8", "replace").strip() or "stopped"
        if reason:
            close_soon(self.crawler, f"stopped by hand: {reason}")
            raise Stopped(reason)

    def _stored(self, request: Request, capture_id: int) -> Response | None:
        """The answer of an earlier process, or None when its evidence is gone: then it is asked for again."""
        with self.run.ledger.session() as session:
            capture = session.get_one(Capture, capture_id)
            holder = session.get(Capture, capture.revisit_of_id) if capture.revisit_of_id else capture
        try:
            exchange = self.run.ledger.store.exchange(str(holder.warc_sha256 if holder else ""))
        except VigieError as error:
            log.warning("asked for again: %s", error)
            return None
        request.meta.update(capture_id=capture_id, outcome=capture.outcome, exchange=exchange)
        return _response_of(request, exchange)

    async def process_response(self, request: Request, response: Response) -> Response:
        """Keep the answer before anything decodes, follows or reads it."""
        if "cached" in response.flags:
            return response
        named = self.run.pace.key_header(request.url)
        exchange = exchange_of(request, response, named[0] if named else "")
        outcome, reason = classify(exchange)
        try:
            unchanged = self._keep(request, exchange, outcome, reason)
        except StoreFull as error:
            self.run.failures.append(str(error))
            close_soon(self.crawler, "disk_full")
            raise IgnoreRequest("the disk is full") from error
        if unchanged:
            self.run.book().release(request.meta["address"])
            raise Unchanged("the page is what it was")
        if ROBOTS_META not in request.meta:
            await self._go_on()
        return response

    async def _go_on(self) -> None:
        """Let the next request leave, when its host's pause is over, before this answer is read: the answer is kept,
        and reading it takes as long as many a server takes to answer.
        """
        engine: Any = self.crawler.engine
        if engine is None or engine._slot is None or self.run.stopped:
            return
        engine._slot.nextcall.schedule()
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def _keep(self, request: Request, exchange: Exchange, outcome: Outcome, reason: str) -> bool:
        """One transaction: the capture, the address, the host. True when there is nothing to read in it."""
        run = self.run
        with run.ledger.session() as session:
            address = request.meta.get("address")
            row = run.book().row(session, address) if address else None
            known = session.get(Capture, row.good_capture_id) if row and row.good_capture_id else None
            if exchange.status == 304 and known is not None:
                outcome = Outcome.PAGE
                capture = record_not_modified(session, run.crawl_id, exchange, known)
            else:
                capture = record_capture(
                    session, run.ledger.store, run.crawl_id, exchange, outcome, reason, known=known
                )
            request.meta.update(capture_id=capture.id, outcome=str(outcome), exchange=exchange)
            self._answered(request, exchange, outcome)
            unchanged = row is not None and outcome is Outcome.PAGE and self._is_unchanged(row, capture, exchange)
            if row is not None and outcome is Outcome.PAGE:
                row.etag = exchange.header("etag") or (row.etag if exchange.status == 304 else "")
                row.last_modified = exchange.header("last-modified")[:60] or (
                    row.last_modified if exchange.status == 304 else ""
                )
                row.body_sha256 = exchange.body_sha256 if exchange.status != 304 else row.body_sha256
            if row is not None and unchanged:
                self.settler.unchanged(session, row)
            elif row is not None:
                run.book().fetched(row, capture.id)
            run.pace.save(session, host_of(request.url))
        return unchanged

    def _is_unchanged(self, row: Address, capture: Capture, exchange: Exchange) -> bool:
        """True when reading it again would say what is known already."""
        book = self.run.book()
        if book.kind == "limited" or not row.good_capture_id or row.parser_version != book.parser_version:
            return False
        return capture.status == 304 or (row.state == "present" and row.body_sha256 == exchange.body_sha256)

    def _answered(self, request: Request, exchange: Exchange, outcome: Outcome) -> None:
        """Tell the host's policy, and end the run when the platform has said no."""
        host = host_of(request.url)
        seconds = time.monotonic() - request.meta.get("sent_at", time.monotonic())
        asked = retry_after(exchange.header("retry-after"), exchange.captured_at)
        no = self.run.pace.answered(host, str(outcome), seconds, asked)
        self._count(outcome, len(exchange.body))
        self._heard(host, no)

    def _heard(self, host: str, no: str) -> None:
        if not no:
            return
        log.warning("%s said no: %s", host, no)
        self.run.refusals.append((host, no))
        if host in self.run.stops_as_one:
            close_soon(self.crawler, "blocked")

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Record what got no answer, and what robots.txt forbade."""
        host = host_of(request.url)
        sent = request.meta.pop("sent_at", None)
        self.run.pace.handed.discard(host)
        if isinstance(exception, (Unchanged, Stopped)):
            self._leave(request)
            return
        if isinstance(exception, Resting):
            wait = self.run.pace.host(host).earliest(time.time())[0] - time.time()
            self.settler.postpone(request, min(max(wait, 1.0), 3e9))
            return
        if isinstance(exception, RefusedRequest):
            self.run.refused.append(str(exception))
            self.settler.failed(request, Outcome.FORBIDDEN_BY_ROBOTS, exception)
            return
        if isinstance(exception, ForbiddenByRobots):
            outcome, reason = Outcome.FORBIDDEN_BY_ROBOTS, str(exception)
        elif isinstance(exception, IgnoreRequest):
            self._leave(request)
            return
        else:
            outcome, reason = failure_of(exception)
        if sent is not None:
            self._heard(host, self.run.pace.answered(host, str(outcome), time.monotonic() - sent, 0.0))
        with self.run.ledger.session() as session:
            record_unanswered(session, self.run.crawl_id, request.url, request.method, outcome, reason[:300])
            if sent is not None:
                self.run.pace.save(session, host)
        self._count(outcome, 0)
        self.settler.failed(request, outcome, exception)

    def _leave(self, request: Request) -> None:
        """The address stays as it is in the ledger."""
        if self.run.frontier is not None and "address" in request.meta:
            self.run.frontier.release(request.meta["address"])

    def _count(self, outcome: Outcome, size: int) -> None:
        self.run.counts[str(outcome)] += 1
        self.run.counts["bytes"] += size


def failure_of(exception: BaseException) -> tuple[Outcome, str]:
    """The outcome of a request that got no answer: a certificate that proves nothing is told from a mere silence."""
    for one in _causes(exception):
        if isinstance(one, (VerificationError, ssl.CertificateError)):
            return Outcome.BAD_CERTIFICATE, "its certificate is of another host"
        if isinstance(one, SSL.Error) and "certificate" in str(one):
            return Outcome.BAD_CERTIFICATE, f"its certificate does not hold: {one}"
    return Outcome.NO_ANSWER, f"{type(exception).__name__}: {exception}"


def _causes(exception: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """The exception and what lies behind it: Scrapy wraps Twisted's, which wraps OpenSSL's."""
    yield exception
    if depth > 5:
        return
    behind = [getattr(one, "value", one) for one in getattr(exception, "reasons", None) or ()]
    behind += [exception.__cause__, exception.__context__]
    for one in behind:
        if isinstance(one, BaseException):
            yield from _causes(one, depth + 1)
