"""The job of clean captures: visit what is due, one page at a time, politely. It decides nothing about a case.

Whoever runs it (the command, a timer, the demo) gets one result a page; without a Chromium it says so before any visit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from crawler.browser import ChromiumMissing, Limits, Order, RobotsBook, find_chromium, take
from ledger import Ledger
from ledger.clean_captures import KeptCapture, Target, keep, target_of, watched
from ledger.clean_schedule import Due, Why, due, next_due
from ledger.models import Case
from monitor.settings import Settings
from reference import load_reference
from reference.errors import VigieError

WALLS = frozenset({"blocked", "login", "rate_limited", "forbidden_by_robots"})  # the site has said no: not again today
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
    limits: Limits = field(default_factory=Limits)
    extra_flags: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings, allow_hosts: Iterable[str] = (), delay_seconds: float | None = None) -> Ways:
        """The ways of this installation."""
        return cls(
            settings.contact,
            tuple(allow_hosts),
            delay_seconds,
            tuple(settings.ntp_servers),
            settings.address_service,
        )


@dataclass(frozen=True)
class VisitReport:
    """What one run did: visits made, and what was due and left because its site had said no."""

    visits: tuple[KeptCapture, ...]
    left: tuple[Due, ...] = ()


def due_now(ledger: Ledger, now: datetime | None = None) -> list[Due]:
    """What is due, longest waiting first."""
    with ledger.session() as session:
        cases = watched(session)
    return due(cases, now or datetime.now(UTC))


def second_due(ledger: Ledger, case_id: int) -> datetime | None:
    """When the second visit of a case is due; None when it is not the second that comes next."""
    with ledger.session() as session:
        following = [one for case in watched(session, [case_id]) if (one := next_due(case)) is not None]
    return next((one.since for one in following if one.why is Why.SECOND), None)


def visit_due(
    ledger: Ledger, ways: Ways, *, limit: int | None = None, actor: str = "vigie", on_visit: OnVisit | None = None
) -> VisitReport:
    """Visit what is due now. Raises `ChromiumMissing` before anything is asked, `StoreFull` or `LedgerUnavailable`."""
    return _visit(ledger, ways, due_now(ledger)[:limit], actor, on_visit)


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
    with ledger.session() as session:
        known = {one.case_id: one.url for one in watched(session, cases)}
    for case in cases:
        if case not in known:
            raise NoSuchCase(f"{case}: no such case with wording to look for")
    wanted = [Due(case, known[case], now, Why.REVISIT) for case in dict.fromkeys(cases)]
    return _visit(ledger, ways, wanted, actor, on_visit)


def _visit(ledger: Ledger, ways: Ways, wanted: Sequence[Due], actor: str, on_visit: OnVisit | None) -> VisitReport:
    if wanted and find_chromium() is None:
        raise ChromiumMissing("no Chromium is installed: `make setup` says how to get one")
    book = RobotsBook()
    visits: list[KeptCapture] = []
    left: list[Due] = []
    closed: set[str] = set()
    for one in wanted:
        host = urlsplit(one.url).netloc.lower()
        if host in closed:
            left.append(one)
            continue
        with ledger.session() as session:
            target = target_of(session, session.get_one(Case, one.case_id))
        kept = keep(ledger, target, take(_order(ways, target), book), actor)  # `take` waits before it asks
        visits.append(kept)
        if kept.outcome in WALLS:
            closed.add(host)
        if on_visit is not None:
            on_visit(kept)
    return VisitReport(tuple(visits), tuple(left))


def _order(ways: Ways, target: Target) -> Order:
    """The order for one page: the platform's pause, or the operator's for a host he named."""
    platforms = load_reference().platforms
    platform = platforms.get(target.platform) or platforms["practice_site"]
    order = Order(
        target.url,
        contact=ways.contact,
        allow_hosts=ways.allow_hosts,
        pause_seconds=float(platform.delay_seconds),
        ntp_servers=ways.ntp_servers,
        address_service=ways.address_service,
        limits=ways.limits,
        extra_flags=ways.extra_flags,
    )
    named = urlsplit(target.url).netloc.lower() in {host.lower() for host in ways.allow_hosts}
    return replace(order, pause_seconds=ways.delay_seconds) if named and ways.delay_seconds is not None else order
