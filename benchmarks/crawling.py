"""What a crawl costs and whether it holds: beside a bare spider and wget, a second time, in memory, when killed.

`python -m benchmarks.crawling [rates|second|kills|memory|recall] [--listings N] [--kills N]`; without a name, all.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from benchmarks.crawls import asked_more_than_once, crawl_apart, kill_by_requests, state_of
from benchmarks.inside import (
    HOST,
    Network,
    Took,
    begin,
    crawl_inside,
    platform_of,
    quick_folder,
    resident,
    starts,
    unsteady,
)
from crawler.frontier import open_round, scope_of
from crawler.pace import name_of
from crawler.run import CrawlSpec
from crawler.sandbox import Sandbox, SandboxServer
from crawler.sandbox.server import FAULTS
from ledger import Ledger
from ledger.frontier import Address, insert_or_ignore
from ledger.models import Listing

LATENCY = 0.05  # seconds an answer takes: a quick French site
SPIDER = '''
import scrapy

class Bare(scrapy.Spider):
    """Follows the same links and keeps nothing."""
    name = "bare"
    custom_settings = {"CONCURRENT_REQUESTS_PER_DOMAIN": 1, "DOWNLOAD_DELAY": 0.001, "DOWNLOAD_DELAY_JITTER": 0,
                       "LOG_LEVEL": "ERROR", "ROBOTSTXT_OBEY": True, "TELNETCONSOLE_ENABLED": False}

    def __init__(self, start="", **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [start]

    def parse(self, response):
        if "html" in response.headers.get("Content-Type", b"").decode():
            yield from response.follow_all(css="a", callback=self.parse)
'''


@dataclass(frozen=True)
class Cost:
    """Pages, seconds of the clock and of the processor."""

    pages: int
    seconds: float
    cpu: float

    def __str__(self) -> str:
        return (
            f"{self.pages / max(self.seconds, 1e-9):6.1f} pages/s, "
            f"{1000 * self.cpu / max(self.pages, 1):5.1f} ms of processor a page"
        )


def measured(server: SandboxServer, work: Callable[[], object]) -> Cost:
    """What `work` in child processes costs for the pages it asked for."""
    asked, began = len(server.log), time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(len(server.log) - asked, time.monotonic() - began, cpu)


def spec_of(home: Path, server: SandboxServer, platform: str) -> CrawlSpec:
    """The full path, with no pause but the latency of the answers."""
    starts = tuple(server.start_urls(platform))
    return CrawlSpec(home, None, platform, starts, allow_hosts=(server.host,), delay_seconds=0.0)


def _crawl(spec: CrawlSpec) -> None:
    """A crawl in a process of its own, so that its processor time is counted."""
    subprocess.run(_command(spec), check=True, stdout=subprocess.DEVNULL)


def rates(listings: int) -> None:
    """Full path beside a bare spider that keeps nothing, and beside wget writing a WARC, on the same site."""
    with SandboxServer(Sandbox(seed=4, listings=listings), latency=LATENCY) as server, _folder() as folder:
        start = server.start_urls("practice_site")[0]
        spider = folder / "bare.py"
        spider.write_text(SPIDER)
        scrapy = [sys.executable, "-m", "scrapy", "runspider", str(spider), "-a", f"start={start}"]
        bare = measured(server, lambda: subprocess.run(scrapy, check=True, cwd=folder))
        full = measured(server, lambda: _crawl(spec_of(folder / "home", server, "practice_site")))
        print(f"bare Scrapy   {bare}\nfull path     {full}")
        if shutil.which("wget"):
            place = str(folder / "w")
            warc = ["wget", "-q", "-r", "-l", "inf", "-nH", "--warc-file", place, "-P", place, start]
            print(f"wget, WARC    {measured(server, lambda: subprocess.run(warc, check=False))}")
        ratio = (full.pages / full.seconds) / (bare.pages / bare.seconds)
        print(f"full path / bare Scrapy: {ratio:.2f} of its pages/s; answers take {LATENCY * 1000:.0f} ms")


def second(listings: int) -> None:
    """The same site again, unchanged: bytes stored and processor beside the first time, start-up left out of both."""
    with SandboxServer(Sandbox(seed=4, listings=listings)) as server, _folder() as folder:
        spec = spec_of(folder / "home", server, "practice_site")
        empty = measured(server, lambda: subprocess.run([sys.executable, "-c", "import crawler.process"], check=True))
        first = measured(server, lambda: _crawl(spec))
        stored = _stored(folder / "home")
        again = measured(server, lambda: _crawl(spec))
        kept = _stored(folder / "home") - stored
        print(f"first {first}, {stored:,} bytes of evidence; again {again}, {kept:,} bytes")
        work = (again.cpu - empty.cpu) / max(first.cpu - empty.cpu, 1e-9)
        print(f"again / first: {kept / stored:.3f} of the bytes, {work:.2f} of the processor time")


def kills(count: int, listings: int = 60) -> None:
    """SIGKILL at random moments until `count` have been; the state must be that of a crawl left alone."""
    began = begin()
    with SandboxServer(Sandbox(seed=3, listings=listings)) as server, _folder() as folder:
        crawl_apart(spec_of(folder / "whole", server, "practice_site"))
        whole, done, same, twice, rounds = state_of(folder / "whole"), 0, 0, 0, 0
        while done < count:
            home = folder / f"killed-{rounds}"
            asked = len(server.log)
            killed = kill_by_requests(
                spec_of(home, server, "practice_site"), lambda: len(server.log), kills=count - done, seed=rounds
            )
            done += killed.kills
            rounds += 1
            same += state_of(home) == whole and not killed.differences
            twice += asked_more_than_once([one.path for one in server.log[asked:]])
            shutil.rmtree(home)
        print(
            f"{done} SIGKILLs in {rounds} crawls: {same} of {rounds} ended in the same state; "
            f"{twice} requests made again (under way when killed); {Took.since(began)}"
        )


def _inside(listings: int, most: int | None, share: float = 0.0) -> tuple[Network, CrawlSpec, Path]:
    """A crawl of the practice platform without sockets: network, what to crawl, and its home."""
    home = Path(quick_folder())
    answer = platform_of(Sandbox(seed=6, listings=listings))
    failed: list[str] = []
    network = Network(unsteady(answer, random.Random(1), share, failed) if share else answer, home, most)
    spec = CrawlSpec(home, None, "doctolib", starts(), None, (HOST,), 0.0)
    return network, spec, home


def memory_here(listings: int, most: int | None, waiting: int) -> None:
    """One crawl in this process: what memory it takes. `waiting` addresses are put into its frontier beforehand."""
    network, spec, home = _inside(listings, most)
    began = begin()
    try:
        if waiting:
            _fill(home, waiting)
        before = resident()
        crawl_inside(spec, network)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        parts = [size for _, size in network.memory[:: max(1, len(network.memory) // 6)]]
        print(
            f"{listings:,} listings, {waiting:,} addresses waiting beforehand, {network.asked:,} requests: "
            f"{peak} MiB at most (at the start {before}, on the way {parts}); {Took.since(began)}"
        )
    finally:
        shutil.rmtree(home)


def _fill(home: Path, waiting: int) -> None:
    """A round of the same command, begun earlier, in which that many addresses wait."""
    ledger = Ledger.open(home)
    now = datetime.now(UTC)
    with ledger.session() as session:
        round_, _ = open_round(session, "doctolib", "full", scope_of(starts(), None), now)
        number, made = round_.id, {"method": "GET", "callback": "parse_profile", "errback": None, "body": ""}
        asked = {**made, "headers": [], "cb_kwargs": {"slug": ""}, "meta": {}}
        row = {"platform": "doctolib", "host": name_of(HOST), "priority": 0, "root_id": 1, "round_id": number}
        for first in range(0, waiting, 20_000):
            insert_or_ignore(
                session,
                Address,
                [
                    {
                        **row,
                        "fingerprint": f"{n:040x}",
                        "url": f"http://{HOST}/osteopathe/paris/personne-{n}",
                        "request": asked,
                        "due_at": now,
                        "first_seen_at": now,
                    }
                    for n in range(first, first + 20_000)
                ],
            )
    ledger.close()


def memory(listings: int) -> None:
    """The most memory of a crawl of a small site, of a large one, and of one with a frontier of a million."""
    for size, most, waiting in ((1000, 0, 0), (listings, 0, 0), (1000, 3000, 1_000_000)):
        command = [sys.executable, "-m", "benchmarks.crawling", "memory-here", str(size), str(most), str(waiting)]
        subprocess.run(command, check=True)


def recall(listings: int) -> None:
    """Listings found of those that can be, with a twentieth of the answers failing and lists that shift and repeat."""
    network, spec, home = _inside(listings, None, share=0.05)
    began = begin()
    try:
        crawl_inside(spec, network)
        world = Sandbox(seed=6, listings=listings)
        people = (world.person(number) for number in range(listings) if number not in FAULTS)
        there = {one.slug for one in people if not one.is_site and not world.is_gone(one.number)}
        ledger = Ledger.open(home)
        with ledger.session() as session:
            keys = list(session.scalars(select(Listing.key)))
        ledger.close()
    finally:
        shutil.rmtree(home)
    share = len(there & set(keys)) / len(there)
    print(
        f"listing recall: {len(there & set(keys)):,} of {len(there):,} ({100 * share:.3f} %), "
        f"{len(keys) - len(set(keys))} doubles, {network.asked:,} requests; {Took.since(began)}"
    )


def _command(spec: CrawlSpec) -> list[str]:
    starts = [part for url in spec.start_urls for part in ("--start", url)]
    hosts = [part for host in spec.allow_hosts for part in ("--allow-host", host)]
    return [sys.executable, "-m", "benchmarks.crawling", "crawl-here", str(spec.home), spec.platform, *starts, *hosts]


def _stored(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "evidence").rglob("*.warc.gz"))


def _folder() -> tempfile.TemporaryDirectory[str]:
    class Folder(tempfile.TemporaryDirectory[str]):
        def __enter__(self) -> Path:  # type: ignore[override]
            return Path(super().__enter__())

    return Folder(prefix="vigie-bench-")


def crawl_here(home: str, platform: str, starts: list[str], hosts: list[str]) -> None:
    """One crawl in this process."""
    from crawler.process import run_here
    from crawler.run import resolve

    run_here(resolve(CrawlSpec(Path(home), None, platform, tuple(starts), None, tuple(hosts), 0.0)))


def main() -> None:
    """All of it, or the one that is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crawling", description=__doc__)
    parser.add_argument("what", nargs="?", default="all")
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--listings", type=int, default=0)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--start", action="append", default=[])
    parser.add_argument("--allow-host", action="append", default=[])
    given = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
    if given.what == "crawl-here":
        crawl_here(given.rest[0], given.rest[1], given.start, given.allow_host)
        return
    if given.what == "memory-here":
        size, most, waiting = map(int, given.rest)
        memory_here(size, most or None, waiting)
        return
    parts: dict[str, Callable[[], None]] = {
        "rates": lambda: rates(given.listings or 400),
        "second": lambda: second(given.listings or 400),
        "kills": lambda: kills(given.kills),
        "memory": lambda: memory(given.listings or 20_000),
        "recall": lambda: recall(given.listings or 20_000),
    }
    for name, part in parts.items():
        if given.what in ("all", name):
            part()


if __name__ == "__main__":
    main()
