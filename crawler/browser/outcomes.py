"""What came of a clean capture: the crawl's outcomes, and what only a browser can meet."""

from __future__ import annotations

from enum import StrEnum

from reference.errors import VigieError


class CleanOutcome(StrEnum):
    """How a visit ended. Only `page` shows what a visitor of the listing reads."""

    PAGE = "page"
    REDIRECT = "redirect"
    BLOCKED = "blocked"
    LOGIN = "login"
    CONSENT = "consent"
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    FORBIDDEN_BY_ROBOTS = "forbidden_by_robots"
    NO_ANSWER = "no_answer"
    UNREADABLE = "unreadable"
    ROBOTS = "robots"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    DOWNLOAD = "download"
    PRIVATE_ADDRESS = "private_address"
    TOO_LARGE = "too_large"
    TLS_ERROR = "tls_error"
    DIALOGS = "dialogs"


class VisitEnded(VigieError):
    """The visit cannot go on: the outcome says why."""

    def __init__(self, outcome: CleanOutcome, reason: str) -> None:
        """End with that outcome and reason, one line."""
        super().__init__(" ".join(reason.split())[:300])
        self.outcome = outcome
