"""Scrapy's settings for one run: obey robots.txt, one request at a time per host, say who we are, keep no cookie."""

from __future__ import annotations

from typing import Any

VERSION = "0.1.0"
SOFTWARE = f"vigie {VERSION}"
TOKEN = "Vigie"  # the product token robots.txt speaks of
MAX_BODY = 16 * 1024 * 1024  # bytes: no listing is larger
PATIENCE = 600.0  # seconds: a host that rests for longer is left for another run
TIMEOUT = 60  # seconds: the slowest platform answers within it

BOT_NAME = "vigie"
SPIDER_MODULES = ["crawler.spiders"]
NEWSPIDER_MODULE = "crawler.spiders"


def user_agent(contact: str) -> str:
    """The honest name every request carries: software, version and where to write."""
    return f"{TOKEN}/{VERSION} (+mailto:{contact})"


def scrapy_settings(contact: str) -> dict[str, Any]:
    """The settings of every run. The pause between requests is not Scrapy's: the gate in `crawler.capture` keeps it."""
    return {
        "BOT_NAME": BOT_NAME,
        "SPIDER_MODULES": SPIDER_MODULES,
        "USER_AGENT": user_agent(contact),
        "ROBOTSTXT_OBEY": True,  # by crawler.obey
        "SCHEDULER": "crawler.scheduler.LedgerScheduler",
        "CONCURRENT_REQUESTS": 8,
        "CONCURRENT_ITEMS": 1,  # workers made for each answer: one transaction takes all it says, and hands nothing on
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": 0,
        "DOWNLOAD_DELAY_JITTER": 0,
        "DOWNLOAD_TIMEOUT": TIMEOUT,
        "DOWNLOAD_MAXSIZE": MAX_BODY,
        "DOWNLOAD_FAIL_ON_DATALOSS": True,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
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
        "REDIRECT_MAX_TIMES": 5,
        "DOWNLOAD_HANDLERS": {
            "http": "crawler.network.OnceHandler",
            "https": "crawler.network.OnceHandler",
            **dict.fromkeys(("data", "file", "ftp", "s3")),
        },
        "RETRY_ENABLED": False,  # the frontier tries again, when the host's pause allows it
        "DNS_RESOLVER": "crawler.guard.GuardedResolver",
        "TWISTED_DNS_RESOLVER": "crawler.guard.GuardedResolver",
        "DOWNLOADER_MIDDLEWARES": {
            "crawler.guard.GuardMiddleware": 50,
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "crawler.obey.RobotsMiddleware": 100,
            "crawler.capture.CaptureMiddleware": 895,
        },
        "SPIDER_MIDDLEWARES": {
            "crawler.pipelines.SettlingSpiderMiddleware": 20,  # and nothing after it: it hands nothing on
            "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,
            "scrapy.spidermiddlewares.referer.RefererMiddleware": None,
            "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,
            "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
        },
    }
