"""What crossed the network during a visit, from the browser's own events, as exchanges for a WARC file.

What the browser does not give, and what therefore is not in the file: the bodies of redirects, bodies still packed
(Vigie asks for them unpacked; a server that packs all the same is unpacked by the browser), trailers, HTTP/2 frames,
the TLS records, the handshake of web sockets, and what a process of the browser itself asked for.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from crawler.browser.devtools import CallFailed, CallSlow, Devtools
from crawler.browser.outcomes import CleanOutcome
from crawler.guard import HostRefused, host_port, is_public
from ledger.warc import Exchange, Headers

Params = dict[str, Any]
CHANGED = ("content-encoding", "content-length", "transfer-encoding")  # untrue of the body the browser gives
PRIVATE = "private address"
ORIGINAL = "X-Archive-Orig-"


@dataclass
class Hop:
    """One request of the browser and its answer, growing as events come."""

    url: str
    method: str
    at: float  # seconds since 1970
    session: str
    kind: str = ""
    frame: str = ""
    asked: Params = field(default_factory=dict)  # headers, before the network added its own
    posted: str = ""
    answer: Params | None = None  # Network.Response
    redirected: bool = False
    body: bytes | None = None
    done: bool = False
    failed: str = ""
    cached: bool = False


class Traffic:
    """Records a visit. `on_trouble` is called with what must end it: too much traffic."""

    def __init__(self, devtools: Devtools, allowed: frozenset[str], most_bytes: int) -> None:
        """Listen on `devtools`; machines of `allowed` ("host:port") may have private addresses."""
        self._devtools = devtools
        self._allowed = allowed
        self._most = most_bytes
        self.hops: dict[str, list[Hop]] = {}
        self._asked: dict[str, list[Params]] = {}
        self._answered: dict[str, list[Params]] = {}
        self.received = 0
        self.open: set[str] = set()
        self.private: list[str] = []
        self.sockets: list[str] = []
        self.on_trouble: Callable[[CleanOutcome, str], None] | None = None
        self.from_disk = 0
        self.undecoded = 0  # answers packed although none was asked for: the browser refuses them
        self.bodies_lost = 0
        devtools.handlers.append(self._event)

    def _event(self, method: str, params: Params, session: str) -> None:
        handler = getattr(self, "_on_" + method.removeprefix("Network."), None) if "Network." in method else None
        if handler is not None:
            handler(params, session)

    def _on_requestWillBeSent(self, params: Params, session: str) -> None:  # noqa: N802
        number, request = params["requestId"], params["request"]
        if not request["url"].startswith(("http:", "https:")):
            return
        hops = self.hops.setdefault(number, [])
        if hops and params.get("redirectResponse"):
            hops[-1].answer, hops[-1].redirected, hops[-1].done = params["redirectResponse"], True, True
            self._check(hops[-1])
        kind, frame = str(params.get("type", "")), str(params.get("frameId", ""))
        hops.append(Hop(request["url"], request["method"], float(params.get("wallTime", 0)), session, kind, frame))
        hops[-1].asked, hops[-1].posted = request.get("headers", {}), request.get("postData", "")
        self.open.add(number)

    def _on_requestWillBeSentExtraInfo(self, params: Params, _session: str) -> None:  # noqa: N802
        self._asked.setdefault(params["requestId"], []).append(params)

    def _on_responseReceivedExtraInfo(self, params: Params, _session: str) -> None:  # noqa: N802
        self._answered.setdefault(params["requestId"], []).append(params)

    def _on_responseReceived(self, params: Params, _session: str) -> None:  # noqa: N802
        hop = self._last(params)
        if hop is not None:
            hop.answer = params["response"]
            from_disk = bool(hop.answer.get("fromDiskCache") or hop.answer.get("fromPrefetchCache"))
            hop.cached, self.from_disk = from_disk, self.from_disk + from_disk
            self._check(hop)

    def _on_requestServedFromCache(self, params: Params, _session: str) -> None:  # noqa: N802
        hop = self._last(params)
        if hop is not None:
            hop.cached = True

    def _on_dataReceived(self, params: Params, _session: str) -> None:  # noqa: N802
        self.received += int(params.get("dataLength", 0))
        if self.received > self._most and self.on_trouble is not None:
            self.on_trouble(CleanOutcome.TOO_LARGE, f"more than {self._most} bytes came")

    def _on_loadingFinished(self, params: Params, _session: str) -> None:  # noqa: N802
        hop = self._last(params)
        self.open.discard(params["requestId"])
        if hop is not None:
            hop.done = True

    def _on_loadingFailed(self, params: Params, _session: str) -> None:  # noqa: N802
        hop = self._last(params)
        self.open.discard(params["requestId"])
        if hop is not None:
            hop.failed = str(params.get("errorText") or params.get("blockedReason") or "failed")
            self.undecoded += "CONTENT_DECODING" in hop.failed

    def _on_webSocketCreated(self, params: Params, _session: str) -> None:  # noqa: N802
        self.sockets.append(str(params.get("url", ""))[:300])

    def _last(self, params: Params) -> Hop | None:
        hops = self.hops.get(params["requestId"])
        return hops[-1] if hops else None

    def _check(self, hop: Hop) -> None:
        """An answer from a private machine is no evidence of a public page: it is dropped, and told."""
        address = _address(hop)
        answer = hop.answer or {}
        if not address or is_public(address) or _place(hop.url) in self._allowed:
            return
        self.private.append(f"{hop.url[:200]} ({address})")
        hop.failed = PRIVATE
        hop.answer = {**answer, "status": 0}

    async def read_bodies(self, seconds: float) -> None:
        """Ask the browser for the body of every answer that has come whole. Bodies it no longer has are counted."""
        for number, hops in list(self.hops.items()):
            hop = hops[-1]
            if not hop.done or hop.redirected or hop.body is not None or hop.failed or hop.answer is None:
                continue
            try:
                given = await self._devtools.call(
                    "Network.getResponseBody", {"requestId": number}, hop.session, seconds
                )
            except (CallFailed, CallSlow):
                self.bodies_lost += 1
                hop.failed = "body not given"
                continue
            text = given.get("body", "")
            hop.body = base64.b64decode(text) if given.get("base64Encoded") else text.encode("utf-8", "surrogatepass")

    def exchanges(self) -> list[Exchange]:
        """Every answer with its request, in the order they were asked."""
        found: list[tuple[float, Exchange]] = []
        for number, hops in self.hops.items():
            for index, hop in enumerate(hops):
                if hop.answer is None or not hop.answer.get("status") or (hop.cached and hop.body is None):
                    continue
                found.append((hop.at, self._exchange(hop, number, index)))
        return [exchange for _, exchange in sorted(found, key=lambda one: one[0])]

    def document(self, frame: str) -> Exchange | None:
        """The last answer that became the page of the frame, redirects left out."""
        hops = self.documents(frame)
        last = next((one for one in reversed(hops) if one[0].answer and not one[0].redirected), None)
        if last is None or not (last[0].answer or {}).get("status"):
            return None
        return self._exchange(*last)

    def is_private(self, frame: str) -> bool:
        """True when the page of the frame came from a machine that is not public."""
        hops = self.documents(frame)
        return bool(hops) and hops[-1][0].failed == PRIVATE

    def documents(self, frame: str) -> list[tuple[Hop, str, int]]:
        """The requests for pages of the frame, redirects included, in order."""
        found = [
            (hop, number, index)
            for number, hops in self.hops.items()
            for index, hop in enumerate(hops)
            if hop.kind == "Document" and hop.frame == frame
        ]
        return sorted(found, key=lambda one: one[0].at)

    def _exchange(self, hop: Hop, number: str, index: int) -> Exchange:
        answer = hop.answer or {}
        asked = self._nth(self._asked, number, index)
        told = self._nth(self._answered, number, index)
        reason, headers = _raw_head(told) or (str(answer.get("statusText", "")), _pairs(answer.get("headers", {})))
        body = hop.body or b""
        return Exchange(
            url=hop.url.split("#")[0],
            method=hop.method,
            request_headers=_pairs(asked.get("headers") or hop.asked),
            request_body=hop.posted.encode("utf-8", "surrogatepass"),
            status=int(answer.get("status", 0)),
            reason=reason,
            response_headers=_true_of(headers, body),
            body=body,
            captured_at=datetime.fromtimestamp(hop.at, UTC),
            ip_address=_address(hop),
        )

    @staticmethod
    def _nth(known: dict[str, list[Params]], number: str, index: int) -> Params:
        found = known.get(number, [])
        return found[index] if index < len(found) else {}


def _address(hop: Hop) -> str:
    return str((hop.answer or {}).get("remoteIPAddress", "")).strip("[]")


def _place(url: str) -> str:
    try:
        return host_port(url)
    except HostRefused:
        return ""


def _pairs(headers: Params) -> Headers:
    """Headers as pairs; the browser joins repeated ones with line feeds."""
    return tuple((name, value) for name, values in headers.items() for value in str(values).split("\n"))


def _raw_head(told: Params) -> tuple[str, Headers] | None:
    """Reason phrase and headers as sent, case and order kept: the browser tells them of HTTP/1 answers alone."""
    text = str(told.get("headersText", ""))
    if not text.startswith("HTTP/1"):
        return None
    first, *lines = text.replace("\r\n", "\n").split("\n")
    reason = first.split(" ", 2)[2] if first.count(" ") >= 2 else ""
    pairs = (line.partition(":") for line in lines if ":" in line)
    return reason, tuple((name.strip(), value.strip()) for name, _, value in pairs)


def _true_of(headers: Headers, body: bytes) -> Headers:
    """The headers, those that are untrue of the body as the browser gives it under another name."""
    kept = tuple((f"{ORIGINAL}{name}" if name.lower() in CHANGED else name, value) for name, value in headers)
    return (*kept, ("Content-Length", str(len(body))))
