"""The way to the network: a request that was let out leaves once. It decides nothing about when, and keeps nothing."""

from __future__ import annotations

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler


class OnceHandler(HTTP11DownloadHandler):
    """Scrapy's handler of http and https, whose connections do not ask a second time by themselves.

    Twisted repeats a request at once when a kept connection closes before the answer: past the pause, the count and
    the ledger, and while the server may still be at work on the first. The frontier tries again when its time has come.
    """

    def __init__(self, crawler: Crawler) -> None:
        """As Scrapy's, with the pool of connections told."""
        super().__init__(crawler)
        self._pool.retryAutomatically = False
