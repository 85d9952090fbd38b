"""Say what an answer is before anybody reads it: a page, a wall, an error. A wall is recorded, never evaded."""

from __future__ import annotations

from enum import StrEnum

from crawler.walls import challenge, header_wall, html_wall, json_wall
from ledger.errors import DamagedCapture, TooLarge
from ledger.warc import Exchange


class Outcome(StrEnum):
    """What came of one request. Only `page` is ever read as a listing."""

    PAGE = "page"
    ROBOTS = "robots"
    REDIRECT = "redirect"
    BLOCKED = "blocked"
    LOGIN = "login"
    CONSENT = "consent"
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    FORBIDDEN_BY_ROBOTS = "forbidden_by_robots"
    NO_ANSWER = "no_answer"
    BAD_CERTIFICATE = "bad_certificate"
    UNREADABLE = "unreadable"


TEXTUAL = (
    "text/",
    "application/json",
    "application/xml",
    "application/xhtml+xml",
    "application/ld+json",
    "+json",
    "+xml",
)
_PAGES = (200, 203, 206)  # the platforms answer searches with 206 as well


def _by_status(status: int) -> tuple[Outcome, str] | None:
    if 300 <= status < 400:
        return Outcome.REDIRECT, f"redirect ({status})"
    if status in (404, 410):
        return Outcome.NOT_FOUND, f"not there ({status})"
    if status == 429:
        return Outcome.RATE_LIMITED, "asked to slow down (429)"
    if status == 401:
        return Outcome.LOGIN, "asks for an account (401)"
    if status in (403, 405, 407, 451):
        return Outcome.BLOCKED, f"refused ({status})"
    if status >= 500:
        return Outcome.SERVER_ERROR, f"server error ({status})"
    if status >= 400:
        return Outcome.UNREADABLE, f"refused the request ({status})"
    return None if status in _PAGES else (Outcome.UNREADABLE, f"answered without a page ({status})")


def _json(text: str) -> tuple[Outcome, str] | None:
    """What a JSON answer says instead of data."""
    found, status = json_wall(text)
    if found is None:
        return None
    verdict = _by_status(status) if status else None
    return verdict or (Outcome(found[0] or Outcome.SERVER_ERROR), found[1])


def classify(exchange: Exchange) -> tuple[Outcome, str]:
    """The outcome of one exchange and the reason in words. Never raises: what cannot be read is `unreadable`."""
    if exchange.url.split("?")[0].split("#")[0].endswith("/robots.txt"):
        return Outcome.ROBOTS, f"robots.txt ({exchange.status})"
    decided = _by_status(exchange.status)
    if wall := header_wall(exchange):
        return Outcome(wall[0]), wall[1]
    try:
        text = exchange.text
    except (DamagedCapture, TooLarge) as error:
        return decided or (Outcome.UNREADABLE, str(error))
    if decided:
        if decided[0] in (Outcome.SERVER_ERROR, Outcome.UNREADABLE) and (wall := challenge(text)):
            return Outcome(wall[0]), f"{wall[1]} ({exchange.status})"
        return decided
    if not text.strip("\ufeff \t\r\n"):
        return Outcome.UNREADABLE, "empty answer"
    kind = exchange.content_type
    if (kind and not any(mark in kind for mark in TEXTUAL)) or "\0" in text[:4096]:
        return Outcome.UNREADABLE, f"not text ({kind or 'unknown type'})"
    if "json" in kind:
        return _json(text) or (Outcome.PAGE, "")
    wall = html_wall(text)
    return (Outcome(wall[0]), wall[1]) if wall else (Outcome.PAGE, "")
