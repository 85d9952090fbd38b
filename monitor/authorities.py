"""Ask authorities and calendars over HTTP, within a bounded time. It judges no answer: `ledger.sealing` does."""

from __future__ import annotations

import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ledger.sealing.calendars import LARGEST_ANSWER as LARGEST_PROOF
from ledger.sealing.calendars import Calendar, Question, Reach
from ledger.sealing.tokens import LARGEST_ANSWER, Authority, Fault, StampFault, Transport
from monitor.settings import BadSettings, Settings

_OTS_HEADERS = {"Accept": "application/vnd.opentimestamps.v1", "Content-Type": "application/octet-stream"}
_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An authority that answers from elsewhere is another authority."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing: the status becomes an `HTTPError`."""


_opener = urllib.request.build_opener(_NoRedirect)


def over_http(seconds: float) -> Transport:
    """A transport that gives up after so many seconds in all, however slowly the authority drips its answer."""

    def ask(authority: Authority, request: bytes) -> bytes:
        question = urllib.request.Request(authority.url, data=request, headers=_HEADERS, method="POST")
        return bounded(question, seconds, LARGEST_ANSWER)

    return ask


def bounded(
    question: urllib.request.Request, seconds: float, largest: int, not_yet: frozenset[int] = frozenset()
) -> bytes:
    """The body of a good answer, of at most one byte more than `largest`. Raises `StampFault`.

    For a status among `not_yet` its fault says so.
    """
    reply = fetch(question, seconds, largest)
    if reply.status >= 300:
        fault = Fault.NOT_YET if reply.status in not_yet else Fault.HTTP_ERROR
        raise StampFault(fault, f"HTTP status {reply.status}")
    return reply.body


@dataclass(frozen=True)
class Reply:
    """An answer: its status, where it points (`Content-Location` or `Location`), and its body."""

    status: int
    location: str
    body: bytes


def fetch(question: urllib.request.Request, seconds: float, largest: int) -> Reply:
    """Ask within so many seconds in all, and follow no redirect. Raises `StampFault` when no answer comes."""
    answers: queue.SimpleQueue[Reply | StampFault] = queue.SimpleQueue()
    work = threading.Thread(target=_fetch, args=(question, seconds, largest, answers.put), daemon=True)
    work.start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise StampFault(Fault.TIMEOUT, f"no answer within {seconds:g} seconds") from None
    if isinstance(answer, StampFault):
        raise answer
    return answer


def _fetch(
    question: urllib.request.Request, seconds: float, largest: int, tell: Callable[[Reply | StampFault], None]
) -> None:
    """One request; its answer, or what went wrong, is told to the thread that waits."""
    try:
        try:
            answer = _opener.open(question, timeout=seconds)
        except urllib.error.HTTPError as error:
            answer = error  # an answer like another, with its status
        with answer:
            place = answer.headers.get("Content-Location") or answer.headers.get("Location") or ""
            tell(Reply(answer.status, str(place), answer.read(largest + 1)))
    except TimeoutError:
        tell(StampFault(Fault.TIMEOUT, f"no answer within {seconds:g} seconds"))
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        slow = isinstance(reason, TimeoutError)
        tell(StampFault(Fault.TIMEOUT if slow else Fault.UNREACHABLE, " ".join(str(reason).split())[:200]))


def calendars_of(settings: Settings) -> list[Calendar]:
    """The OpenTimestamps calendars of the configuration: none unless the operator names some."""
    return [Calendar(one.name, one.url) for one in settings.calendars]


def calendar_over_http(seconds: float) -> Reach:
    """How calendars are reached, in the same bounded time; « 404 » says that a promise is not kept yet."""

    def reach(calendar: Calendar, question: Question) -> bytes:
        path, posted = question
        address = f"{calendar.url.rstrip('/')}/{path}"
        asked = urllib.request.Request(address, data=posted, headers=_OTS_HEADERS, method="POST" if posted else "GET")
        return bounded(asked, seconds, LARGEST_PROOF, frozenset({404}) if posted is None else frozenset())

    return reach


def authorities_of(settings: Settings) -> list[Authority]:
    """The authorities of the configuration with their certificates read. Raises `BadSettings`, one line."""
    found = []
    for one in settings.authorities:
        try:
            certificates = Path(one.certificates).read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(f"authority {one.name}: {one.certificates}: cannot be read") from error
        tolerance = timedelta(seconds=settings.stamp_tolerance_seconds)
        authority = Authority(one.name, one.url, certificates, tolerance, one.qualified)
        authority.check()
        found.append(authority)
    return found
