"""Ordoclic: from public search answers to each listing's profile, and the motives of its house with their advice.

No slot is ever asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from scrapy.http import Request, Response

from crawler.items import FoundListing
from crawler.reading.answers import read_exchange
from crawler.reading.documents import is_json, parse_json
from crawler.reading.ordoclic import ORDOCLIC, key_of_path, page_path, profile_path
from crawler.reading.values import at, entries, text
from crawler.spiders.base import PlatformSpider
from ledger.warc import Exchange

REASONS = "/v1/solar/entities/{house}/reasons"
_PUBLIC = {"api.ordoclic.fr": "https://app.ordoclic.fr"}
_API = {"app.ordoclic.fr": "https://api.ordoclic.fr"}
_MOST_PAGES = 400


class OrdoclicSpider(PlatformSpider):
    """Ordoclic's public listings. A listing's key is its slug, houses and professionals apart."""

    name = "ordoclic"
    parser_version: ClassVar[str] = "ordoclic-1"

    @staticmethod
    def parse_listing(exchange: Exchange) -> Iterator[FoundListing]:
        """The listings of any of Ordoclic's public answers, or of a saved page."""
        yield from read_exchange(ORDOCLIC, exchange)

    def parse(self, response: Response) -> Iterator[Any]:
        """A search answer, or a listing's page given as a start address."""
        content = self.content_of(response)
        if not is_json(content):
            path = urlsplit(response.url).path
            if self.may_ask_for(key_of_path(path)):
                yield self._profile(response.url, path)
                yield from self.found(response)
            return
        value = parse_json(content)
        for _, entry in entries(value, "items"):
            page = page_path(entry)
            if key_of_path(page) and self.may_ask_for(key_of_path(page)):
                yield self._profile(response.url, page)
        yield from self.found(response)
        if (
            at(value, "items")
            and not self.is_full()
            and (following := next_page(response.url, at(value, "page_count")))
        ):
            yield self.ask(following, self.parse, priority=-1)

    def _profile(self, base: str, page: str) -> Request:
        url = urljoin(other_host(base, _API), quote(profile_path(page), safe="/%"))
        return self._asked(url, base, page, self.parse_profile, 1)

    def _asked(self, url: str, base: str, page: str, callback: Any, priority: int) -> Request:
        """A request that names the public page it belongs to: motives name their house by a number alone."""
        headers = {"Referer": urljoin(other_host(base, _PUBLIC), quote(page, safe="/%"))}
        passed = {"page": page} if callback == self.parse_profile else {}
        return self.ask(url, callback, priority=priority, **passed).replace(headers=headers)

    def parse_profile(self, response: Response, page: str) -> Iterator[Any]:
        """A listing's profile, then the motives of its house."""
        value = parse_json(self.content_of(response))
        if house := text(at(value, "entityId")):
            path = REASONS.format(house=quote(house, safe=""))
            yield self._asked(urljoin(response.url, path), response.url, page, self.parse_answer, 2)
        yield from self.parse_listing(self.exchange_of(response))

    def parse_answer(self, response: Response) -> Iterator[FoundListing]:
        """The motives of a house."""
        yield from self.parse_listing(self.exchange_of(response))


def other_host(url: str, hosts: dict[str, str]) -> str:
    """The site that `hosts` gives for an address's host; the address itself when it gives none."""
    return hosts.get(urlsplit(url).netloc, url)


def next_page(url: str, pages: Any) -> str:
    """The search answer after this one (pages count from 1, `pages` in all); "" after the last."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    page = int(query["page"]) if query.get("page", "").isdecimal() else 1
    if page >= min(_MOST_PAGES, pages if isinstance(pages, int) else _MOST_PAGES):
        return ""
    return urlunsplit(parts._replace(query=urlencode({**query, "page": page + 1})))
