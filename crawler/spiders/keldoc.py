"""Keldoc: from public search answers to each listing's resource, and the motives and details of its places.

Motives are asked of clinics alone: numbers of clinics and of persons may coincide. No timetable is ever asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from scrapy.http import Request, Response

from crawler.items import FoundListing
from crawler.reading.answers import read_exchange
from crawler.reading.documents import is_json, parse_json
from crawler.reading.keldoc import KELDOC, key_of_path, results
from crawler.reading.values import at, entries
from crawler.spiders.base import PlatformSpider
from ledger.warc import Exchange

RESOURCE = "/api/patients/v2/searches/resource"
MOTIVES = "/api/patients/v2/clinics/{clinic}/specialties/{specialty}/cabinets/{place}/motive_categories"
DETAILS = "/api/patients/v2/cabinets/{place}/details"
PLACES_PER_LISTING = 12  # pairs of place and speciality asked of one listing
_BOOKING = {"www.keldoc.com": "booking.keldoc.com", "keldoc.com": "booking.keldoc.com"}
_PUBLIC = {"booking.keldoc.com": "www.keldoc.com"}
_MOST_PAGES = 200


class KeldocSpider(PlatformSpider):
    """Keldoc's public listings. A listing's key is `type/town-postcode/slug`."""

    name = "keldoc"
    parser_version: ClassVar[str] = "keldoc-1"

    @staticmethod
    def parse_listing(exchange: Exchange) -> Iterator[FoundListing]:
        """The listings of any of Keldoc's public answers, or of a saved page."""
        yield from read_exchange(KELDOC, exchange)

    def parse(self, response: Response) -> Iterator[Any]:
        """A search answer, or a listing's page given as a start address."""
        content = self.content_of(response)
        if not is_json(content):
            key = key_of_path(urlsplit(response.url).path)
            if self.may_ask_for(key):
                yield self._resource(response.url, key)
                yield from self.found(response)
            return
        value = parse_json(content)
        for path in results(value):
            if self.may_ask_for(key_of_path(path)):
                yield self._resource(response.url, key_of_path(path))
        yield from self.found(response)
        if at(value, "options", "next_page") and not self.is_full() and (following := next_page(response.url)):
            yield self.ask(following, self.parse, priority=-1)

    def _resource(self, base: str, key: str) -> Request:
        kind, town, slug = key.split("/", 2)
        query = urlencode({"type": kind, "location": town, "slug": slug})
        return self._asked(base, f"{RESOURCE}?{query}", key, self.parse_resource, 1)

    def _asked(self, base: str, path: str, key: str, callback: Any, priority: int) -> Request:
        """A request that names the public page it belongs to: most answers name it by a number alone."""
        page = urljoin(with_host(base, _PUBLIC), f"/{key}")
        url = urljoin(with_host(base, _BOOKING), path)
        passed = {"key": key} if callback == self.parse_resource else {}
        return self.ask(url, callback, priority=priority, **passed).replace(headers={"Referer": page})

    def parse_resource(self, response: Response, key: str) -> Iterator[Any]:
        """A listing's resource; then, of a clinic, the details and motives of its places."""
        value = parse_json(self.content_of(response))
        places = [one.get("id") for _, one in entries(value, "cabinets")] or [at(value, "cabinet", "id")]
        specialties = [one.get("id") for _, one in entries(value, "specialties")]
        for place in [p for p in places if isinstance(p, int)][:PLACES_PER_LISTING]:
            yield self._asked(response.url, DETAILS.format(place=place), key, self.parse_answer, 2)
        if at(value, "type") == "Clinic" and isinstance(at(value, "id"), int):
            pairs = [(s, p) for p in places for s in specialties if isinstance(p, int) and isinstance(s, int)]
            for specialty, place in pairs[:PLACES_PER_LISTING]:
                path = MOTIVES.format(clinic=value["id"], specialty=specialty, place=place)
                yield self._asked(response.url, path, key, self.parse_answer, 2)
        yield from self.parse_listing(self.exchange_of(response))

    def parse_answer(self, response: Response) -> Iterator[FoundListing]:
        """Details or motives of a place."""
        yield from self.parse_listing(self.exchange_of(response))


def with_host(url: str, hosts: dict[str, str]) -> str:
    """The address on the host that `hosts` gives for its own; unchanged when it gives none."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=hosts.get(parts.netloc, parts.netloc)))


def next_page(url: str) -> str:
    """The search answer after this one (pages count from 1); "" past the last worth asking."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    page = int(query["page"]) if query.get("page", "").isdecimal() else 1
    return "" if page >= _MOST_PAGES else urlunsplit(parts._replace(query=urlencode({**query, "page": page + 1})))
