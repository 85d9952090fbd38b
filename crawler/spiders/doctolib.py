"""Doctolib: from result pages to profiles, and of each profile the page, its JSON and its booking funnel.

The funnel is read only as far as it is public without choosing a slot; no account, no availability is ever asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from scrapy.http import JsonRequest, Request, Response

from crawler.items import FoundListing
from crawler.outcomes import Outcome
from crawler.reading.defaults import default_of
from crawler.reading.doctolib_html import profile_links, read_html, window_place
from crawler.reading.doctolib_json import profile_paths, read_json, slug_of
from crawler.reading.documents import body_of, is_json, parse_html, parse_json
from crawler.spiders.base import PlatformSpider
from ledger.warc import Exchange

SEARCH = "/phs_proxy/raw"
PER_PAGE = 20  # providers of one search page
FUNNEL = "/online_booking/api/slot_selection_funnel/v1/info.json"
_WALLS = (Outcome.BLOCKED, Outcome.LOGIN, Outcome.RATE_LIMITED, Outcome.CONSENT)
_MOST_PAGES = 600  # result pages of one start address: the search itself stops at 10,000 providers


class DoctolibSpider(PlatformSpider):
    """Doctolib's public listings. A listing's key is its slug, the same in all its answers."""

    name = "doctolib"
    parser_version: ClassVar[str] = "doctolib-2"

    @staticmethod
    def parse_listing(exchange: Exchange) -> Iterator[FoundListing]:
        """The listings of a search, profile or booking answer (JSON), of a profile page or a result page (HTML)."""
        content = body_of(exchange)
        if not content.strip():
            return
        if is_json(content):
            yield from read_json(exchange.url, parse_json(content), default_of("doctolib"))
        else:
            yield from read_html(
                exchange.url, parse_html(content, exchange.header("content-type")), default_of("doctolib")
            )

    def parse(self, response: Response, **passed: Any) -> Iterator[Any]:
        """A result page, or a profile given as a start address."""
        if slug_of(urlsplit(response.url).path):
            self.may_ask_for(slug_of(urlsplit(response.url).path))
            yield from self.parse_profile(response)
            return
        soup = parse_html(self.content_of(response), self.exchange_of(response).header("content-type"))
        paths = profile_links(response.url, soup)
        fresh = [request for path in paths if (request := self._profile(response.url, path))]
        yield from fresh
        yield from self.found(response)
        if self.is_full():
            return
        place = window_place(soup)
        if place is not None and not passed.get("without_search"):
            yield self._search(response.url, place, 0)
        elif fresh and (following := next_page(response.url)):
            yield self.ask(following, self.parse, priority=-1, without_search=passed.get("without_search", False))

    def _search(self, listing_url: str, place: Mapping[str, Any], page: int) -> Request:
        keyword = urlsplit(listing_url).path.strip("/").split("/")[0]
        return JsonRequest(
            urljoin(listing_url, f"{SEARCH}?page={page}"),
            data={"keyword": keyword, "location": {"place": dict(place)}, "filters": {}},
            callback=self.parse_search,
            errback=self.search_failed,
            priority=-1,
            cb_kwargs={"listing_url": listing_url, "place": place, "page": page},
        )

    def parse_search(self, response: Response, listing_url: str, place: Mapping[str, Any], page: int) -> Iterator[Any]:
        """One page of search answers; the next while there are answers left."""
        value: Any = None
        content = self.content_of(response)
        if is_json(content):
            value = parse_json(content)
        paths = profile_paths(value)
        if not isinstance(value, Mapping) or (page == 0 and not paths):
            yield from self._page_by_page(listing_url)
            return
        yield from (request for path in paths if (request := self._profile(response.url, path)))
        yield from self.found(response)
        total = value.get("total")
        left = (page + 1) * PER_PAGE < total if isinstance(total, int) else True
        if paths and left and page + 1 < _MOST_PAGES and not self.is_full():
            yield self._search(listing_url, place, page + 1)

    def search_failed(self, failure: Any) -> Iterator[Request]:
        """A search that is not there leaves the public result pages. A wall is a wall: nothing more is asked."""
        passed = failure.request.cb_kwargs
        if passed["page"] == 0 and failure.request.meta.get("outcome") not in _WALLS:
            yield from self._page_by_page(passed["listing_url"])

    def _page_by_page(self, listing_url: str) -> Iterator[Request]:
        if following := next_page(listing_url):
            yield self.ask(following, self.parse, priority=-1, without_search=True)

    def _profile(self, base: str, path: str) -> Request | None:
        """The request for a profile's page, once a slug and within the limit."""
        slug = slug_of(path)
        if not slug or not self.may_ask_for(slug):
            return None
        return self.ask(urljoin(base, path), self.parse_profile, errback=self.profile_failed, slug=slug)

    def parse_profile(self, response: Response, slug: str = "") -> Iterator[Any]:
        """A profile's page; then its JSON and its booking answer, under the slug the platform redirected to."""
        current = slug_of(urlsplit(response.url).path) or slug
        if current != slug:
            self.asked.add(current)
        yield from self._answers(response.url, current)
        yield from self.found(response)

    def profile_failed(self, failure: Any) -> Iterator[Request]:
        """A profile whose page is broken may still answer as JSON. A missing one, and a wall, are let be."""
        if failure.request.meta.get("outcome") in (None, Outcome.SERVER_ERROR, Outcome.UNREADABLE):
            yield from self._answers(failure.request.url, failure.request.cb_kwargs["slug"])

    def _answers(self, base: str, slug: str) -> Iterator[Request]:
        yield self.ask(urljoin(base, f"/profiles/{slug}.json"), self.parse_answer, priority=2)
        query = urlencode({"profile_slug": slug, "locale": "fr"})
        yield self.ask(urljoin(base, f"{FUNNEL}?{query}"), self.parse_answer, priority=1)

    def parse_answer(self, response: Response) -> Iterator[FoundListing]:
        """A profile's JSON or its booking answer."""
        yield from self.found(response)


def next_page(url: str) -> str:
    """The result page after this one (`?page=2` after none); "" past the last page worth asking."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    page = int(query["page"]) if query.get("page", "").isdecimal() else 1
    if page >= _MOST_PAGES:
        return ""
    return urlunsplit(parts._replace(query=urlencode({**query, "page": page + 1}), fragment=""))
