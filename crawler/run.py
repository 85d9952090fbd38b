"""Run one crawl: Scrapy in a process of its own, told its task as JSON and telling its progress as JSON lines.

A reactor starts once a process; a process per crawl lets one program crawl many times and survive a crash of Scrapy's.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from crawler.frontier import open_round, scope_of
from crawler.guard import HostRefused, check
from crawler.pace import Agreement, Pace, lock_key, name_of
from crawler.politeness import Manners
from crawler.revisits import Cycle
from crawler.running import Running, attach, close_soon, running
from crawler.settings import SOFTWARE, TOKEN, scrapy_settings, user_agent
from ledger import Ledger, StoreFull
from ledger.events import record
from reference import load_reference
from reference.errors import VigieError


class UnknownPlatform(VigieError):
    """There is no such platform, or no spider for it."""


class NothingToCrawl(VigieError):
    """The platform has no address of its own to begin at and none was given."""


class Unreachable(VigieError):
    """Not one request of the run got an answer."""


class AlreadyCrawling(VigieError):
    """Another run, perhaps on another machine, is crawling this platform."""


class CrawlFailed(VigieError):
    """The crawling process ended without a report."""


@dataclass(frozen=True)
class CrawlSpec:
    """What to crawl. `delay_seconds` shortens the pause for `allow_hosts` ("host:port") and for no other.

    `due_only`: only what is due, of all that is known of the platform. Otherwise the start addresses and all that is
    reached from them; an unfinished run of the same command is gone on with.
    """

    home: Path
    database_url: str | None
    platform: str
    start_urls: tuple[str, ...]
    limit: int | None = None
    allow_hosts: tuple[str, ...] = ()
    delay_seconds: float | None = None
    contact: str = "vigie@example.org"
    due_only: bool = False
    agreements: tuple[Agreement, ...] = ()


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
    resumed: bool = False  # an unfinished run of the same command was gone on with
    left: int = 0  # addresses that wait for the next run
    unchanged: int = 0  # pages that were what they were
    vanished: int = 0
    new_listings: int = 0
    unreadable: int = 0  # pages whose parser could not read them
    refusals: list[str] = field(default_factory=list)  # hosts that said no, and why

    def as_json(self) -> dict[str, Any]:
        """The report as one object for machines."""
        return asdict(self)


NOT_OUTCOMES = frozenset(
    (
        "bytes",
        "listings",
        "new_listings",
        "passages",
        "items_without_evidence",
        "unreadable_listings",
        "unchanged",
        "vanished",
        "tries",
    )
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
    return replace(spec, start_urls=starts)


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
            "AlreadyCrawling": AlreadyCrawling,
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
        crawler.signals.connect(self.answered, signal=signals.request_left_downloader)

    @classmethod
    def from_crawler(cls, crawler: Any) -> TellProgress:
        """Scrapy's way of making one."""
        return cls(crawler)

    def answered(self) -> None:
        """Tell the counts so far."""
        counts = running(self.crawler).counts
        captures = sum(value for key, value in counts.items() if key not in NOT_OUTCOMES)
        try:
            _tell({"progress": asdict(Progress(captures, counts["listings"], counts["passages"]))})
        except BrokenPipeError:
            close_soon(self.crawler, "abandoned")


def _delay(spec: CrawlSpec) -> float:
    """The platform's own pause in seconds: every host that was not named with a delay gets it."""
    return float(load_reference().platforms[spec.platform].delay_seconds)


def _pace(spec: CrawlSpec, ledger: Ledger) -> Pace:
    """The platform's rules for any host; for those the operator named, any hour and, if given, the shorter pause."""
    watch = load_reference().watch_of(spec.platform)
    usual = Manners(_delay(spec), watch.hours, watch.daily_budget)
    short = spec.delay_seconds
    own = Manners(_delay(spec)) if short is None else Manners(short, adaptive=False)
    return Pace(ledger, usual, {name_of(place): own for place in spec.allow_hosts}, spec.agreements)


def _settings(spec: CrawlSpec, round_id: int) -> dict[str, Any]:
    watch = load_reference().watch_of(spec.platform)
    return {
        **scrapy_settings(spec.contact),
        "EXTENSIONS": {"crawler.run.TellProgress": 500},
        "LOG_FILE": str(spec.home / "crawl.log"),
        "LOG_LEVEL": "INFO",
        "VIGIE_ALLOW_HOSTS": list(spec.allow_hosts),
        "VIGIE_ROUND_ID": round_id,
        "VIGIE_CYCLE": Cycle(watch.usual_days, watch.shortest_days, watch.longest_days),
    }


@contextmanager
def _alone(ledger: Ledger, platform: str) -> Iterator[None]:
    """One run a platform, whatever machine it is on. Raises `AlreadyCrawling`. On SQLite the home's lock does it."""
    if ledger.engine.dialect.name != "postgresql":
        yield
        return
    with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"key": lock_key(f"platform:{platform}")}
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
            raise AlreadyCrawling(f"{platform} is being crawled by another run")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _begin(ledger: Ledger, spec: CrawlSpec) -> tuple[int, int, bool]:
    """The row of this run, the round it belongs to, and whether it goes on with one."""
    from crawler.recording import open_crawl

    ledger.store.sweep()
    kind = "due" if spec.due_only else "limited" if spec.limit else "full"
    with ledger.session() as session:
        scope = scope_of(spec.start_urls, spec.limit)
        round_, resumed = open_round(session, spec.platform, kind, scope, datetime.now(UTC))
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
            round=round_.id,
            agreements=[f"{one.host}: {one.reference}" for one in spec.agreements],
        )
        return row.id, round_.id, resumed


def run_here(spec: CrawlSpec) -> CrawlReport:
    """Crawl in this process, once. Raises `Unreachable`, `HostRefused`, `AlreadyCrawling` or `StoreFull`."""
    ledger = Ledger.open(spec.home, spec.database_url)
    logging.raiseExceptions = False  # a log that cannot be written must not bury the error it was about
    try:
        with _alone(ledger, spec.platform):
            return _run(spec, ledger)
    finally:
        ledger.close()


def _run(spec: CrawlSpec, ledger: Ledger) -> CrawlReport:
    from scrapy.crawler import CrawlerProcess

    crawl_id, round_id, resumed = _begin(ledger, spec)
    run = Running(
        ledger,
        crawl_id,
        _pace(spec, ledger),
        TOKEN,
        spec.limit,
        spec.allow_hosts,
        frozenset(load_reference().platforms[spec.platform].hosts) | {name_of(place) for place in spec.allow_hosts},
    )
    process = CrawlerProcess(_settings(spec, round_id))
    crawler = process.create_crawler(spec.platform)
    attach(crawler, run)
    began = datetime.now(UTC)
    process.crawl(crawler, start_urls=list(spec.start_urls), limit=spec.limit)
    process.start()
    run.pace.close()
    finished = run.frontier is not None and not run.stopped and run.frontier.finish()
    report = _report(run, resumed, (datetime.now(UTC) - began).total_seconds(), finished=finished)
    with ledger.session() as session:
        record(session, "crawl_finished", "crawl", crawl_id, "vigie", **report.as_json())
    _judge(spec, report, run.failures)
    return report


def _report(run: Running, resumed: bool, seconds: float, *, finished: bool) -> CrawlReport:
    counts = run.counts
    return CrawlReport(
        crawl_id=run.crawl_id,
        captures={key: counts[key] for key in sorted(counts) if key not in NOT_OUTCOMES},
        listings=counts["listings"],
        passages=counts["passages"],
        bytes=counts["bytes"],
        seconds=round(seconds, 2),
        items_without_evidence=counts["items_without_evidence"],
        stopped=", ".join(run.stopped),
        refused=sorted(set(run.refused)),
        resumed=resumed,
        left=0 if finished or run.frontier is None else run.frontier.left,
        unchanged=counts["unchanged"],
        vanished=counts["vanished"],
        new_listings=counts["new_listings"],
        unreadable=counts["unreadable_listings"],
        refusals=[f"{host}: {reason}" for host, reason in run.refusals],
    )


def _judge(spec: CrawlSpec, report: CrawlReport, failures: list[str]) -> None:
    """A run that met nothing but failure is an error, not an empty success."""
    if failures:
        raise StoreFull(failures[0])
    answered = set(report.captures) - {"no_answer", "bad_certificate"}
    if not answered and report.refused:
        raise HostRefused(report.refused[0])
    if not answered and report.captures:
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
            "agreements": tuple(Agreement(**one) for one in task.get("agreements", ())),
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
