"""The jobs that come due: crawl what is due, read, seal, watch over the evidence. Each may be called at any time.

`vigie run-due` and `vigie worker` call these same functions; they keep no clock of their own: what is due is in the
ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from crawler.browser import ChromiumMissing
from crawler.frontier import due_count
from crawler.pace import Agreement
from crawler.run import AlreadyCrawling, CrawlReport, CrawlSpec, Unreachable, crawl
from ledger import Ledger
from ledger.errors import Busy
from ledger.events import record
from ledger.frontier import Address, HostPace, stopped
from monitor import dossiers, evidence, jobs
from monitor.alerts import alert
from monitor.archives import ask_archives
from monitor.clean_captures import Ways, visit_due
from monitor.settings import CrawlSettings, Settings
from reference import load_reference
from reference.errors import VigieError


class NotScheduled(VigieError):
    """The platform is not one of those the configuration looks after."""


@dataclass(frozen=True)
class Done:
    """What one job did: `state` is done, nothing (nothing was due), busy, stopped or failed."""

    job: str
    state: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def agreements_of(settings: Settings) -> tuple[Agreement, ...]:
    """The written agreements, for the crawler."""
    return tuple(
        Agreement(
            one.host, one.reference, one.delay_seconds, one.daily_budget, one.any_hour, one.header,
            one.key.get_secret_value(),
        )
        for one in settings.agreements
    )  # fmt: skip


def scheduled(settings: Settings) -> dict[str, CrawlSettings]:
    """The platforms looked after: those configured, else every platform of the reference that says where to begin."""
    if settings.crawls:
        return {one.platform: one for one in settings.crawls}
    platforms = load_reference().platforms.values()
    return {one.code: CrawlSettings(platform=one.code) for one in platforms if one.start_urls}


def crawl_spec(settings: Settings, one: CrawlSettings, *, due_only: bool) -> CrawlSpec:
    """The crawl of one scheduled platform."""
    return CrawlSpec(
        home=settings.home,
        database_url=settings.database_url,
        platform=one.platform,
        start_urls=tuple(one.start),
        allow_hosts=tuple(one.allow_host),
        delay_seconds=one.delay_seconds,
        contact=settings.contact,
        due_only=due_only,
        agreements=agreements_of(settings),
    )


def is_due(ledger: Ledger, platform: str) -> bool:
    """True when the platform was never looked at, or something of it is due and its hosts do not all rest."""
    now = datetime.now(UTC)
    with ledger.session() as session:
        if session.scalar(select(Address.id).where(Address.platform == platform).limit(1)) is None:
            return True
        if not due_count(session, platform, now):
            return False
        hosts = set(session.scalars(select(Address.host).where(Address.platform == platform).distinct()))
        paces = session.scalars(select(HostPace).where(HostPace.host.in_(hosts))).all()
        resting = {one.host for one in paces if float(one.state.get("rest_until", 0)) > now.timestamp() + 600}
        return bool(hosts - resting)


def crawl_due(settings: Settings, platform: str) -> Done:
    """Crawl what is due of one platform, and tell people what the watchmen found. Failures are typed and recorded."""
    name = f"crawl {platform}"
    wanted = scheduled(settings)
    if platform not in wanted:
        raise NotScheduled(f"{platform}: not among the scheduled platforms ({', '.join(wanted) or 'none'})")
    ledger = Ledger.open(settings.home, settings.database_url)
    try:
        with ledger.session() as session:
            reason = stopped(session, settings.home)
        if reason:
            return Done(name, "stopped", {"reason": reason})
        if not is_due(ledger, platform):
            return Done(name, "nothing")
        try:
            report = crawl(crawl_spec(settings, wanted[platform], due_only=True))
        except AlreadyCrawling as error:
            return Done(name, "busy", {"reason": str(error)})
        except Unreachable as error:
            tell(ledger, settings, platform, "-", [f"unreachable: {error}"])
            return Done(name, "failed", {"reason": str(error)})
        tell(ledger, settings, platform, str(report.crawl_id), report.alarms)
        return Done(name, "done", report.as_json())
    finally:
        ledger.close()


def tell(ledger: Ledger, settings: Settings, platform: str, run: str, alarms: list[str]) -> list[str]:
    """Send alarms; what could not be sent is an event of the run."""
    failed = alert(settings.alerts, platform, run, alarms)
    if failed and run.isdigit():
        with ledger.session() as session:
            record(session, "alert_failed", "crawl", int(run), "vigie", reasons=failed)
    return failed


def read_new(settings: Settings) -> Done:
    """Read the passages that today's reader has not read."""
    from detection import load_reader

    ledger = Ledger.open(settings.home, settings.database_url)
    try:
        if not jobs.has_unread(ledger):
            return Done("detect", "nothing")
        return Done("detect", "done", asdict(jobs.detect(ledger, load_reader())))
    finally:
        ledger.close()


def visit_new(settings: Settings) -> Done:
    """Visit, in a clean browser, the flagged pages that are due; without a browser nothing is done, and it is said."""
    ledger = Ledger.open(settings.home, settings.database_url)
    looked_after = scheduled(settings).values()
    hosts = [host for one in looked_after for host in one.allow_host]
    delay = next((one.delay_seconds for one in looked_after if one.allow_host), None)
    try:
        report = visit_due(ledger, Ways.of(settings, hosts, delay))
    except ChromiumMissing as missing:
        return Done("capture", "nothing", {"reason": str(missing)})
    finally:
        ledger.close()
    outcomes = dict(Counter(kept.outcome for kept in report.visits))
    left = dict(Counter(one.reason for one in report.left))
    return Done("capture", "done" if report.visits else "nothing", {"visits": outcomes, "left": left})


def seal_new(settings: Settings) -> Done:
    """Seal what no seal covers yet, also what a killed run left, and ask for the stamps that are due."""
    ledger = Ledger.open(settings.home, settings.database_url)
    try:
        report = evidence.seal_and_stamp(ledger, settings)
        return Done("seal", "done", report.as_json())
    finally:
        ledger.close()


def write_dossiers(settings: Settings) -> Done:
    """Write the dossiers that editors asked for at the desk."""
    ledger = Ledger.open(settings.home, settings.database_url)
    try:
        report = dossiers.write_requested(ledger, settings)
    except Busy as error:
        return Done("dossiers", "busy", {"reason": str(error)})
    finally:
        ledger.close()
    return Done("dossiers", "done" if report.written or report.refused else "nothing", report.as_json())


def archive_new(settings: Settings) -> Done:
    """Ask the outside archives of the configuration to keep the pages of confirmed cases."""
    ledger = Ledger.open(settings.home, settings.database_url)
    try:
        report = ask_archives(ledger, settings)
    finally:
        ledger.close()
    return Done("archive", "done" if report.kept or report.pending or report.failed else "nothing", asdict(report))


def watch_evidence(settings: Settings) -> Done:
    """Hash the evidence again when its last check is old enough, and erase what has had its time."""
    ledger = Ledger.open(settings.home, settings.database_url)
    try:
        erased = evidence.purge(ledger, settings)
        report = evidence.fixity_if_due(ledger, settings)
    finally:
        ledger.close()
    if report is None and not (erased.erased or erased.files):
        return Done("watch", "nothing")
    told = {"erased": erased.erased}
    if report is not None:
        told |= {"files": report.files, "damaged_or_missing": len(report.damages)}
    return Done("watch", "failed" if report and report.damages else "done", told)


def run_due(settings: Settings, on_done: Callable[[Done], None]) -> list[Done]:
    """Every job in turn; one that fails does not keep the others from their turn. Tells each as it ends."""
    done = []
    for platform in scheduled(settings):
        done.append(_guarded(f"crawl {platform}", lambda name=platform: crawl_due(settings, name)))  # type: ignore[misc]
        on_done(done[-1])
    every = [("detect", read_new), ("capture", visit_new), ("seal", seal_new)]
    if settings.archives:
        every.append(("archive", archive_new))
    every += [("dossiers", write_dossiers), ("watch", watch_evidence)]
    for name, job in every:
        done.append(_guarded(name, lambda work=job: work(settings)))  # type: ignore[misc]
        on_done(done[-1])
    return done


def _guarded(name: str, job: Callable[[], Done]) -> Done:
    try:
        return job()
    except VigieError as error:
        return Done(name, "failed", {"reason": str(error)})


__all__ = [
    "CrawlReport", "Done", "archive_new", "crawl_due", "read_new", "run_due", "scheduled", "seal_new", "visit_new",
    "watch_evidence", "write_dossiers",
]  # fmt: skip
