"""Stand between the browser and the network: each request, a redirect's too, passes the guard or does not leave.

Every request of every frame, worker and window is paused by the browser until it is judged here. The host is resolved
and checked; Chromium's own check of local networks, made when it connects, closes the moment between (rebinding).
"""

from __future__ import annotations

import asyncio
from typing import Any

from crawler.browser.asking import named
from crawler.browser.devtools import Devtools
from crawler.browser.outcomes import CleanOutcome, VisitEnded
from crawler.browser.rules import RobotsBook
from crawler.guard import HostRefused, host_port

OWN = ("data", "blob", "about", "chrome", "chrome-untrusted", "devtools")


class Gate:
    """Judges the requests of one visit. `ended` is why the page itself may not be asked for, if so."""

    def __init__(self, devtools: Devtools, allowed: frozenset[str], book: RobotsBook, agent: str, most: int) -> None:
        """Judge what comes over `devtools`; at most `most` requests."""
        self._devtools, self._allowed, self._book, self._agent = devtools, allowed, book, agent
        self._most, self._count = most, 0
        self._judged: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.frame = ""  # the page's own frame
        self.refused: list[str] = []
        self.ended: VisitEnded | None = None
        devtools.handlers.append(self._event)

    def _event(self, method: str, params: dict[str, Any], session: str) -> None:
        if method == "Fetch.requestPaused":
            task = asyncio.get_running_loop().create_task(self._judge(params, session))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _judge(self, params: dict[str, Any], session: str) -> None:
        url = str(params["request"]["url"])
        of_page = params.get("resourceType") == "Document" and params.get("frameId") == self.frame
        try:
            await self._check(url, of_page)
        except VisitEnded as error:
            self.refused.append(f"{url[:200]} : {error}")
            if of_page and self.ended is None:
                self.ended = error
            told = {"requestId": params["requestId"], "errorReason": "BlockedByClient"}
            self._devtools.tell("Fetch.failRequest", told, session)
            return
        self._devtools.tell("Fetch.continueRequest", {"requestId": params["requestId"]}, session)

    async def _check(self, url: str, of_page: bool) -> None:
        scheme = url.partition(":")[0].lower()
        if scheme in OWN and not of_page:
            return
        self._count += 1
        if self._count > self._most:
            raise VisitEnded(CleanOutcome.TOO_LARGE, f"more than {self._most} requests")
        try:
            place = host_port(url)
        except HostRefused as error:
            raise VisitEnded(CleanOutcome.PRIVATE_ADDRESS, str(error)) from error
        if place not in self._judged:
            self._judged[place] = asyncio.get_running_loop().create_task(self._host(url))
        await asyncio.shield(self._judged[place])
        if of_page:
            await self._book.check(url, self._allowed, self._agent)

    async def _host(self, url: str) -> None:
        await named(url, self._allowed)

    async def close(self) -> None:
        """Judge nothing more."""
        tasks = [*self._tasks, *self._judged.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
