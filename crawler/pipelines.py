"""From a spider's items to the ledger: one duty each. No evidence, no item."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem, IgnoreRequest
from scrapy.http import Request, Response

from crawler.items import FoundListing
from crawler.outcomes import Outcome
from crawler.recording import record_listing
from ledger import Ledger
from ledger.models import Capture


@dataclass(frozen=True)
class Evidenced:
    """A listing with the capture it was read from."""

    listing: FoundListing
    capture_id: int | None
    parser_version: str


class NotAListing(IgnoreRequest):
    """The answer is a wall or an error: no callback reads it."""


class EvidenceSpiderMiddleware:
    """Keeps walls away from the callbacks, and ties each listing to the capture of its response."""

    def __init__(self, crawler: Crawler) -> None:
        """Know the crawl, for its spider's parser version."""
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> EvidenceSpiderMiddleware:
        """Scrapy's way of making one."""
        return cls(crawler)

    def process_spider_input(self, response: Response) -> None:
        """Only a page is ever read."""
        if response.meta.get("outcome") != Outcome.PAGE:
            raise NotAListing(str(response.meta.get("outcome")))

    def process_spider_exception(
        self,
        response: Response,  # noqa: ARG002
        exception: Exception,
    ) -> Iterable[Any] | None:
        """A wall is recorded already; it is not a failure of the spider."""
        return [] if isinstance(exception, NotAListing) else None

    def process_spider_output(self, response: Response, result: Iterable[Any]) -> Iterator[Any]:
        """Tie, for callbacks that are generators."""
        for item in result:
            yield self._tied(response, item)

    async def process_spider_output_async(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Tie, for asynchronous callbacks."""
        async for item in result:
            yield self._tied(response, item)

    def _tied(self, response: Response, item: Any) -> Any:
        if isinstance(item, FoundListing):
            version = str(getattr(self.crawler.spider, "parser_version", ""))
            return Evidenced(item, response.meta.get("capture_id"), version)
        if isinstance(item, Request):  # what belongs to one answer must not travel to the next
            for key in ("capture_id", "outcome", "exchange"):
                item.meta.pop(key, None)
        return item


class RequireEvidence:
    """An item without a capture is an error, counted and refused."""

    def __init__(self, crawler: Crawler) -> None:
        """Know the crawl's counters."""
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RequireEvidence:
        """Scrapy's way of making one."""
        return cls(crawler)

    def process_item(self, item: Any) -> Evidenced:
        """Pass an item with evidence, refuse any other."""
        if not isinstance(item, Evidenced) or item.capture_id is None:
            self.crawler.settings["VIGIE_COUNTS"]["items_without_evidence"] += 1
            raise DropItem("no evidence, no item")
        return item


class RecordListing:
    """Writes the listing and its passages, and takes no listing beyond the wanted number."""

    def __init__(self, crawler: Crawler, ledger: Ledger) -> None:
        """Write into `ledger`."""
        self.crawler = crawler
        self.ledger = ledger
        self.limit = crawler.settings.get("VIGIE_LIMIT")
        self.counts: Counter[str] = crawler.settings["VIGIE_COUNTS"]
        self.keys: set[str] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RecordListing:
        """Open the ledger the settings name."""
        settings = crawler.settings
        ledger = Ledger.open(Path(settings["VIGIE_HOME"]), settings.get("VIGIE_DATABASE_URL"), create=False)
        return cls(crawler, ledger)

    def process_item(self, item: Evidenced) -> Evidenced:
        """Record it against its capture; beyond the limit nothing new is taken."""
        if self.limit and len(self.keys) >= self.limit and item.listing.key not in self.keys:
            raise DropItem("beyond the wanted number of listings")
        if item.capture_id is None:
            raise DropItem("no evidence, no item")
        with self.ledger.session() as session:
            if session.get(Capture, item.capture_id) is None:
                raise DropItem("its capture is not in the ledger")
            added = record_listing(session, item.listing, item.capture_id, item.parser_version)
        self.keys.add(item.listing.key)
        self.counts["new_listings"] += added.listings
        self.counts["passages"] += added.passages
        self.counts["listings"] = len(self.keys)
        return item
