"""Read the answers of one platform: JSON by its key tables, saved pages by what they show. It knows no platform.

A platform is described by a `Platform`: its tables, how to cut an answer into listings, and how its public paths read.
Pure: the exchange in, listings out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup

from crawler.items import FoundListing, FoundPassage, ShownPractitioner
from crawler.reading.defaults import default_of
from crawler.reading.documents import body_of, is_json, parse_html, parse_json
from crawler.reading.errors import Unreadable
from crawler.reading.keys import Keys, Part
from crawler.reading.platform_page import names_listing, page_passages, page_shown
from crawler.reading.texts import storable
from crawler.reading.values import absolute, key_of
from ledger.warc import Exchange
from reference import load_reference


@dataclass(frozen=True)
class Answer:
    """What an answer holds about one listing. `page`: its public page, or ""; `shown`: None when it shows nobody."""

    key: str
    page: str
    parts: tuple[Part, ...]
    shown: ShownPractitioner | None = None


@dataclass(frozen=True)
class Platform:
    """How to read one platform. `answers` raises `Unreadable` for an answer that promises a listing and has none."""

    code: str
    site: str  # where its public pages stand: https://host
    keys: Keys
    answers: Callable[[Exchange, Any], Iterator[Answer]]
    key_of_path: Callable[[str], str]  # of a public page's path; "" when it is no listing's
    state: Callable[[BeautifulSoup, str], Iterator[Answer]] | None = None  # of the data that a page carries


def read_exchange(platform: Platform, exchange: Exchange) -> Iterator[FoundListing]:
    """The listings of one stored answer of the platform. Raises `Unreadable` and nothing else."""
    content = body_of(exchange)
    if not content.strip():
        return
    if is_json(content):
        for answer in platform.answers(exchange, parse_json(content)):
            yield _listing(platform, exchange, answer)
        return
    soup = parse_html(content, exchange.header("content-type"))
    own = platform.key_of_path(urlsplit(exchange.url).path)
    told = list(platform.state(soup, exchange.url)) if platform.state else []
    for answer in told:
        if answer.key != own:
            yield _listing(platform, exchange, answer)
    if own:
        yield _page(platform, exchange, soup, own, [answer for answer in told if answer.key == own])


def referring_key(platform_key: Callable[[str], str], exchange: Exchange) -> tuple[str, str]:
    """The key and the address of the public page that an answer was asked from; ("", "") when it does not say.

    Some answers name their listing by a number alone; the request's Referer, kept as evidence, names the page.
    """
    for name, value in exchange.request_headers:
        if name.lower() == "referer":
            try:
                key = platform_key(urlsplit(value).path)
            except ValueError:
                return "", ""
            return key, storable(value) if key else ""
    return "", ""


def _listing(platform: Platform, exchange: Exchange, answer: Answer) -> FoundListing:
    found, unknown = platform.keys.read(answer.parts, default_of(platform.code, _words_of(answer.shown)))
    page = urljoin(platform.site, answer.page) if answer.page.startswith("/") else answer.page
    return FoundListing(
        platform.code, key_of(answer.key), storable(page) or exchange.url, _with(answer.shown, unknown), found
    )


def _with(shown: ShownPractitioner | None, unknown: tuple[str, ...]) -> ShownPractitioner | None:
    if shown is None or not unknown:
        return shown
    return replace(shown, signals={**shown.signals, "unknown_field": [locator[:500] for locator in unknown[:50]]})


def _words_of(shown: ShownPractitioner | None) -> tuple[str, ...]:
    return (shown.display_name, shown.speciality, shown.city, shown.postcode) if shown else ()


def _label(platform: Platform) -> str:
    known = load_reference().platforms.get(platform.code)
    return known.label if known else platform.code


def _page(platform: Platform, exchange: Exchange, soup: BeautifulSoup, key: str, told: list[Answer]) -> FoundListing:
    """A listing's own page: the data it carries, its head and JSON-LD, and what it shows where it carries none."""
    answer = Answer(
        key,
        absolute(exchange.url, urlsplit(exchange.url).path),
        tuple(part for one in told for part in one.parts),
        next((one.shown for one in told if one.shown), None) or page_shown(soup, _label(platform)),
    )
    found = _listing(platform, exchange, answer)
    is_default = default_of(platform.code, _words_of(found.shown))
    passages: dict[str, FoundPassage] = {passage.locator: passage for passage in found.passages}
    for passage in page_passages(soup, _label(platform), visible=not found.passages):
        if passage.text and not is_default(passage.text):
            passages.setdefault(passage.locator, passage)
    if not told and not names_listing(key, soup):
        raise Unreadable("the page shows no listing")
    return replace(found, passages=tuple(passages.values()))
