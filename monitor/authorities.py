"""Ask a timestamp authority over HTTP, within a bounded time. It judges no token: `ledger.sealing.tokens` does."""

from __future__ import annotations

import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ledger.sealing.tokens import LARGEST_ANSWER, Authority, Fault, StampFault, Transport
from monitor.settings import BadSettings, Settings

_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An authority that answers from elsewhere is another authority."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing: the status becomes an `HTTPError`."""


_opener = urllib.request.build_opener(_NoRedirect)


def over_http(seconds: float) -> Transport:
    """A transport that gives up after so many seconds in all, however slowly the authority drips its answer."""

    def ask(authority: Authority, request: bytes) -> bytes:
        answers: queue.SimpleQueue[bytes | StampFault] = queue.SimpleQueue()
        work = threading.Thread(target=_post, args=(authority.url, request, seconds, answers.put), daemon=True)
        work.start()
        try:
            answer = answers.get(timeout=seconds)
        except queue.Empty:
            raise StampFault(Fault.TIMEOUT, f"no answer within {seconds:g} seconds") from None
        if isinstance(answer, StampFault):
            raise answer
        return answer

    return ask


def _post(url: str, request: bytes, seconds: float, tell: Callable[[bytes | StampFault], None]) -> None:
    """One POST; its answer, or what went wrong, is told to the thread that waits."""
    try:
        question = urllib.request.Request(url, data=request, headers=_HEADERS, method="POST")
        with _opener.open(question, timeout=seconds) as answer:
            body: bytes = answer.read(LARGEST_ANSWER + 1)
    except urllib.error.HTTPError as error:
        tell(StampFault(Fault.HTTP_ERROR, f"HTTP status {error.code}"))
    except TimeoutError:
        tell(StampFault(Fault.TIMEOUT, f"no answer within {seconds:g} seconds"))
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        slow = isinstance(reason, TimeoutError)
        tell(StampFault(Fault.TIMEOUT if slow else Fault.UNREACHABLE, " ".join(str(reason).split())[:200]))
    else:
        tell(body)


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
