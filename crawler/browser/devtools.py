"""Speak the Chrome DevTools Protocol over Chromium's pipe: calls, answers, events. It knows no page.

Every call has its own deadline; when the browser dies, every waiting call fails at once.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from crawler.browser.outcomes import CleanOutcome, VisitEnded
from reference.errors import VigieError

Params = dict[str, Any]
Handler = Callable[[str, Params, str], None]  # method, parameters, session


class CallFailed(VigieError):
    """The browser answered a call with an error."""


class CallSlow(VigieError):
    """The browser did not answer a call in time."""


class Devtools:
    """One connection. Handlers are called in the order of the events, one at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: int, alive: Callable[[], bool]) -> None:
        """Speak on these pipes while the browser is `alive`; `writer` is a descriptor that does not block."""
        self._reader, self._writer, self._alive = reader, writer, alive
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Params]] = {}
        self._outbox = bytearray()
        self.handlers: list[Handler] = []
        self.gone = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    async def call(self, method: str, params: Params | None = None, session: str = "", seconds: float = 15.0) -> Params:
        """The result of one call. Raises `CallFailed`, `CallSlow`, or `VisitEnded` when the browser is gone."""
        answer = self._send(method, params or {}, session)
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError as error:
            raise CallSlow(f"{method}: no answer within {seconds:g} s") from error

    def tell(self, method: str, params: Params | None = None, session: str = "") -> None:
        """A call whose answer nobody waits for."""
        with suppress(VisitEnded):
            self._send(method, params or {}, session).add_done_callback(_look_away)

    def _send(self, method: str, params: Params, session: str) -> asyncio.Future[Params]:
        if self.gone.done():
            raise VisitEnded(CleanOutcome.CRASHED, "the browser ended")
        self._number += 1
        message: Params = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        answer: asyncio.Future[Params] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = answer
        self._outbox += json.dumps(message).encode() + b"\0"
        self._flush()
        return answer

    def _flush(self) -> None:
        """Write what the pipe takes; the rest when it takes more."""
        loop = asyncio.get_running_loop()
        while self._outbox:
            try:
                written = os.write(self._writer, self._outbox)
            except BlockingIOError:
                loop.add_writer(self._writer, self._flush)
                return
            except OSError:
                self._lost()
                return
            del self._outbox[:written]
        loop.remove_writer(self._writer)

    async def _watch(self) -> None:
        """A dead browser is noticed at once, though a helper of it may still hold the pipe open."""
        while self._alive():
            await asyncio.sleep(0.1)
        self._lost()

    async def _listen(self) -> None:
        while True:
            try:
                line = await self._reader.readuntil(b"\0")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
                self._lost()
                return
            message = json.loads(line[:-1])
            if "id" in message:
                self._answered(message)
                continue
            for handler in list(self.handlers):
                handler(message["method"], message.get("params", {}), message.get("sessionId", ""))

    def _answered(self, message: Params) -> None:
        waiting = self._waiting.pop(message["id"], None)
        if waiting is None or waiting.done():
            return
        if "error" in message:
            waiting.set_exception(CallFailed(str(message["error"].get("message", "error"))[:300]))
        else:
            waiting.set_result(message.get("result", {}))

    def _lost(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(VisitEnded(CleanOutcome.CRASHED, "the browser ended"))
        self._waiting.clear()

    async def close(self) -> None:
        """Stop listening. The pipes are the browser's to close."""
        with suppress(ValueError, OSError):
            asyncio.get_running_loop().remove_writer(self._writer)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._lost()


def _look_away(answer: asyncio.Future[Params]) -> None:
    """An answer nobody waits for may be an error; asking for it keeps the event loop from reporting it."""
    if not answer.cancelled():
        answer.exception()
