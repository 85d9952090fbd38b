"""What every spider shares: where it starts, how much it takes, which pages it has asked for. It knows no platform.

A spider asks for pages and hands over what `parse_listing` reads in them; it never decides whether a page may be read
(`crawler.outcomes` does, before the spider sees it) and never writes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, ClassVar

import scrapy
from scrapy.http import Request, Response

from crawler.items import FoundListing
from crawler.reading.documents import body_of
from ledger.warc import Exchange
from reference import load_reference


class PlatformSpider(scrapy.Spider):
    """A spider of one platform. `limit`: how many listings it asks for at most; None: all it finds.

    Subclasses give `name`, `parser_version` (raise it whenever the same answer would be read differently),
    `parse_listing` and `parse`.
    """

    name = ""  # no platform: Scrapy's loader passes it over
    parser_version: ClassVar[str] = ""
    remembered: ClassVar[tuple[str, ...]] = ("asked",)  # sets, or sets by name, that must survive a crash

    def __init__(self, start_urls: Iterable[str] | str = (), limit: int | str | None = None, **kwargs: Any) -> None:
        """Start at `start_urls` (a list, or one string with commas), else where the reference says."""
        super().__init__(**kwargs)
        given = start_urls.split(",") if isinstance(start_urls, str) else list(start_urls)
        self.start_urls = [url.strip() for url in given if url.strip()] or self._known_starts()
        self.limit = int(limit) if limit else None
        self.asked: set[str] = set()  # keys of the listings asked for, former keys included
        self.taken = 0  # how many listings that is

    def _known_starts(self) -> list[str]:
        platform = load_reference().platforms.get(self.name)
        return list(platform.start_urls) if platform else []

    @staticmethod
    def parse_listing(exchange: Exchange) -> Iterator[FoundListing]:
        """What one stored answer says about listings. Pure; raises `Unreadable` and nothing else."""
        raise NotImplementedError

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the start pages, in order."""
        for url in self.start_urls:
            yield self.ask(url, self.parse)

    def ask(self, url: str, callback: Any, *, priority: int = 0, errback: Any = None, **passed: Any) -> Request:
        """A request of this spider; Scrapy drops one it has already made."""
        return Request(url, callback=callback, errback=errback, priority=priority, cb_kwargs=passed)

    def may_ask_for(self, key: str) -> bool:
        """True, once, for a listing not yet asked for while the limit allows one more."""
        if key in self.asked or self.is_full():
            return False
        self.asked.add(key)
        self.taken += 1
        return True

    def is_full(self) -> bool:
        """True when the limit is reached."""
        return self.limit is not None and self.taken >= self.limit

    def found(self, response: Response) -> Iterator[FoundListing]:
        """The listings of a live answer, read by the same function as a stored one.

        A result page tells of many: only those the limit lets us visit are handed over.
        """
        yield from (one for one in self.parse_listing(self.exchange_of(response)) if one.key in self.asked)

    @staticmethod
    def exchange_of(response: Response) -> Exchange:
        """The exchange that was captured for this response (`meta["exchange"]`)."""
        exchange = response.meta["exchange"]
        if not isinstance(exchange, Exchange):
            raise TypeError("the response was not captured: no evidence, no item")
        return exchange

    def content_of(self, response: Response) -> bytes:
        """The decoded body of the captured answer, b"" for an answer that may not be read."""
        return body_of(self.exchange_of(response))
