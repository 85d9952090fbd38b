"""The job of clean captures: visit what is due, one page at a time, politely. It decides nothing about a case.

Whoever runs it (the command, a timer, the demo) gets one result a page; without a Chromium it says so before any visit.
Hosts are asked at the pace of crawls, whose memory it shares: pauses, hours, daily budget, rest, the kill switch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from crawler.browser import ChromiumMissing, Limits, Order, RobotsBook, find_chromium, take
from crawler.frontier import host_of
from crawler.pace import Agreement, Pace, name_of
from crawler.politeness import WALLS, Manners
from ledger import Ledger
from ledger.clean_captures import KeptCapture, Target, keep, target_of, watched
from ledger.clean_facts import Taken
from ledger.clean_schedule import Due, Why, due, next_due
from ledger.frontier import stopped
from monitor.settings import Settings
from reference import load_reference
from reference.errors import VigieError

SAID_NO = frozenset({*WALLS, "forbidden_by_robots"})  # such a site is asked nothing more in this run
AS_A_CRAWL = {"timed_out": "no_answer", "tls_error": "bad_certificate"}  # what these are to a host's pace
LONGEST_WAIT = 600.0  # seconds a run waits for one host; beyond it the page is left for the next run
OnVisit = Callable[[KeptCapture], None]


class NoSuchCase(VigieError):
    """The ledger holds no case of that number, or one without wording."""


@dataclass(frozen=True)
class Ways:
    """How to visit: as the order of one page (`crawler.browser.Order`), but for the page itself."""

    contact: str
    allow_hosts: tuple[str, ...] = ()
    delay_seconds: float | None = None  # shortens the pause for `allow_hosts` and for no other
    ntp_servers: tuple[str, ...] = ()
    address_service: str = ""
    agreements: tuple[Agreement, ...] = ()
    limits: Limits = field(default_factory=Limits)
    extra_flags: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings, allow_hosts: Iterable[str] = (), delay_seconds: float | None = None) -> Ways:
        """The ways of this installation."""
        from monitor.schedule import agreements_of

        return cls(
            settings.contact,
            tuple(allow_hosts),
            delay_seconds,
            tuple(settings.ntp_servers),
            settings.address_service,
            agreements_of(settings),
        )


@dataclass(frozen=True)
class Planned:
    """A visit that is due, and its page."""

    due: Due
    target: Target


@dataclass(frozen=True)
class Left:
    """A visit that was due and not made, and why."""

    planned: Planned
    reason: str


@dataclass(frozen=True)
class VisitReport:
    """What one run did: visits made, and what was left for another."""

    visits: tuple[KeptCapture, ...]
    left: tuple[Left, ...] = ()


def due_now(ledger: Ledger, now: datetime | None = None, limit: int | None = None) -> list[Planned]:
    """What is due, longest waiting first. A case whose wording is not in the ledger any more has no page to visit."""
    with ledger.session() as session:
        found = due(watched(session), now or datetime.now(UTC))
        with_page = ((one, target_of(session, one.case_id)) for one in found)
        return list(islice((Planned(one, target) for one, target in with_page if target is not None), limit))


def second_due(ledger: Ledger, case_id: int) -> datetime | None:
    """When the second visit of a case is due; None when it is not the second that comes next."""
    with ledger.session() as session:
        following = [one for case in watched(session, [case_id]) if (one := next_due(case)) is not None]
    return next((one.since for one in following if one.why is Why.SECOND), None)


def visit_due(
    ledger: Ledger, ways: Ways, *, limit: int | None = None, actor: str = "vigie", on_visit: OnVisit | None = None
) -> VisitReport:
    """Visit what is due now. Raises `ChromiumMissing` before anything is asked, `StoreFull` or `LedgerUnavailable`."""
    return _visit(ledger, ways, due_now(ledger, limit=limit), actor, on_visit)


def visit_cases(
    ledger: Ledger,
    ways: Ways,
    cases: Sequence[int],
    *,
    actor: str = "vigie",
    on_visit: OnVisit | None = None,
) -> VisitReport:
    """Visit the pages of these cases now, whatever the schedule says. Raises `NoSuchCase` before anything is asked."""
    now = datetime.now(UTC)
    wanted = []
    with ledger.session() as session:
        for case in dict.fromkeys(cases):
            target = target_of(session, case)
            if target is None:
                raise NoSuchCase(f"{case}: no such case with wording to look for")
            wanted.append(Planned(Due(case, now, Why.REVISIT), target))
    return _visit(ledger, ways, wanted, actor, on_visit)


def _visit(ledger: Ledger, ways: Ways, wanted: Sequence[Planned], actor: str, on_visit: OnVisit | None) -> VisitReport:
    if wanted and find_chromium() is None:
        raise ChromiumMissing("no Chromium is installed: `make setup` says how to get one")
    run = _Run(ledger, ways, actor)
    visits: list[KeptCapture] = []
    left: list[Left] = []
    try:
        for one in wanted:
            reason = run.why_not(one.target)
            if reason:
                left.append(Left(one, reason))
                continue
            visits.append(run.visit(one.target))
            if on_visit is not None:
                on_visit(visits[-1])
    finally:
        run.close()
    return VisitReport(tuple(visits), tuple(left))


class _Run:
    """One run: the robots.txt it has read, the hosts it asks, those that have said no."""

    def __init__(self, ledger: Ledger, ways: Ways, actor: str) -> None:
        self.ledger, self.ways, self.actor = ledger, ways, actor
        self.book = RobotsBook()
        self.paces: dict[str, Pace] = {}
        self.closed: set[str] = set()

    def why_not(self, target: Target) -> str:
        """Why the page is left for another run, or "" once its host may be asked; waits ten minutes at most."""
        host = host_of(target.url)
        with self.ledger.session() as session:
            reason = stopped(session, self.ledger.home)
        if reason:
            return reason
        if host in self.closed:
            return "the site has said no in this run"
        moment, reason = self._pace(target).host(host).earliest(time.time())
        wait = moment - time.time()
        if wait > LONGEST_WAIT:
            return reason
        time.sleep(max(0.0, wait))
        return ""

    def visit(self, target: Target) -> KeptCapture:
        """Visit, keep, and remember how the host was asked."""
        pace, host = self._pace(target), host_of(target.url)
        pace.sent(host)
        taken = take(self._order(target, pace), self.book)
        self._remember(pace, host, taken)
        if taken.outcome in SAID_NO:
            self.closed.add(host)
        return keep(self.ledger, target, taken, self.actor)

    def _remember(self, pace: Pace, host: str, taken: Taken) -> None:
        policy = pace.host(host)
        if not pace.is_shortened(host):
            policy.learn_crawl_delay(self.book.crawl_delay(taken.url))
        seconds = (taken.ended_at - taken.started_at).total_seconds()
        policy.state.day_count += max(0, taken.requests - 1)
        policy.state.last_sent = time.time()
        pace.answered(host, AS_A_CRAWL.get(taken.outcome, taken.outcome), seconds, taken.rest_asked)

    def _pace(self, target: Target) -> Pace:
        """The rules of the platform for any host, and the operator's for those he named."""
        reference = load_reference()
        code = target.platform if target.platform in reference.platforms else "practice_site"
        if code not in self.paces:
            delay, watch = float(reference.platforms[code].delay_seconds), reference.watch_of(code)
            short = self.ways.delay_seconds
            own = Manners(delay) if short is None else Manners(short, adaptive=False)
            named = {name_of(place): own for place in self.ways.allow_hosts}
            usual = Manners(delay, watch.hours, watch.daily_budget)
            self.paces[code] = Pace(self.ledger, usual, named, self.ways.agreements)
        return self.paces[code]

    def _order(self, target: Target, pace: Pace) -> Order:
        return Order(
            target.url,
            contact=self.ways.contact,
            allow_hosts=self.ways.allow_hosts,
            pause_seconds=pace.host(host_of(target.url)).floor,
            ntp_servers=self.ways.ntp_servers,
            address_service=self.ways.address_service,
            limits=self.ways.limits,
            extra_flags=self.ways.extra_flags,
        )

    def close(self) -> None:
        """Write down how the hosts were asked."""
        for pace in self.paces.values():
            pace.close()
