"""The queue of a fleet: the same jobs as run-due, once each, one at a time a platform, taken up when a worker dies."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger import Ledger
from monitor import schedule, worker
from monitor.settings import CrawlSettings, Settings

ALL = ["capture", "detect", "doctolib", "dossiers", "maiia", "seal", "watch"]


@pytest.fixture
def settings(postgresql_url: str, home: Path) -> Settings:
    crawls = [CrawlSettings(platform="doctolib"), CrawlSettings(platform="maiia")]
    return Settings(home=home, database_url=postgresql_url, crawls=crawls)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the jobs were asked to do; nothing is crawled."""
    jobs: list[str] = []

    def crawl(_settings: Settings, platform: str) -> schedule.Done:
        jobs.append(platform)
        return schedule.Done(f"crawl {platform}", "nothing")

    def other(name: str) -> Any:
        return lambda _settings: jobs.append(name) or schedule.Done(name, "nothing")

    for name in ("PLAN_EVERY", "RESCUE_EVERY"):
        monkeypatch.setattr(worker, name, "0 0 29 2 *")  # no clock ticks in these tests
    monkeypatch.setattr(schedule, "crawl_due", crawl)
    monkeypatch.setattr(schedule, "read_new", other("detect"))
    monkeypatch.setattr(schedule, "visit_new", other("capture"))
    monkeypatch.setattr(schedule, "seal_new", other("seal"))
    monkeypatch.setattr(schedule, "write_dossiers", other("dossiers"))
    monkeypatch.setattr(schedule, "watch_evidence", other("watch"))
    return jobs


def sql(settings: Settings, statement: str) -> list[Any]:
    ledger = Ledger.open(settings.home, settings.database_url)
    with ledger.engine.begin() as connection:
        connection.execute(text(f"SET LOCAL search_path TO {worker.SCHEMA}"))
        answer = connection.execute(text(statement))
        rows = list(answer) if answer.returns_rows else []
    ledger.close()
    return rows


def test_each_job_is_done_once_and_the_queue_ends_empty(settings: Settings, done: list[str]) -> None:
    worker.work(settings, once=True)
    assert sorted(done) == ALL
    assert sql(settings, "SELECT id FROM procrastinate_jobs WHERE status IN ('todo', 'doing')") == []
    worker.work(settings, once=True)  # the tables are there: nothing is made twice
    assert len(done) == 2 * len(ALL)


def test_two_workers_share_the_jobs_and_do_none_twice(settings: Settings, done: list[str]) -> None:
    app = worker.make_app(settings)
    worker.prepare(settings, app)

    async def put() -> tuple[int, int]:
        async with app.open_async():
            return await worker.enqueue(app, settings), await worker.enqueue(app, settings)

    assert asyncio.run(put()) == (len(ALL), 0)
    running = [threading.Thread(target=_take, args=(settings,)) for _ in range(2)]
    for one in running:
        one.start()
    for one in running:
        one.join(timeout=60)
    assert sorted(done) == ALL


def _take(settings: Settings) -> None:
    app = worker.make_app(settings)

    async def run() -> None:
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    asyncio.run(run())


@pytest.mark.parametrize("put_again", [False, True])
def test_what_a_dead_worker_was_doing_is_taken_up(settings: Settings, done: list[str], put_again: bool) -> None:
    app = worker.make_app(settings)
    worker.prepare(settings, app)

    async def put() -> None:
        async with app.open_async():
            await worker.enqueue(app, settings)

    asyncio.run(put())
    sql(settings, "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
    sql(
        settings,
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers) "
        "WHERE lock = 'crawl:doctolib'",
    )
    if put_again:
        asyncio.run(put())  # meanwhile the plan put the same work in the queue again
    worker.work(settings, once=True)
    assert sorted(done) == ALL


def test_a_platform_that_is_busy_is_tried_again_later(
    settings: Settings, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "crawl_due", lambda _settings, name: schedule.Done(name, "busy"))
    worker.work(settings, once=True)
    waiting = sql(settings, "SELECT attempts, scheduled_at > now() FROM procrastinate_jobs WHERE task_name = 'crawl'")
    assert [tuple(row) for row in waiting] == [(1, True), (1, True)]


def test_a_worker_needs_postgresql(home: Path) -> None:
    with pytest.raises(worker.NeedsPostgresql, match="run-due"):
        worker.work(Settings(home=home))


def test_a_platform_belongs_to_one_run_across_machines(settings: Settings) -> None:
    from crawler.process import _alone
    from crawler.run import AlreadyCrawling

    first = Ledger.open(settings.home, settings.database_url)
    second = Ledger.open(settings.home.with_name("other"), settings.database_url)
    with _alone(first, "doctolib"):
        with pytest.raises(AlreadyCrawling), _alone(second, "doctolib"):
            pass
        with _alone(second, "maiia"):
            pass
    with _alone(second, "doctolib"):
        pass
    first.close()
    second.close()


def test_a_host_belongs_to_one_run_across_machines(settings: Settings) -> None:
    from crawler.pace import Pace
    from crawler.politeness import Manners

    first = Ledger.open(settings.home, settings.database_url)
    second = Ledger.open(settings.home.with_name("other"), settings.database_url)
    mine, theirs = Pace(first, Manners(1), {}), Pace(second, Manners(1), {})
    assert mine.earliest("www.exemple.fr", 0.0) == 0.0
    moment, reason = theirs.host("www.exemple.fr").earliest(0.0)
    assert moment > 0 and "another run" in reason
    mine.sent("www.exemple.fr")
    mine.close()
    again = theirs.host("www.exemple.fr")
    assert again.state.last_sent is not None  # the pause goes on from the other machine's last request
    theirs.close()
    first.close()
    second.close()
