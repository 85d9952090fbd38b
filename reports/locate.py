"""Give the place of a quotation in the bytes of an exhibit: two offsets that a stranger can cut out with stock tools.

The page is not parsed: markup, character references and escapes are stepped over where they stand in the source.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from dataclasses import dataclass

from ledger import DamagedCapture, TooLarge
from ledger.warc import Exchange
from reports.recheck import squeeze

MARKUP = r"<!--.*?-->|<[^<>]*>"
REFERENCES = r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w{2,31});"
ESCAPES = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
WAYS = tuple(
    re.compile(rf"(?P<skip>{skip})|(?P<ref>{REFERENCES})|(?P<esc>{escapes})|[^<&\\]+|.", re.DOTALL)
    for skip, escapes in ((MARKUP, r"(?!)"), (MARKUP, ESCAPES), (r"(?!)", ESCAPES))
)
ENCODINGS = ("utf-8", "cp1252", "iso-8859-15", "iso-8859-1", "utf-16-le", "utf-16-be")


@dataclass(frozen=True)
class Located:
    """Bytes `start` to `end` (excluded) of a file of the dossier, and their SHA-256."""

    file: str
    start: int
    end: int
    sha256: str


def locate_in_page(exchange: Exchange, name: str, quote: str) -> Located | None:
    """The quotation in the decoded body of a capture; None when it is not written there in one stretch."""
    try:
        content, source = exchange.content, exchange.text
    except (DamagedCapture, TooLarge):
        return None
    exact = quote.encode("utf-8", "backslashreplace")
    if exact and (at := content.find(exact)) >= 0:
        return _located(name, content, at, at + len(exact))
    encoding = _encoding(content, source)
    wanted = squeeze(quote)
    if not wanted or encoding is None:
        return None
    for way in WAYS:
        if (span := _span(source, way, wanted)) is not None:
            before = len(content) - len(source.encode(encoding, "surrogatepass"))  # a byte order mark
            start = before + len(source[: span[0]].encode(encoding, "surrogatepass"))
            length = len(source[span[0] : span[1]].encode(encoding, "surrogatepass"))
            return _located(name, content, start, start + length)
    return None


def locate_in_text(data: bytes, name: str, quote: str) -> Located | None:
    """The quotation in a passage file (UTF-8)."""
    exact = quote.encode("utf-8", "backslashreplace")
    at = data.find(exact) if exact else -1
    return _located(name, data, at, at + len(exact)) if at >= 0 else None


def _located(name: str, data: bytes, start: int, end: int) -> Located:
    return Located(name, start, end, hashlib.sha256(data[start:end]).hexdigest())


def _encoding(content: bytes, source: str) -> str | None:
    """The encoding in which the text gives these bytes back, but for a byte order mark."""
    for encoding in ENCODINGS:
        try:
            again = source.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "strict")
        except UnicodeEncodeError:
            continue
        if content.endswith(again) and len(content) - len(again) <= 3:
            return encoding
    return None


def _span(source: str, way: re.Pattern[str], wanted: str) -> tuple[int, int] | None:
    """Where, in characters, the squeezed quotation stands when the source is stepped through in this way."""
    read: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in way.finditer(source):
        if match.lastgroup == "skip":
            continue
        if match.lastgroup in ("ref", "esc"):
            for char in squeeze(_undone(match)):
                read.append(char)
                starts.append(match.start())
                ends.append(match.end())
            continue
        for at, raw in enumerate(match.group(), match.start()):
            for char in raw if raw.isascii() and raw.isalnum() else squeeze(raw):
                read.append(char)
                starts.append(at)
                ends.append(at + 1)
    at = "".join(read).find(wanted)
    return (starts[at], ends[at + len(wanted) - 1]) if at >= 0 else None


def _undone(match: re.Match[str]) -> str:
    if match.lastgroup == "ref":
        return html.unescape(match.group())
    try:
        return str(json.loads(f'"{match.group()}"'))
    except ValueError:
        return match.group()[1:]
