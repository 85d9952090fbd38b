"""Carry out one clean capture, whatever the page does: `take` always comes back, in bounded time, with what there is.

A page that hangs, crashes, opens dialogs, downloads, is a wall or leads elsewhere is an outcome, never an exception.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

from crawler.browser.asking import ask, named
from crawler.browser.certificates import as_piece
from crawler.browser.chromium import Chromium, ChromiumMissing, find_chromium
from crawler.browser.devtools import CallFailed, CallSlow, Devtools
from crawler.browser.gate import Gate
from crawler.browser.order import Order
from crawler.browser.outcomes import CleanOutcome, VisitEnded
from crawler.browser.page import Page
from crawler.browser.rules import RobotsBook
from crawler.browser.seen import Seen
from crawler.browser.traffic import Traffic
from crawler.browser.twenty import read_address, twenty
from crawler.browser.warcfile import traffic_piece
from crawler.outcomes import Outcome, classify
from crawler.politeness import retry_after
from crawler.settings import SOFTWARE, user_agent
from ledger.clean_facts import Piece, Taken
from ledger.warc import Exchange

T = TypeVar("T")
MAX_PAUSE = 600.0  # seconds: the longest Crawl-delay that is waited out, as in crawls


def take(order: Order, book: RobotsBook | None = None, program: Path | None = None) -> Taken:
    """Visit the page. Raises `ChromiumMissing` when there is no browser, and nothing else for whatever happens online.

    `book` keeps the robots.txt of a run; `program` is the browser to use, else the installed one.
    """
    found = program or find_chromium()
    if found is None:
        raise ChromiumMissing("no Chromium is installed: `make setup` says how to get one")
    return _run(_take(order, book or RobotsBook(), found))


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, also where an event loop runs in this thread already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _take(order: Order, book: RobotsBook, program: Path) -> Taken:
    seen = Seen(started_at=datetime.now(UTC), typed=order.url)
    visit = _Visit(order, book, program, seen)
    try:
        await visit.ask_leave()
        outcome, reason = await asyncio.wait_for(visit.run(), order.limits.total_seconds)
    except VisitEnded as error:
        outcome, reason = error.outcome, str(error)
    except TimeoutError:
        outcome, reason = CleanOutcome.TIMED_OUT, f"not done within {order.limits.total_seconds:g} s"
    finally:
        await visit.end()
    ended = datetime.now(UTC)
    facts = await asyncio.to_thread(twenty, order, seen, ended, SOFTWARE)
    return Taken(
        url=order.url,
        final_url=seen.final_url,
        started_at=seen.started_at,
        ended_at=ended,
        outcome=str(outcome),
        reason=reason,
        status=seen.status,
        profile=seen.profile or visit.name,
        browser=str(seen.version.get("product", "")),
        software=SOFTWARE,
        facts=facts,
        lacks=_lacks(order, seen, outcome, reason),
        pieces=tuple(seen.pieces),
        requests=seen.requests,
        rest_asked=seen.rest_asked,
        visible_text=seen.visible_text,
        hidden_text=seen.hidden_text,
    )


_PIECES = {
    "image": "l’image de la page entière manque",
    "pdf": "le PDF de la page manque",
    "dom": "le document (DOM) manque",
    "text": "le texte visible manque",
    "traffic": "les échanges réseau (WARC) manquent",
}


def _lacks(order: Order, seen: Seen, outcome: CleanOutcome, reason: str) -> tuple[str, ...]:
    """The gaps beside the facts, in French."""
    lacks = [f"la page n’a pas été obtenue ({outcome} : {reason})"] if outcome is not CleanOutcome.PAGE else []
    kinds = {piece.kind for piece in seen.pieces}
    lacks += [words for kind, words in _PIECES.items() if kind not in kinds]
    if "certificates" not in kinds:
        secure = order.url.startswith("https:")
        lacks.append(
            "la chaîne de certificats TLS manque"
            if secure
            else "la page est servie sans TLS : aucun certificat n’identifie le serveur"
        )
    return (*lacks, *seen.lacks)


class _Visit:
    """One visit: its browser, and the steps in order."""

    def __init__(self, order: Order, book: RobotsBook, program: Path, seen: Seen) -> None:
        self.order, self.book, self.seen = order, book, seen
        self.limits = order.limits
        self.allowed = frozenset(one.lower() for one in order.allow_hosts)
        self.program = program
        self.browser: Chromium | None = None
        self.devtools: Devtools | None = None
        self.gate: Gate | None = None
        self.page: Page | None = None
        self.traffic: Traffic | None = None
        self.robots: tuple[Exchange, ...] = ()
        self.address = ""  # the one robots.txt came from, and the page will
        self.agent = user_agent(order.contact)
        self.name = "0" * 32

    async def ask_leave(self) -> None:
        """See that the page may be asked for, and wait as long as its site wishes. Raises `VisitEnded`."""
        known = len(self.book.known)
        rules = await self.book.check(self.order.url, self.allowed, self.agent)
        self.seen.host = await named(self.order.url, self.allowed)
        self.robots = rules.exchanges
        self.address = rules.address or self.seen.host.addresses[0]
        await self._public_address()
        if self._paced() and len(self.book.known) > known:  # robots.txt was asked for just now
            await asyncio.sleep(max(self.order.pause_seconds, min(rules.robots.crawl_delay, MAX_PAUSE)))

    async def run(self) -> tuple[CleanOutcome, str]:
        """All other steps. Raises `VisitEnded`; what was seen before stays seen."""
        await self._start(self.address)
        return await self._visit()

    def _paced(self) -> bool:
        """Machines the operator named are his own to hurry."""
        parts = urlsplit(self.order.url)
        return self.order.pause_seconds > 0 or parts.netloc.lower() not in self.allowed

    async def _public_address(self) -> None:
        if self.order.address_service:
            with suppress(VisitEnded):
                exchange, _ = await ask(self.order.address_service, self.allowed, self.agent)
                address = read_address(exchange.body[:100].decode("ascii", "replace"))
                self.seen.public_address = (address, self.order.address_service) if address else None

    async def _start(self, address: str) -> None:
        """A browser in a new profile, its emptiness looked at before the page is asked for."""
        host, flags = self.seen.host, list(self.order.extra_flags)
        if host is not None and not host.literal:
            flags.append(f"--host-resolver-rules=MAP {host.host} {f'[{address}]' if ':' in address else address}")
        self.browser = browser = Chromium(self.program, flags)
        self.seen.profile, self.seen.before = browser.name, browser.before
        await browser.start()
        if browser.reader is None:
            raise ChromiumMissing(f"{self.program} has no pipe")
        self.devtools = devtools = Devtools(browser.reader, browser.writer, browser.alive)
        seconds = self.limits.start_seconds
        try:
            self.seen.version = await devtools.call("Browser.getVersion", seconds=seconds)
            line = await devtools.call("Browser.getBrowserCommandLine", seconds=seconds)
            self.seen.command_line = " ".join(line["arguments"])
            self.seen.cookies = len((await devtools.call("Storage.getCookies"))["cookies"])
            targets = (await devtools.call("Target.getTargets"))["targetInfos"]
        except (CallFailed, CallSlow, VisitEnded) as error:
            raise ChromiumMissing(f"{self.program} does not start as it should: {error}") from error
        self.seen.targets = [str(one["url"]) for one in targets]
        self.seen.cache_entries = _cache_entries(browser.profile)
        self.seen.history = _history(browser.profile)

    async def _visit(self) -> tuple[CleanOutcome, str]:
        devtools = self.devtools
        if devtools is None:
            raise VisitEnded(CleanOutcome.CRASHED, "the browser ended")
        agent = f"{self.seen.version['userAgent']} {self.agent}"
        self.traffic = traffic = Traffic(devtools, self.allowed, self.limits.traffic_bytes)
        self.gate = gate = Gate(devtools, self.allowed, self.book, self.agent, self.limits.requests)
        self.page = page = Page(devtools, self.limits)
        traffic.on_trouble = page.end
        try:
            await page.open(agent)
            gate.frame = page.frame
            await devtools.call("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})
            loaded = await self._open(page, traffic)
            if traffic.undecoded:  # a server that packs whatever is asked: let it, once
                await page.accept_packed()
                traffic.undecoded = 0
                self.seen.lacks.append(
                    "page rechargée en acceptant des corps compressés : le serveur n’en envoie pas d’autres"
                )
                loaded = await self._open(page, traffic)
            if not loaded:
                self.seen.lacks.append(f"la page n’avait pas fini de se charger après {self.limits.load_seconds:g} s")
            await self._capture()
        except CallSlow as slow:
            raise VisitEnded(CleanOutcome.TIMED_OUT, str(slow)) from slow
        except CallFailed as failed:
            raise VisitEnded(CleanOutcome.CRASHED, str(failed)) from failed
        self._may_go_on("")
        return self._judge()

    async def _open(self, page: Page, traffic: Traffic) -> bool:
        """Go to the page and let it settle; True when it loaded in time, or must be asked for in another way."""
        error = await page.navigate(self.order.url)
        if error and traffic.undecoded:
            return False
        self._may_go_on(error)
        loaded = await page.settle(traffic)
        self._may_go_on("")
        return loaded

    def _may_go_on(self, error: str) -> None:
        """Raise `VisitEnded` for what the gate refused, and for what the browser could not open."""
        if self.gate is not None and self.gate.ended is not None:
            raise self.gate.ended
        if self.traffic is not None and self.page is not None and self.traffic.is_private(self.page.frame):
            raise VisitEnded(CleanOutcome.PRIVATE_ADDRESS, self.traffic.private[-1])
        if error and self._answer() is None:
            raise VisitEnded(_outcome_of(error), error)

    def _answer(self) -> Exchange | None:
        """The answer that became the page."""
        return self.traffic.document(self.page.frame) if self.traffic and self.page else None

    async def _capture(self) -> None:
        """Scroll, then document, text, image and PDF: a piece that cannot be had is left out, and missed later."""
        page, seen, traffic = self.page, self.seen, self.traffic
        if page is None or traffic is None:
            return
        await page.world()
        seen.scrolled = await page.scroll()
        await page.quiet(traffic)
        await traffic.read_bodies(self.limits.step_seconds)
        document = await page.document()
        seen.visible_text = await page.text()
        seen.hidden_text = _all_text(document)
        seen.pieces.append(_text_piece("dom", "document.html", "text/html; charset=utf-8", document))
        seen.pieces.append(_text_piece("text", "texte.txt", "text/plain; charset=utf-8", seen.visible_text))
        seen.final_url = str(await page.look("document.location.href"))
        images, whole = await page.images()
        seen.pieces = [*images, *seen.pieces]
        if not whole:
            seen.lacks.append(f"l’image s’arrête à {self.limits.page_height} pixels : la page est plus haute")
        moment = f"{seen.started_at:%Y-%m-%d %H:%M:%S} UTC"
        with suppress(CallFailed, CallSlow):
            pdf = await page.pdf(seen.final_url, moment)
            if len(pdf.data) <= self.limits.pdf_bytes:
                seen.pieces.append(pdf)
        await self._certificates()

    async def _certificates(self) -> None:
        """The chain of the site that sent the page, and the terms of the connection."""
        parts = urlsplit(self.seen.final_url)
        if parts.scheme != "https" or self.page is None:
            return
        with suppress(CallFailed, CallSlow):
            answer = await self.page.call("Network.getCertificate", origin=f"https://{parts.netloc}")
            self.seen.chain = list(answer.get("tableNames", []))
        if self.seen.chain:
            self.seen.pieces.append(as_piece(self.seen.chain))

    def _judge(self) -> tuple[CleanOutcome, str]:
        """What kind of page it was: by its answer as a crawl would say, then by what its scripts made of it."""
        answer = self._answer()
        if answer is None:
            return CleanOutcome.NO_ANSWER, "the page has no answer of its own"
        self.seen.status = answer.status
        self.seen.rest_asked = retry_after(answer.header("retry-after"), datetime.now(UTC))
        outcome, reason = classify(answer)
        document = next((piece.data for piece in self.seen.pieces if piece.kind == "dom"), b"")
        if outcome is Outcome.UNREADABLE and not answer.body and document:
            outcome, reason = classify(replace(answer, body=document))
        elif outcome is Outcome.PAGE and document:
            kind = (("Content-Type", "text/html; charset=utf-8"),)
            outcome, reason = classify(replace(answer, body=document, response_headers=kind))
        return CleanOutcome(str(outcome)), reason

    async def end(self) -> None:
        """Close everything, and write down what was seen until then."""
        seen = self.seen
        if self.traffic is not None and self.page is not None:
            if self.devtools is not None and not self.devtools.gone.done():
                with suppress(VisitEnded, TimeoutError):
                    await asyncio.wait_for(self.traffic.read_bodies(2.0), 5.0)
            self._tell(self.traffic, self.page)
        if self.gate is not None:
            seen.refused = list(self.gate.refused)
            await self.gate.close()
        if self.devtools is not None:
            await self.devtools.close()
        if self.browser is not None:
            seen.profile_removed = await self.browser.stop()

    def _tell(self, traffic: Traffic, page: Page) -> None:
        """The traffic as a file, and the facts that it holds."""
        seen = self.seen
        exchanges = [*self.robots, *traffic.exchanges()]
        product = str(seen.version.get("product", ""))
        seen.pieces.append(traffic_piece(exchanges, SOFTWARE, product))
        seen.requests = len(exchanges)
        seen.dialogs, seen.popups = page.dialogs, page.popups
        seen.from_cache = traffic.from_disk
        for hop, _, _ in traffic.documents(page.frame):
            answer = hop.answer or {}
            seen.visited.append(
                {"url": hop.url, "status": answer.get("status"), "address": answer.get("remoteIPAddress", "")}
            )
            seen.remote = str(answer.get("remoteIPAddress", "")).strip("[]") or seen.remote
            seen.security = dict(answer.get("securityDetails") or {})
        answer_of_page = self._answer()
        seen.status = answer_of_page.status if answer_of_page else seen.status
        told = (
            (len(traffic.private), "réponse(s) venue(s) d’une adresse non publique, écartée(s)"),
            (traffic.bodies_lost, "corps de réponse que le navigateur n’a pas donné(s)"),
            (len(self.gate.refused) if self.gate else 0, "requête(s) refusée(s) avant l’envoi"),
            (len(traffic.sockets), "connexion(s) WebSocket dont le contenu n’est pas conservé"),
            (page.dialogs, "boîte(s) de dialogue refermée(s)"),
            (page.popups, "fenêtre(s) ouverte(s) par la page, refermée(s) sans être lue(s)"),
        )
        seen.lacks += [f"{count} {words}" for count, words in told if count]


def _text_piece(kind: str, name: str, media_type: str, text: str) -> Piece:
    return Piece(kind, name, media_type, text.encode("utf-8", "replace"))


def _all_text(document: str) -> str:
    """All text of a document, shown or not, scripts and styles left out."""
    tree = BeautifulSoup(document, "lxml")
    for node in tree.find_all(["script", "style", "noscript", "template"]):
        node.decompose()
    return tree.get_text(" ")


def _outcome_of(error: str) -> CleanOutcome:
    """The outcome for an error of the browser (net::ERR_…)."""
    if "CERT" in error or "SSL" in error:
        return CleanOutcome.TLS_ERROR
    if "LOCAL_NETWORK" in error or "BLOCKED" in error:
        return CleanOutcome.PRIVATE_ADDRESS
    if "TIMED_OUT" in error:
        return CleanOutcome.TIMED_OUT
    return CleanOutcome.REDIRECT if "REDIRECT" in error else CleanOutcome.NO_ANSWER


def _cache_entries(profile: Path) -> int:
    """Answers in the profile's cache; its index and empty blocks are no answers."""
    files = profile.glob("*/Cache/Cache_Data/*")
    return sum(
        1
        for path in files
        if path.name.startswith("f_") or (path.name.endswith(("_0", "_1", "_s")) and not path.name.startswith("data_"))
    )


def _history(profile: Path) -> int | None:
    """Addresses in the profile's history; None when it cannot be read. A history not made yet is empty."""
    paths = list(profile.glob("*/History"))
    count = 0
    for path in paths:
        try:
            with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as base:
                tables = {row[0] for row in base.execute("SELECT name FROM sqlite_master")}
                count += int(base.execute("SELECT count(*) FROM urls").fetchone()[0]) if "urls" in tables else 0
        except sqlite3.Error:
            return None
    return count
