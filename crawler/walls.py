"""Tell a page that stands where a listing should: a block, a queue, a consent, a login, an error answered « 200 ».

What tells them is data (`reference/data/walls.yaml`). A page that shows much text of its own is never a wall: the
scripts of every guard stand on ordinary pages too. This module reads no listing and never raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from bs4 import BeautifulSoup

from crawler.reading.texts import fold
from ledger.exchange import Exchange
from reference import Wall, load_reference

Found = tuple[str, str]  # the outcome's name, and the reason in words
SHORT = 1500  # characters of visible text over which a page is a page
FEW = 600  # a wall that explains itself
HARDLY = 220  # a wall of one or two sentences
NOTHING = 60  # no more than a button
SMALL = 4000  # characters of source: no page is drawn by less
LITTLE = 150  # beside a consent notice: under it the notice is a wall and not a banner
_TAG = re.compile(r"<(script|style|noscript|template)\b.*?</\1\s*>|<[^>]{0,2000}>", re.IGNORECASE | re.DOTALL)
_NO_SCRIPT = re.compile(r"<noscript\b.*?</noscript\s*>", re.IGNORECASE | re.DOTALL)
_TITLES = re.compile(r"<(title|h1|h2)\b[^>]{0,300}>(.{0,300}?)</\1", re.IGNORECASE | re.DOTALL)
_ORCHESTRATED = re.compile(r"challenge-platform/[^\"' ]{0,80}orchestrate", re.IGNORECASE)
_BARE = re.compile(
    r"\s*(?:retry later|too many requests|rate limit(?: exceeded|ed)|acces refuse|error code: \d{3,4})\.?\s*"
)
_PASSWORD = re.compile(r"<input[^>]{0,300}type\s*=\s*[\"']?password", re.IGNORECASE)
_LOGIN_WORDS = re.compile(r"identifiez-vous|connectez-vous|se connecter|connexion requise|sign in|log in")
_LOGIN_FORM = re.compile(r"connexion|mot de passe|password|se souvenir de moi|pwd")
_GOES_ON = re.compile(
    r"http-equiv\s*=\s*[\"']?refresh[^>]{0,200}url\s*=\s*([^\"'>]{1,500})"
    r"|location(?:\.href\s*=|\.replace\(|\.assign\(|\s*=)\s*[\"']([^\"']{1,500})",
    re.IGNORECASE,
)
_LOGIN_PATH = re.compile(
    r"log-?in|connexion|sign-?in|/sso|sso\.|/auth|openid|sessions?/new|identification", re.IGNORECASE
)
_RAW = ("head", "script", "style", "noscript", "template")
_ERROR_KEYS = frozenset(
    (
        "message",
        "status",
        "statusCode",
        "code",
        "error",
        "errors",
        "path",
        "timestamp",
        "name",
        "detail",
        "title",
        "type",
    )
)


def visible(text: str) -> str:
    """Roughly what a person would read, for its length and its words."""
    return " ".join(_TAG.sub(" ", text).split())


@cache
def _walls(outcome: str = "") -> tuple[Wall, ...]:
    return tuple(wall for wall in load_reference().walls.values() if not outcome or wall.outcome == outcome)


@cache
def _any_of(name: str, outcome: str = "") -> re.Pattern[str]:
    """Whether any entry may match: one look for all of them."""
    listed = {fold(text) for wall in _walls(outcome) for text in getattr(wall, name)}
    return re.compile("|".join(re.escape(text) for text in sorted(listed, key=len, reverse=True)) or r"(?!)")


def _told(name: str, sought: str, *, but: str = "") -> Found | None:
    """The first entry of which a text of the list `name` stands in what is sought."""
    if not _any_of(name).search(sought):
        return None
    for wall in _walls():
        if wall.outcome != but:
            for text in getattr(wall, name):
                if fold(text) in sought:
                    return wall.outcome, f"{wall.label}: « {text} »"
    return None


def header_wall(exchange: Exchange) -> Found | None:
    """The wall that an answer's own headers announce."""
    for outcome, label, line, name, value in _header_lines():
        if exchange.header(name).strip().lower() == value:
            return outcome, f"{label}: « {line} »"
    return None


@cache
def _header_lines() -> tuple[tuple[str, str, str, str, str], ...]:
    """Outcome and label of each wall that headers announce, the line, its name and its value."""
    return tuple(
        (wall.outcome, wall.label, line, *line.partition(": ")[::2]) for wall in _walls() for line in wall.headers
    )


def challenge(text: str) -> Found | None:
    """The challenge of a guard in an answer that is an error by its status."""
    found = _told("marks", fold(text[:200_000]), but="consent") or _titled(text)
    return found if found and found[0] == "blocked" else None


def html_wall(text: str) -> Found | None:
    """The wall that an HTML or plain answer is, or None for a page."""
    shown = visible(text)
    if len(shown) > SHORT:
        return None
    said = fold(shown)
    if _BARE.fullmatch(said):
        return "blocked", f"« {shown[:60]} » instead of a page"
    return next((found for found in _html_walls(text, fold(text[:200_000]), said) if found), None)


def _html_walls(text: str, source: str, said: str) -> Iterator[Found | None]:
    """What the page may be, the surest signs first."""
    if _ORCHESTRATED.search(text):
        yield "blocked", "Cloudflare: a challenge's script"
    yield _told("marks", source, but="consent")
    yield _consent(text, source, said)
    yield _titled(text)
    if _PASSWORD.search(text) and (_LOGIN_WORDS.search(said) or (len(said) < HARDLY and _LOGIN_FORM.search(source))):
        yield "login", "asks for an account"
    if len(said) < FEW:
        yield _told("words", said, but="consent")
    if len(said) < HARDLY:
        yield _told("hints", said)
    if len(text) > SMALL:
        return  # a shell that carries its data, or draws itself: what its scripts name tells nothing
    if len(said) < NOTHING:
        yield _told("hints", source)
    if len(said) < LITTLE and (goes := _GOES_ON.search(_NO_SCRIPT.sub(" ", text))):
        target = goes[1] or goes[2]
        yield ("login" if _LOGIN_PATH.search(target) else "redirect"), f"leads on to {target.strip()[:80]}"


def _headlines(text: str) -> list[str]:
    """Title and first headings, folded."""
    return [fold(visible(match[2])) for match in _TITLES.finditer(text[:200_000])][:10]


def _titled(text: str) -> Found | None:
    """The wall that a title or a heading names: in words of it, or, with « = », by the whole of it."""
    lines = _headlines(text)
    for outcome, label, title, sought, whole in _titles():
        if any(line == sought if whole else sought in line for line in lines):
            return outcome, f"{label}: « {title} »"
    return None


@cache
def _titles() -> tuple[tuple[str, str, str, str, bool], ...]:
    """Outcome and label of each wall with a title, the title, the title folded, and whether it must be the whole."""
    return tuple(
        (wall.outcome, wall.label, title.removeprefix("="), fold(title.removeprefix("=")), title.startswith("="))
        for wall in _walls()
        if wall.outcome != "consent"
        for title in wall.titles
    )


def _consent(text: str, source: str, said: str) -> Found | None:
    """A consent notice with hardly anything beside it."""
    titled = any(_any_of("titles", "consent").search(line) for line in _headlines(text))
    asks = _any_of("words", "consent").search(said)
    if not (_any_of("marks", "consent").search(source) and (asks or titled)):
        return None
    beside = fold(_beside_notice(text))
    if len(beside) < LITTLE or (len(beside) < FEW and _any_of("words", "consent").search(beside)):
        return "consent", "asks for consent before showing anything"
    return None


def _beside_notice(text: str) -> str:
    """What a person would read beside a consent notice."""
    tree = BeautifulSoup(text, "lxml")
    for node in tree.find_all([*_RAW, "div", "section", "aside", "dialog"]):
        if node.decomposed:
            continue
        named = fold(f"{node.get('id') or ''} {node.get('class') or ''}")
        if node.name in _RAW or _any_of("marks", "consent").search(named):
            node.decompose()
    return " ".join(tree.get_text(" ").split())


def json_wall(text: str) -> tuple[Found | None, int]:
    """What a short JSON answer says instead of data: a wall, or the HTTP status (0: none) of the error it is."""
    if len(text) > 20_000:
        return None, 0
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None, 0
    if not isinstance(value, dict):
        return None, 0
    for wall in _walls():
        if named := next((key for key in wall.keys if key in value), None):
            return (wall.outcome, f"{wall.label}: « {named} »"), 0
    if "captcha-delivery.com" in str(value.get("url", "")):
        return ("blocked", "DataDome: « captcha-delivery.com »"), 0
    error = value.get("error") or value.get("errors")
    is_bare = bool(value) and value.keys() <= _ERROR_KEYS
    if not (is_bare or error) or any(value.get(key) for key in ("data", "items", "results", "healthcareProviders")):
        return None, 0
    told = " ".join(str(error or value.get("message") or "").split())[:120]
    if status := _status_named(value) or _status_named(error):
        return ("", told), status
    if said := _told("words", fold(told)):
        return said, 0
    return (("server_error", f"a JSON error answered 200: {told}"), 0) if error else (None, 0)


def _status_named(value: Any) -> int:
    """The HTTP error that an error object names; 0 when it names none."""
    for key in ("status", "code", "statusCode"):
        named = value.get(key) if isinstance(value, dict) else None
        if isinstance(named, int) and 400 <= named < 600:
            return named
    return 0
