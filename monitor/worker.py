"""A worker of a fleet: takes the same jobs as `vigie run-due` from a queue in PostgreSQL, on any number of machines.

One lock a platform in the queue, one for each host in the database: politeness holds across the fleet. The jobs of a
worker that died are taken up by another. It does nothing that `monitor.schedule` does not do.
"""

from __future__ import annotations

import logging
from typing import Any

import procrastinate
from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Status
from sqlalchemy import text
from sqlalchemy.engine import make_url

from ledger import Ledger, LedgerUnavailable
from monitor import schedule
from monitor.settings import Settings

log = logging.getLogger(__name__)
SCHEMA = "vigie_jobs"  # the queue's tables live apart from the ledger's
PLAN_EVERY = "*/5 * * * *"  # minutes; cron's notation
RESCUE_EVERY = "* * * * *"
DEAD_AFTER = 60.0  # seconds without a sign of life
BUSY_WAIT = 60  # seconds until a platform that another run holds is tried again
_SCHEMA_LOCK = 0x76696771


class NeedsPostgresql(LedgerUnavailable):
    """A worker needs a ledger on PostgreSQL."""


class Busy(Exception):
    """The platform is held by another run: try again later."""


def address(settings: Settings) -> str:
    """The database's address as libpq reads it. Raises `NeedsPostgresql`."""
    url = make_url(settings.database_url) if settings.database_url else None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres"):
        raise NeedsPostgresql("workers share a ledger on PostgreSQL: set VIGIE_DATABASE_URL, or use vigie run-due")
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def prepare(settings: Settings, app: App) -> None:
    """Make the queue's tables once, whichever worker comes first."""
    ledger = Ledger.open(settings.home, settings.database_url)
    try:
        with ledger.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
            known = text("SELECT 1 FROM information_schema.tables WHERE table_schema = :schema AND table_name = :name")
            if connection.scalar(known, {"schema": SCHEMA, "name": "procrastinate_jobs"}):
                return
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
            driver: Any = connection.connection.driver_connection
            driver.execute(app.schema_manager.get_schema(), prepare=False)
    finally:
        ledger.close()


def make_app(settings: Settings, dead_after: float = DEAD_AFTER) -> App:
    """The queue with its tasks, for this configuration."""
    connector = PsycopgConnector(conninfo=address(settings), kwargs={"options": f"-c search_path={SCHEMA}"})
    app = App(connector=connector)
    again = RetryStrategy(max_attempts=20, wait=BUSY_WAIT, retry_exceptions=(Busy, OSError, LedgerUnavailable))

    @app.task(name="crawl", retry=again)
    def crawl(platform: str) -> None:
        done = schedule.crawl_due(settings, platform)
        log.warning(
            "crawl %s: %s %s", platform, done.state, done.detail.get("stopped") or done.detail.get("reason", "")
        )
        if done.state == "busy":
            raise Busy(platform)

    @app.task(name="detect", retry=again, lock="detect", queueing_lock="detect")
    def detect() -> None:
        schedule.read_new(settings)

    @app.task(name="capture", retry=again, lock="capture", queueing_lock="capture")
    def capture() -> None:
        schedule.visit_new(settings)

    @app.task(name="archive", retry=again, lock="archive", queueing_lock="archive")
    def archive() -> None:
        schedule.archive_new(settings)

    @app.task(name="seal", retry=again, lock="seal", queueing_lock="seal")
    def seal() -> None:
        schedule.seal_new(settings)

    @app.task(name="dossiers", retry=again, lock="dossiers", queueing_lock="dossiers")
    def dossiers() -> None:
        schedule.write_dossiers(settings)

    @app.task(name="watch", retry=again, lock="watch", queueing_lock="watch")
    def watch() -> None:
        done = schedule.watch_evidence(settings)
        if done.state == "failed":
            log.error("evidence: %s", done.detail)

    @app.periodic(cron=PLAN_EVERY)
    @app.task(name="plan", queueing_lock="plan", pass_context=False)
    async def plan(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes the moment
        await enqueue(app, settings)

    @app.periodic(cron=RESCUE_EVERY)
    @app.task(name="rescue", queueing_lock="rescue", pass_context=True)
    async def rescue(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
        await take_up(app, dead_after)

    return app


async def enqueue(app: App, settings: Settings) -> int:
    """Put every job in the queue that is not there yet; how many were put."""
    wanted = [
        *(
            app.configure_task(
                "crawl", lock=f"crawl:{name}", queueing_lock=f"crawl:{name}", task_kwargs={"platform": name}
            )
            for name in schedule.scheduled(settings)
        ),
        app.configure_task("detect", lock="detect", queueing_lock="detect"),
        app.configure_task("capture", lock="capture", queueing_lock="capture"),
        app.configure_task("seal", lock="seal", queueing_lock="seal"),
        app.configure_task("dossiers", lock="dossiers", queueing_lock="dossiers"),
        app.configure_task("watch", lock="watch", queueing_lock="watch"),
    ]
    if settings.archives:
        wanted.append(app.configure_task("archive", lock="archive", queueing_lock="archive"))
    put = 0
    for job in wanted:
        try:
            await job.defer_async()
            put += 1
        except AlreadyEnqueued:
            continue
    return put


async def take_up(app: App, dead_after: float = DEAD_AFTER) -> int:
    """Give back to the queue what workers that died were doing; how many jobs."""
    count = 0
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=dead_after):
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:  # the same work was put in the queue meanwhile: that job will do it
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
        count += 1
    return count


def work(settings: Settings, *, once: bool = False, dead_after: float = DEAD_AFTER) -> None:
    """Take jobs until told to stop; `once`: until the queue is empty. Raises `NeedsPostgresql`."""
    app = make_app(settings, dead_after)
    prepare(settings, app)

    async def run() -> None:
        async with app.open_async():
            await take_up(app, dead_after)
            await enqueue(app, settings)
            await app.run_worker_async(
                wait=not once,
                concurrency=1,
                delete_jobs="successful",
                update_heartbeat_interval=min(10.0, dead_after / 3),
            )

    import asyncio

    asyncio.run(run())


__all__ = ["NeedsPostgresql", "make_app", "procrastinate", "work"]
