"""Scrapy's settings for one run: obey robots.txt, one request at a time per host, say who we are, keep no cookie."""

from __future__ import annotations

from collections import Counter
from typing import Any

VERSION = "0.1.0"
SOFTWARE = f"vigie {VERSION}"
MAX_BODY = 16 * 1024 * 1024  # bytes: no listing is larger
LEAST_DELAY = 0.005  # seconds: at 0, Scrapy 2.19 empties a host's queue at once whatever the concurrency allowed
TIMEOUT = 60  # seconds: the slowest platform answers within it

BOT_NAME = "vigie"
SPIDER_MODULES = ["crawler.spiders"]
NEWSPIDER_MODULE = "crawler.spiders"


def user_agent(contact: str) -> str:
    """The honest name every request carries: software, version and where to write."""
    return f"Vigie/{VERSION} (+mailto:{contact})"


def scrapy_settings(contact: str, delay: float) -> dict[str, Any]:
    """The settings of a run; `delay` in seconds between two requests to one host."""
    return {
        "BOT_NAME": BOT_NAME,
        "SPIDER_MODULES": SPIDER_MODULES,
        "USER_AGENT": user_agent(contact),
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": "Vigie",
        "CONCURRENT_REQUESTS": 8,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": max(delay, LEAST_DELAY),
        "DOWNLOAD_DELAY_JITTER": 0,
        "DOWNLOAD_TIMEOUT": TIMEOUT,
        "DOWNLOAD_MAXSIZE": MAX_BODY,
        "COOKIES_ENABLED": False,
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/json;q=0.9,*/*;q=0.8",
            "Accept-Language": "fr",
            "Accept-Encoding": "gzip, deflate, br",  # what `ledger` can unpack again
        },
        "HTTPPROXY_ENABLED": False,
        "HTTPCACHE_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
        "REDIRECT_MAX_TIMES": 5,
        "RETRY_TIMES": 1,
        "RETRY_HTTP_CODES": [429, 500, 502, 503, 504],
        "DNS_RESOLVER": "crawler.guard.GuardedResolver",
        "TWISTED_DNS_RESOLVER": "crawler.guard.GuardedResolver",
        "DOWNLOADER_MIDDLEWARES": {
            "crawler.guard.GuardMiddleware": 50,
            "crawler.capture.CaptureMiddleware": 895,
        },
        "SPIDER_MIDDLEWARES": {"crawler.pipelines.EvidenceSpiderMiddleware": 20},
        "ITEM_PIPELINES": {
            "crawler.pipelines.RequireEvidence": 100,
            "crawler.pipelines.RecordListing": 300,
        },
        "VIGIE_COUNTS": Counter(),
        "VIGIE_STOPPED": [],
        "VIGIE_REFUSED": [],
        "VIGIE_FAILURE": [],
    }
