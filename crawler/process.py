"""One crawl inside its process: ledger, pace, frontier and Scrapy put together, and the report at the end.

It is begun by `crawler.run`; it decides no pause and reads no page.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from crawler.frontier import open_round, scope_of
from crawler.guard import HostRefused
from crawler.pace import Pace, lock_key, name_of
from crawler.politeness import Manners
from crawler.recording import open_crawl
from crawler.revisits import Cycle
from crawler.run import NOT_OUTCOMES, AlreadyCrawling, CrawlReport, CrawlSpec, Progress, Unreachable
from crawler.running import Running, attach, close_soon, running
from crawler.settings import SOFTWARE, TOKEN, scrapy_settings, user_agent
from crawler.watching import Facts, facts_of, judge, past_of
from ledger import Ledger, StoreFull
from ledger.events import record
from ledger.frontier import RunReport
from ledger.sealing.seals import make_seals
from reference import load_reference


def tell(message: dict[str, Any]) -> None:
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
            tell({"progress": asdict(Progress(captures, counts["listings"], counts["passages"]))})
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
        "EXTENSIONS": {"crawler.process.TellProgress": 500},
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
    report = _watched(spec, run, report, complete=finished and not spec.limit and not spec.due_only)
    with ledger.session() as session:
        record(session, "crawl_finished", "crawl", crawl_id, "vigie", **report.as_json())
    make_seals(ledger, SOFTWARE, crawl_id=crawl_id)
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


def _watched(spec: CrawlSpec, run: Running, report: CrawlReport, *, complete: bool) -> CrawlReport:
    """The report with what the watchmen say of the run, which is kept beside it."""
    facts = Facts(
        outcomes=report.captures,
        listings=report.listings,
        complete=complete,
        unchanged=report.unchanged,
        changed=run.counts["changed"],
        revisited=run.counts["revisited"],
        emptied=run.counts["emptied"],
        vanished=report.vanished,
        unreadable=report.unreadable,
        refusals=report.refusals,
    )
    with run.ledger.session() as session:
        past = past_of(session, spec.platform)
        facts_of(session, report.crawl_id, facts)
        alarms = judge(facts, past, load_reference().watch_of(spec.platform))
        held = any(alarm.holds for alarm in alarms)
        session.add(
            RunReport(
                crawl_id=report.crawl_id,
                platform=spec.platform,
                made_at=datetime.now(UTC),
                figures=facts.as_json(),
                alarms=[f"{alarm.kind}: {alarm.text}" for alarm in alarms],
                held=held,
            )
        )
    return replace(report, alarms=[f"{alarm.kind}: {alarm.text}" for alarm in alarms], held=held)


def _judge(spec: CrawlSpec, report: CrawlReport, failures: list[str]) -> None:
    """A run that met nothing but failure is an error, not an empty success."""
    if failures:
        raise StoreFull(failures[0])
    answered = set(report.captures) - {"no_answer", "bad_certificate"}
    if not answered and report.refused:
        raise HostRefused(report.refused[0])
    if not answered and report.captures:
        raise Unreachable(f"{spec.start_urls[0]}: no answer to any request")
