"""Turn raw values into clean plain text. It changes no wording: only markup, control characters and blank space.

What leaves this module can be stored anywhere: no NUL (PostgreSQL refuses it), no lone surrogate (UTF-8 refuses it).
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable

from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning

from crawler.reading.nodes import node_text

warnings.filterwarnings("ignore", category=MarkupResemblesLocatorWarning)  # a bio may well look like an address
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2060\ufeff]")
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,10}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
_LINE_SPACE = re.compile(r"[ \t]+")
_ACCENT = re.compile(r"[\u0300-\u034e\u0350-\u036f]+")  # all that French combines, at once
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_BLANK_LINES = re.compile(r"\n{3,}")


def storable(text: str) -> str:
    """The text without the characters that a database or UTF-8 refuses; nothing else changes."""
    return _CONTROL.sub("", text.encode("utf-8", "replace").decode("utf-8"))


def clean(text: str) -> str:
    """The same words with line ends as `\\n`, spaces folded, and no character that a database would refuse."""
    text = storable(text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = (_LINE_SPACE.sub(" ", line).strip(" ") for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def to_text(value: str) -> str:
    """A JSON value as plain text: tags become line breaks or nothing, entities become characters.

    A lone `<` (« enfants <3 ans ») is left as it is: only what looks like a tag or an entity is read as HTML.
    """
    if not (_TAG.search(value) or _ENTITY.search(value)):
        return clean(value)
    soup = BeautifulSoup(value.replace("\n", "<br>"), "lxml")
    return clean(node_text(soup))


def fold(text: str) -> str:
    """Lower case without accents, white space folded: for looking words up, never for storing."""
    folded = text.casefold()
    if not folded.isascii():
        plain = _ACCENT.sub("", unicodedata.normalize("NFKD", folded))
        folded = _NOT_ASCII.sub(lambda one: "" if unicodedata.combining(one[0]) else one[0], plain).replace("’", "'")
    return " ".join(folded.split())


def words(text: str) -> int:
    """How many words a text has, punctuation left aside."""
    return len(re.findall(r"\w+", text))


def first_line(values: Iterable[object], width: int) -> str:
    """The first non-empty string of `values` on one line, at most `width` characters (the ledger's column)."""
    for value in values:
        if isinstance(value, str):
            line = " ".join(to_text(value).split())
            if line:
                return line[:width].rstrip()
    return ""
