"""Say what an answer is before anybody reads it: a page, a wall, an error. A wall is recorded, never evaded."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Any

from bs4 import BeautifulSoup

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
SHORT = 1500  # characters of visible text under which a page is little more than its wall
_TAG = re.compile(r"<(script|style|noscript|template)\b.*?</\1\s*>|<[^>]{0,2000}>", re.IGNORECASE | re.DOTALL)
# What only a challenge page holds: the scripts of Cloudflare and DataDome stand on ordinary pages too.
_CHALLENGE = re.compile(
    r"cf-chl-|cf_chl_opt|challenge-platform/[^\"' ]{0,80}orchestrate|checking your browser|just a moment\.\.\."
    r"|attention required! \| cloudflare|captcha-delivery\.com|px-captcha|you are in a queue"
    r"|file d['’]attente virtuelle|access denied|unusual traffic|vérifiez que vous n['’]êtes pas un robot",
    re.IGNORECASE,
)
_RETRY = re.compile(r"^\s*(retry later|too many requests|rate limit exceeded|accès refusé)\.?\s*$", re.IGNORECASE)
_LOGIN = re.compile(r"<input[^>]{0,300}type\s*=\s*[\"']?password", re.IGNORECASE)
_LOGIN_WORDS = re.compile(
    r"identifiez-vous|connectez-vous|se connecter|connexion requise|sign in|log in", re.IGNORECASE
)
_CONSENT = re.compile(
    r"didomi|tarteaucitron|onetrust|axeptio|consentement|vos choix en matière de cookies|gestion des cookies",
    re.IGNORECASE,
)
_CONSENT_WORDS = re.compile(
    r"avant de (continuer|poursuivre)|accepter (et continuer|tout)|continuer sans accepter|paramétrer (mes|les) choix",
    re.IGNORECASE,
)


_NOTICE = re.compile(r"didomi|tarteaucitron|onetrust|axeptio|cookie|consent|rgpd|gdpr", re.IGNORECASE)
LITTLE = 150  # characters beside a consent notice under which it is a wall and not a banner


def _beside_notice(text: str) -> str:
    """What a person would read beside a consent notice."""
    tree = BeautifulSoup(text, "lxml")
    for node in tree.find_all(["head", "script", "style", "noscript", "template", "div", "section", "aside", "dialog"]):
        noticed = _NOTICE.search(f"{node.get('id') or ''} {node.get('class') or ''}") if not node.decomposed else None
        if noticed or node.name in ("head", "script", "style", "noscript", "template"):
            node.decompose()
    return " ".join(tree.get_text(" ").split())


def _visible(text: str) -> str:
    """Roughly what a person would read, for its length and its words."""
    return " ".join(_TAG.sub(" ", text).split())


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
    return None


def _wall(text: str) -> tuple[Outcome, str] | None:
    """The wall a 200 answer may be, when there is little else on it."""
    visible = _visible(text)
    if _RETRY.match(visible):
        return Outcome.BLOCKED, f"« {visible[:60]} » instead of a page"
    if len(visible) > SHORT:
        return None
    challenge = _CHALLENGE.search(text)
    if challenge:
        return Outcome.BLOCKED, f"challenge page ({challenge.group(0)[:40]})"
    if _LOGIN.search(text) and _LOGIN_WORDS.search(visible):
        return Outcome.LOGIN, "asks for an account"
    if _CONSENT.search(text) and _CONSENT_WORDS.search(visible):
        beside = _beside_notice(text)
        if len(beside) < LITTLE or _CONSENT_WORDS.search(beside):
            return Outcome.CONSENT, "asks for consent before showing anything"
    return None


def _json_wall(text: str) -> tuple[Outcome, str] | None:
    """What a short JSON answer of 200 says instead of data: an error object, or the address of a challenge."""
    if len(text) > 20_000:
        return None
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    if "captcha-delivery.com" in str(value.get("url", "")):
        return Outcome.BLOCKED, "challenge page (captcha-delivery.com)"
    error = value.get("error") or value.get("errors")
    if not error or any(value.get(key) for key in ("data", "items", "results", "healthcareProviders")):
        return None
    named = _status_named(value) or _status_named(error)
    told = " ".join(str(error).split())[:120]
    verdict = _by_status(named) if named else None
    return verdict[0] if verdict else Outcome.SERVER_ERROR, f"a JSON error answered 200: {told}"


def _status_named(value: Any) -> int:
    """The HTTP error that an error object names; 0 when it names none."""
    for key in ("status", "code", "statusCode"):
        named = value.get(key) if isinstance(value, dict) else None
        if isinstance(named, int) and 400 <= named < 600:
            return named
    return 0


def classify(exchange: Exchange) -> tuple[Outcome, str]:
    """The outcome of one exchange and the reason in words. Never raises: what cannot be read is `unreadable`."""
    if exchange.url.split("?")[0].split("#")[0].endswith("/robots.txt"):
        return Outcome.ROBOTS, f"robots.txt ({exchange.status})"
    decided = _by_status(exchange.status)
    try:
        text = exchange.text
    except (DamagedCapture, TooLarge) as error:
        return decided or (Outcome.UNREADABLE, str(error))
    if decided:
        if decided[0] is Outcome.SERVER_ERROR and _CHALLENGE.search(text[:200_000]):
            return Outcome.BLOCKED, f"challenge page ({exchange.status})"
        return decided
    if not text.strip("\ufeff \t\r\n"):
        return Outcome.UNREADABLE, "empty answer"
    kind = exchange.content_type
    if (kind and not any(mark in kind for mark in TEXTUAL)) or "\0" in text[:4096]:
        return Outcome.UNREADABLE, f"not text ({kind or 'unknown type'})"
    if "json" in kind:
        return _json_wall(text) or (Outcome.PAGE, "")
    return _wall(text) or (Outcome.PAGE, "")
