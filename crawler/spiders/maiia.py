"""Maiia: from public search answers to each listing's page, whose state holds its wording, and its centre's motives.

The booking is not opened and no availability is ever asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from scrapy.http import Request, Response

from crawler.items import FoundListing
from crawler.reading.answers import read_exchange
from crawler.reading.documents import is_json, parse_html, parse_json
from crawler.reading.maiia import MAIIA, centre_of, key_of_path, results
from crawler.spiders.base import PlatformSpider
from ledger.warc import Exchange

REASONS = "/api/pat-public/consultation-reason-hcd"
_MOST_PAGES = 400


class MaiiaSpider(PlatformSpider):
    """Maiia's public listings. A listing's key is its public path."""

    name = "maiia"
    parser_version: ClassVar[str] = "maiia-1"

    @staticmethod
    def parse_listing(exchange: Exchange) -> Iterator[FoundListing]:
        """The listings of a search or motives answer (JSON), or of a page (HTML)."""
        yield from read_exchange(MAIIA, exchange)

    def parse(self, response: Response) -> Iterator[Any]:
        """A search answer, or a listing's page given as a start address."""
        content = self.content_of(response)
        if not is_json(content):
            if self.may_ask_for(key_of_path(urlsplit(response.url).path)):
                yield from self.parse_page(response)
            return
        listed, total = results(parse_json(content))
        for page, _ in listed:
            if self.may_ask_for(key_of_path(page)):
                yield self.ask(urljoin(response.url, page), self.parse_page, priority=1)
        yield from self.found(response)
        if listed and not self.is_full() and (following := next_page(response.url, total)):
            yield self.ask(following, self.parse, priority=-1)

    def parse_page(self, response: Response) -> Iterator[Any]:
        """A listing's page, then the motives of its centre."""
        self.asked.add(key_of_path(urlsplit(response.url).path))
        soup = parse_html(self.content_of(response), self.exchange_of(response).header("content-type"))
        if centre := centre_of(soup):
            query = urlencode({"rootCenterId": centre, "limit": 200, "page": 0})
            yield self.asked_from(response.url, f"{REASONS}?{query}")
        yield from self.found(response)

    def asked_from(self, page: str, path: str) -> Request:
        """A request that names the page it belongs to: the answer names it by a number alone."""
        return self.ask(urljoin(page, path), self.parse_answer, priority=2).replace(headers={"Referer": page})

    def parse_answer(self, response: Response) -> Iterator[FoundListing]:
        """A centre's motives."""
        yield from self.parse_listing(self.exchange_of(response))


def next_page(url: str, total: int) -> str:
    """The search answer after this one (pages count from 0); "" after the last."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    page = int(query["page"]) if query.get("page", "").isdecimal() else 0
    size = int(query["limit"]) if query.get("limit", "").isdecimal() else 0
    if page + 1 >= _MOST_PAGES or not size or (page + 1) * size >= total:
        return ""
    return urlunsplit(parts._replace(query=urlencode({**query, "page": page + 1})))
