"""Open a body as JSON or HTML, or say that it is neither. It interprets no content."""

from __future__ import annotations

import json
import re
import warnings
from functools import lru_cache
from typing import Any

from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning
from bs4.exceptions import ParserRejectedMarkup
from extruct.jsonld import JsonLdExtractor
from lxml.etree import LxmlError
from lxml.html import Element
from w3lib.encoding import html_to_unicode

from crawler.reading.errors import Unreadable
from ledger.warc import Exchange
from reference.errors import VigieError

warnings.filterwarnings("ignore", category=XMLParsedAsHTMLWarning)  # XHTML pages are pages
_READ_STATUSES = frozenset((200, 203, 206))  # the platforms answer searches with 206 as well
_LOOKS_HTML = re.compile(rb"<(?:!doctype|html|head|body|div|p|h1|main|section|article|script|meta)\b", re.IGNORECASE)


def body_of(exchange: Exchange) -> bytes:
    """The decoded body of an answer that may be read, b"" for a redirect or an error. Raises `Unreadable`."""
    if exchange.status not in _READ_STATUSES:
        return b""
    try:
        return exchange.content
    except VigieError as error:
        raise Unreadable(f"the body cannot be decoded: {error}") from error


def is_json(content: bytes) -> bool:
    """True when the body starts as a JSON object or list (content types lie, first bytes do not)."""
    return content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def parse_json(content: bytes) -> Any:
    """The JSON value of a body. Raises `Unreadable` for anything else, including nesting beyond reason."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {' '.join(str(error).split())[:120]}") from error


def lenient_json(text: str) -> Any:
    """JSON as pages really hold it: strict first, then without comments as extruct reads it. None: not JSON.

    One root object and a root list keep their own shape, so that pointers into them stay true.
    """
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        script = Element("script", type="application/ld+json")
    try:
        script.text = text
        found = JsonLdExtractor().extract_items(script)
    except (ValueError, RecursionError, LxmlError):
        return None
    return found if text.lstrip()[:1] == "[" else next(iter(found), None)


@lru_cache(maxsize=1)  # a page is read for its links, then for what it says
def parse_html(content: bytes, content_type: str = "") -> BeautifulSoup:
    """The tree of an HTML body; its charset is the header's, else the page's, else the bytes'. Raises `Unreadable`.

    The tree is shared: nobody changes it.
    """
    if not _LOOKS_HTML.search(content):
        raise Unreadable("not an HTML page")
    try:
        _, text = html_to_unicode(content_type, content, default_encoding="utf-8", auto_detect_fun=_guess)
        return BeautifulSoup(text, "lxml")
    except (ParserRejectedMarkup, LookupError, RecursionError) as error:
        raise Unreadable(f"not an HTML page: {' '.join(str(error).split())[:120]}") from error


def _guess(content: bytes) -> str:
    """UTF-8 when the bytes are, else the Western encoding that old French pages use."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
