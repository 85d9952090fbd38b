"""A practice's own site: its home page, and the pages where fees, practical matters and legal notices stand.

Never off the site: same host, same path prefix, and a bounded number of pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from urllib.parse import urljoin

from scrapy.http import Request, Response

from crawler.items import FoundListing
from crawler.reading.documents import body_of, is_json, parse_html
from crawler.reading.practice_page import page_links, page_of_site, read_page, site_links, site_of, sitemap_urls, wanted
from crawler.spiders.base import PlatformSpider
from ledger.warc import Exchange

PAGES_PER_SITE = 30  # the home page included
_LEGAL = ("mention", "legal")


class PracticeSiteSpider(PlatformSpider):
    """Sites of practices. A listing's key is its site's address; all its pages add to one listing."""

    name = "practice_site"
    parser_version: ClassVar[str] = "practice_site-2"
    remembered: ClassVar[tuple[str, ...]] = ("asked", "pages")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start at homes of sites, or at directories (`/sites/`) of sites on one host."""
        super().__init__(*args, **kwargs)
        self.pages: dict[str, set[str]] = {}  # addresses asked for, by site

    @staticmethod
    def parse_listing(exchange: Exchange) -> Iterator[FoundListing]:
        """The listing that one HTML page of a site adds to; nothing for a directory, a sitemap or JSON."""
        content = body_of(exchange)
        if not content.strip() or is_json(content) or is_xml(content):
            return
        yield from read_page(exchange.url, parse_html(content, exchange.header("content-type")))

    def parse(self, response: Response) -> Iterator[Any]:
        """A start page: the home of a site, or a directory whose sites are visited."""
        key, home = site_of(response.url)
        soup = parse_html(self.content_of(response), self.exchange_of(response).header("content-type"))
        if not key:
            for site in site_links(response.url, soup):
                if self.may_ask_for(site_of(site)[0]):
                    yield self.ask(site, self.parse_home, priority=1)
        elif key in self.asked or self.may_ask_for(key):
            self.pages.setdefault(key, set()).add(response.url)
            yield from self.parse_home(response)
            if response.url.rstrip("/") != home.rstrip("/"):
                yield from self._pages(key, home, [(home, True)])

    def parse_home(self, response: Response) -> Iterator[Any]:
        """A site's home page: its listing, its sitemap, the pages it links to."""
        key, home = site_of(response.url)
        self.asked.add(key)
        self.pages.setdefault(key, set()).update((response.url, home))
        yield self.ask(urljoin(home, "sitemap.xml"), self.parse_sitemap, priority=-1, key=key)
        yield from self._follow(response, key, home)
        yield from self.found(response)

    def parse_page(self, response: Response) -> Iterator[Any]:
        """A further page of a site: what it says, and the telling pages it links to."""
        key, home = site_of(response.url)
        if key in self.asked:
            yield from self._follow(response, key, home, only_wanted=True)
            yield from self.found(response)

    def _follow(self, response: Response, key: str, home: str, *, only_wanted: bool = False) -> Iterator[Request]:
        content = self.content_of(response)
        if content.strip() and not is_json(content) and not is_xml(content):
            links = page_links(response.url, parse_html(content, self.exchange_of(response).header("content-type")))
            yield from self._pages(key, home, [link for link in links if link[1] or not only_wanted])

    def parse_sitemap(self, response: Response, key: str, depth: int = 0) -> Iterator[Request]:
        """A sitemap of the site, or an index of such: the pages of the site that it names."""
        home = site_of(response.url)[1]
        urls, maps = sitemap_urls(self.content_of(response))
        links = [link for url in urls if (link := page_of_site(response.url, url, key))]
        yield from self._pages(key, home, [(link, wanted(link, home)) for link in links])
        for url in maps if depth == 0 else ():
            if site_of(url)[0] == key:
                yield self.ask(url, self.parse_sitemap, priority=-1, key=key, depth=1)

    def _pages(self, key: str, home: str, links: Iterable[tuple[str, bool]]) -> Iterator[Request]:
        """Requests for pages not yet asked for, the telling ones first, as long as the site's share lasts.

        Legal notices come last: the RPPS number they show is then part of the newest view of the site.
        """
        asked = self.pages.setdefault(key, set())
        for link, telling in sorted(links, key=lambda link: not link[1]):
            plain = link.rstrip("/")
            if len(asked) >= PAGES_PER_SITE:
                return
            if plain in {known.rstrip("/") for known in asked} or site_of(link)[0] != key:
                continue
            asked.add(link)
            last = any(word in link.removeprefix(home).lower() for word in _LEGAL)
            yield self.ask(link, self.parse_page, priority=-3 if last else 0 if telling else -2)


def is_xml(content: bytes) -> bool:
    """True for a sitemap or a feed: XML that is no page."""
    head = content[:600].lower()
    return b"<urlset" in head or b"<sitemapindex" in head or b"<rss" in head or b"<feed" in head
