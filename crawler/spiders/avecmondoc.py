"""AvecMonDoc: from public search answers to each structure, whose one answer holds presentation, motives and notes.

No availability is ever asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from scrapy.http import Request, Response

from crawler.items import FoundListing
from crawler.reading.answers import read_exchange
from crawler.reading.avecmondoc import AVECMONDOC, key_of_path, results
from crawler.reading.documents import is_json, parse_json
from crawler.spiders.base import PlatformSpider
from ledger.warc import Exchange

STRUCTURE = "/api/Organizations/slug/{slug}"
_API = {"patient.avecmondoc.com": "https://api.avecmondoc.com"}
_MOST_PAGES = 1000  # ten structures each


class AvecmondocSpider(PlatformSpider):
    """AvecMonDoc's public listings. A listing's key is its public path below `/fiche/`."""

    name = "avecmondoc"
    parser_version: ClassVar[str] = "avecmondoc-1"

    @staticmethod
    def parse_listing(exchange: Exchange) -> Iterator[FoundListing]:
        """The listings of any of AvecMonDoc's public answers, or of a saved page."""
        yield from read_exchange(AVECMONDOC, exchange)

    def parse(self, response: Response) -> Iterator[Any]:
        """A search answer, or a structure's page given as a start address."""
        content = self.content_of(response)
        if not is_json(content):
            key = key_of_path(urlsplit(response.url).path)
            if self.may_ask_for(key):
                yield from self._structure(response.url, key)
                yield from self.found(response)
            return
        paths, goes_on = results(parse_json(content))
        for path in paths:
            key = key_of_path(path)
            if key.startswith("structure/") and self.may_ask_for(key):
                yield from self._structure(response.url, key)
        if paths and goes_on and not self.is_full() and (following := next_page(response.url)):
            yield self.ask(following, self.parse, priority=-1)

    def _structure(self, base: str, key: str) -> Iterator[Request]:
        kind, slug = key.split("/", 1)
        if kind == "structure":
            site = _API.get(urlsplit(base).netloc, base)
            yield self.ask(urljoin(site, STRUCTURE.format(slug=quote(slug, safe=""))), self.parse_structure, priority=1)

    def parse_structure(self, response: Response) -> Iterator[FoundListing]:
        """A structure with its motives."""
        yield from self.parse_listing(self.exchange_of(response))


def next_page(url: str) -> str:
    """The search answer after this one (pages count from 1); "" past the last worth asking."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    page = int(query["page"]) if query.get("page", "").isdecimal() else 1
    return "" if page >= _MOST_PAGES else urlunsplit(parts._replace(query=urlencode({**query, "page": page + 1})))
