"""Run one crawl: Scrapy in a process of its own, told its task as JSON and telling its progress as JSON lines.

A reactor starts once a process; a process per crawl lets one program crawl many times and survive a crash of Scrapy's.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crawler.guard import HostRefused, check
from crawler.settings import LEAST_DELAY, SOFTWARE, scrapy_settings, user_agent
from ledger import Ledger, StoreFull
from ledger.events import record
from ledger.sealing.seals import make_seals
from reference import load_reference
from reference.errors import VigieError


class UnknownPlatform(VigieError):
    """There is no such platform, or no spider for it."""


class NothingToCrawl(VigieError):
    """The platform has no address of its own to begin at and none was given."""


class Unreachable(VigieError):
    """Not one request of the run got an answer."""


class CrawlFailed(VigieError):
    """The crawling process ended without a report."""


@dataclass(frozen=True)
class CrawlSpec:
    """What to crawl. `delay_seconds` shortens the pause for `allow_hosts` ("host:port") and for no other."""

    home: Path
    database_url: str | None
    platform: str
    start_urls: tuple[str, ...]
    limit: int | None = None
    allow_hosts: tuple[str, ...] = ()
    delay_seconds: float | None = None
    contact: str = "vigie@example.org"


@dataclass(frozen=True)
class Progress:
    """How far the crawl is."""

    captures: int
    listings: int
    passages: int


@dataclass(frozen=True)
class CrawlReport:
    """What a crawl did: captures by outcome, listings and passages recorded, why it ended early if it did."""

    crawl_id: int
    captures: dict[str, int]
    listings: int
    passages: int
    bytes: int
    seconds: float
    items_without_evidence: int = 0
    stopped: str = ""
    refused: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The report as one object for machines."""
        return asdict(self)


NOT_OUTCOMES = frozenset(
    ("bytes", "listings", "new_listings", "passages", "items_without_evidence", "unreadable_listings")
)


def resolve(spec: CrawlSpec) -> CrawlSpec:
    """The spec with its start addresses, checked. Raises `UnknownPlatform`, `NothingToCrawl` or `HostRefused`."""
    platforms = load_reference().platforms
    if spec.platform not in platforms:
        raise UnknownPlatform(f"{spec.platform}: no such platform; there are {', '.join(sorted(platforms))}")
    starts = spec.start_urls or tuple(platforms[spec.platform].start_urls)
    if not starts:
        raise NothingToCrawl(f"{spec.platform}: name where to begin with --start")
    for url in starts:
        check(url, spec.allow_hosts)
    if spec.delay_seconds is not None and not spec.allow_hosts:
        raise HostRefused("--delay goes with --allow-host: it shortens the pause for those hosts and for no other")
    return CrawlSpec(**{**asdict(spec), "start_urls": starts, "home": spec.home})


def crawl(spec: CrawlSpec, on_progress: Callable[[Progress], None] | None = None) -> CrawlReport:
    """Crawl in a subprocess and return its report. Every failure of the run is a `VigieError` of one line."""
    spec = resolve(spec)
    task = json.dumps({**asdict(spec), "home": str(spec.home.absolute())})
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler.run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    if process.stdin is None or process.stdout is None:
        raise CrawlFailed("the crawling process has no pipes")
    answer: dict[str, Any] = {}
    try:
        process.stdin.write(task)
        process.stdin.close()
        for line in process.stdout:
            message = json.loads(line)
            if "progress" in message and on_progress is not None:
                on_progress(Progress(**message["progress"]))
            answer = message
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=30)
        process.stdout.close()
    if "report" in answer:
        return CrawlReport(**answer["report"])
    if "error" in answer:
        kinds: dict[str, type[VigieError]] = {
            "Unreachable": Unreachable,
            "HostRefused": HostRefused,
            "StoreFull": StoreFull,
        }
        raise kinds.get(answer["error"]["kind"], CrawlFailed)(answer["error"]["message"])
    raise CrawlFailed(f"the crawling process ended with status {process.returncode} and no report")


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class TellProgress:
    """Scrapy extension: one line of progress an answer; ends the crawl when nobody listens any more."""

    def __init__(self, crawler: Any) -> None:
        """Listen to the answers of this crawl."""
        from scrapy import signals

        self.crawler = crawler
        crawler.signals.connect(self.answered, signal=signals.response_received)

    @classmethod
    def from_crawler(cls, crawler: Any) -> TellProgress:
        """Scrapy's way of making one."""
        return cls(crawler)

    def answered(self) -> None:
        """Tell the counts so far."""
        counts = self.crawler.settings["VIGIE_COUNTS"]
        captures = sum(value for key, value in counts.items() if key not in NOT_OUTCOMES)
        try:
            _tell({"progress": asdict(Progress(captures, counts["listings"], counts["passages"]))})
        except BrokenPipeError:
            from crawler.capture import close_soon

            close_soon(self.crawler, "abandoned")


def _slots(spec: CrawlSpec) -> dict[str, dict[str, float]]:
    """The shorter pause, for the hosts the operator named and for no other, also when a link leads elsewhere."""
    if spec.delay_seconds is None:
        return {}
    delay = max(spec.delay_seconds, LEAST_DELAY)
    return {host.rsplit(":", 1)[0].lower(): {"concurrency": 1, "delay": delay} for host in spec.allow_hosts}


def _delay(spec: CrawlSpec) -> float:
    """The platform's own pause in seconds: every host that was not named with a delay gets it."""
    return float(load_reference().platforms[spec.platform].delay_seconds)


def _settings(spec: CrawlSpec, crawl_id: int) -> dict[str, Any]:
    return {
        **scrapy_settings(spec.contact, _delay(spec)),
        "DOWNLOAD_SLOTS": _slots(spec),
        "EXTENSIONS": {"crawler.run.TellProgress": 500},
        "LOG_FILE": str(spec.home / "crawl.log"),
        "LOG_LEVEL": "INFO",
        "VIGIE_HOME": str(spec.home),
        "VIGIE_DATABASE_URL": spec.database_url,
        "VIGIE_CRAWL_ID": crawl_id,
        "VIGIE_LIMIT": spec.limit,
        "VIGIE_ALLOW_HOSTS": list(spec.allow_hosts),
        "VIGIE_DELAY": spec.delay_seconds,
    }


def _begin(ledger: Ledger, spec: CrawlSpec) -> int:
    from crawler.recording import open_crawl

    ledger.store.sweep()
    with ledger.session() as session:
        row = open_crawl(
            session,
            spec.platform,
            "live",
            SOFTWARE,
            user_agent=user_agent(spec.contact),
            start_urls=list(spec.start_urls),
            limit=spec.limit,
            allow_hosts=list(spec.allow_hosts),
            delay_seconds=_delay(spec) if spec.delay_seconds is None else spec.delay_seconds,
        )
        return row.id


def run_here(spec: CrawlSpec) -> CrawlReport:
    """Crawl in this process, once. Raises `Unreachable`, `HostRefused` or `StoreFull`."""
    from scrapy.crawler import CrawlerProcess

    ledger = Ledger.open(spec.home, spec.database_url)
    logging.raiseExceptions = False  # a log that cannot be written must not bury the error it was about
    crawl_id = _begin(ledger, spec)
    settings = _settings(spec, crawl_id)
    process = CrawlerProcess(settings)
    crawler = process.create_crawler(spec.platform)
    began = datetime.now(UTC)
    process.crawl(crawler, start_urls=list(spec.start_urls), limit=spec.limit)
    process.start()
    counts = crawler.settings["VIGIE_COUNTS"]
    report = CrawlReport(
        crawl_id=crawl_id,
        captures={key: counts[key] for key in sorted(counts) if key not in NOT_OUTCOMES},
        listings=counts["listings"],
        passages=counts["passages"],
        bytes=counts["bytes"],
        seconds=round((datetime.now(UTC) - began).total_seconds(), 2),
        items_without_evidence=counts["items_without_evidence"],
        stopped=", ".join(crawler.settings["VIGIE_STOPPED"]),
        refused=sorted(set(crawler.settings["VIGIE_REFUSED"])),
    )
    with ledger.session() as session:
        record(session, "crawl_finished", "crawl", crawl_id, "vigie", **report.as_json())
    make_seals(ledger, SOFTWARE, crawl_id=crawl_id)
    ledger.close()
    _judge(spec, report, crawler.settings["VIGIE_FAILURE"])
    return report


def _judge(spec: CrawlSpec, report: CrawlReport, failures: list[str]) -> None:
    """A run that met nothing but failure is an error, not an empty success."""
    if failures:
        raise StoreFull(failures[0])
    if not set(report.captures) - {"no_answer"}:
        if report.refused:
            raise HostRefused(report.refused[0])
        raise Unreachable(f"{spec.start_urls[0]}: no answer to any request")


def main() -> int:
    """Read a spec from standard input, crawl, tell the report or the error."""
    task = json.loads(sys.stdin.read())
    spec = CrawlSpec(
        **{
            **task,
            "home": Path(task["home"]),
            "start_urls": tuple(task["start_urls"]),
            "allow_hosts": tuple(task["allow_hosts"]),
        }
    )
    try:
        _tell({"report": run_here(spec).as_json()})
    except VigieError as error:
        _tell({"error": {"kind": type(error).__name__, "message": str(error)}})
        return 2
    except BrokenPipeError:
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
