"""From a spider's callbacks to the ledger: only pages are read, and written down whole. No evidence, no item."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response

from crawler.items import FoundListing
from crawler.outcomes import Outcome
from crawler.reading import Unreadable
from crawler.running import running
from crawler.settling import Settler, Told

LONGEST = 2083  # characters of an address: a longer one is a trap that grows with each page


class NotAListing(IgnoreRequest):
    """The answer is a wall or an error: no callback reads it."""


class _Gathered:
    """What a callback has said so far."""

    def __init__(self) -> None:
        self.listings: list[FoundListing] = []
        self.requests: list[Request] = []
        self.problem = ""

    def take(self, one: Any) -> None:
        if isinstance(one, FoundListing):
            self.listings.append(one)
        elif isinstance(one, Request) and len(one.url) <= LONGEST:
            self.requests.append(one)

    def told(self) -> Told:
        return Told(tuple(self.listings), tuple(self.requests), self.problem)


class SettlingSpiderMiddleware:
    """Keeps walls away from the callbacks, and hands all that a callback says to one transaction.

    Nothing goes on to Scrapy: further requests are in the frontier, listings in the ledger.
    """

    def __init__(self, crawler: Crawler) -> None:
        """Know the crawl."""
        self.settler = Settler(running(crawler))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> SettlingSpiderMiddleware:
        """Scrapy's way of making one."""
        return cls(crawler)

    def process_spider_input(self, response: Response) -> None:
        """Only a page is ever read."""
        if response.meta.get("outcome") != Outcome.PAGE:
            raise NotAListing(str(response.meta.get("outcome")))

    def process_spider_exception(self, response: Response, exception: Exception) -> Iterable[Any] | None:
        """A wall or an error settles its address, or has it tried again; it is not a failure of the spider."""
        if not isinstance(exception, NotAListing) or response.request is None:
            return None
        self.settler.failed(response.request, Outcome(str(response.meta.get("outcome"))), exception)
        return []

    def process_spider_output(self, response: Response, result: Iterable[Any]) -> Iterator[Any]:
        """Gather and settle, for callbacks that are generators. What was said before a failure counts."""
        gathered = _Gathered()
        try:
            for one in result:
                gathered.take(one)
        except Unreadable as error:
            gathered.problem = str(error)
        finally:
            self._settle(response, gathered)
        return iter(())

    async def process_spider_output_async(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Gather and settle, for asynchronous callbacks."""
        gathered = _Gathered()
        try:
            async for one in result:
                gathered.take(one)
        except Unreadable as error:
            gathered.problem = str(error)
        finally:
            self._settle(response, gathered)
        return
        yield

    def _settle(self, response: Response, gathered: _Gathered) -> None:
        if response.request is not None:
            self.settler.read(response.request, gathered.told())
