"""What a crawl costs and whether it holds: beside a bare spider and wget, a second time, in memory, when killed.

`python -m benchmarks.crawling [rates|second|kills|memory|recall] [--listings N] [--kills N]`; without a name, all.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.crawls import asked_more_than_once, crawl_apart, kill_until_done, state_of
from crawler.run import CrawlSpec
from crawler.sandbox import Sandbox, SandboxServer
from crawler.sandbox.server import FAULTS, Answer
from ledger import Ledger

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
    with SandboxServer(Sandbox(seed=3, listings=listings), latency=0.01) as server, _folder() as folder:
        crawl_apart(spec_of(folder / "whole", server, "practice_site"))
        whole, done, same, twice, rounds = state_of(folder / "whole"), 0, 0, 0, 0
        while done < count:
            home = folder / f"killed-{rounds}"
            asked = len(server.log)
            killed = kill_until_done(spec_of(home, server, "practice_site"), kills=12, seed=rounds, longest=1.5)
            done += killed.kills
            rounds += 1
            same += state_of(home) == whole and not killed.differences
            twice += asked_more_than_once([one.path for one in server.log[asked:]])
            shutil.rmtree(home)
        print(
            f"{done} SIGKILLs in {rounds} crawls: {same} of {rounds} ended in the same state; "
            f"{twice} requests made again (under way when killed)"
        )


def memory(listings: int) -> None:
    """The most memory of a crawl of a small site and of a large one."""
    for size in (listings // 10, listings):
        with SandboxServer(Sandbox(seed=4, listings=size)) as server, _folder() as folder:
            command = _command(spec_of(folder / "home", server, "doctolib"))
            ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            print(f"{size} listings: {ended.stdout.strip().splitlines()[-1]}")


def _command(spec: CrawlSpec) -> list[str]:
    starts = [part for url in spec.start_urls for part in ("--start", url)]
    hosts = [part for host in spec.allow_hosts for part in ("--allow-host", host)]
    return [sys.executable, "-m", "benchmarks.crawling", "crawl-here", str(spec.home), spec.platform, *starts, *hosts]


def recall(listings: int) -> None:
    """Listings found of those that can be, with a twentieth of the answers failing and lists that shift and repeat."""
    with SandboxServer(Sandbox(seed=6, listings=listings)) as server, _folder() as folder:
        failed = _unsteady(server, random.Random(1))
        crawl_apart(spec_of(folder, server, "doctolib"))
        there = {
            server.world.person(number).slug
            for number in range(listings)
            if not server.world.person(number).is_site and number not in FAULTS and not server.world.is_gone(number)
        }
        found = {key for key, _ in state_of(folder).listings}
    share = len(there & found) / len(there)
    print(f"listing recall: {len(there & found)} of {len(there)} ({100 * share:.2f} %), {len(failed)} answers failed")


def _unsteady(server: SandboxServer, rng: random.Random) -> list[str]:
    """One answer in twenty fails; each page of a search begins with the last providers of the page before."""
    steady, failed = server.platform.answer, []

    def answer(method: str, target: str, body: bytes) -> Answer:
        if target != "/robots.txt" and rng.random() < 0.05:
            failed.append(target)
            return Answer(rng.choice([500, 502, 503]), b"<html><body>Erreur</body></html>")
        given = steady(method, target, body)
        place, _, page = target.partition("?page=")
        if method != "POST" or not page.isdigit() or page == "0" or given.status != 200:
            return given
        value, before = json.loads(given.body), json.loads(steady(method, f"{place}?page={int(page) - 1}", body).body)
        name = next((key for key, part in value.items() if isinstance(part, list) and part), None)
        if name is not None:
            value[name] = before[name][-3:] + value[name]
        return Answer(200, json.dumps(value).encode(), given.kind, given.headers)

    server.platform.answer = answer  # type: ignore[method-assign]
    return failed


def _stored(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "evidence").rglob("*.warc.gz"))


def _folder() -> tempfile.TemporaryDirectory[str]:
    class Folder(tempfile.TemporaryDirectory[str]):
        def __enter__(self) -> Path:  # type: ignore[override]
            return Path(super().__enter__())

    return Folder(prefix="vigie-bench-")


def crawl_here(home: str, platform: str, starts: list[str], hosts: list[str]) -> None:
    """One crawl in this process; says the most memory it took."""
    from crawler.process import run_here
    from crawler.run import resolve

    run_here(resolve(CrawlSpec(Path(home), None, platform, tuple(starts), None, tuple(hosts), 0.0)))
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most")
    Ledger.open(Path(home)).close()


def main() -> None:
    """All of it, or the one that is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crawling", description=__doc__)
    parser.add_argument("what", nargs="?", default="all")
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--listings", type=int, default=400)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--start", action="append", default=[])
    parser.add_argument("--allow-host", action="append", default=[])
    given = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
    if given.what == "crawl-here":
        crawl_here(given.rest[0], given.rest[1], given.start, given.allow_host)
        return
    parts: dict[str, Callable[[], None]] = {
        "rates": lambda: rates(given.listings),
        "second": lambda: second(given.listings),
        "kills": lambda: kills(given.kills),
        "memory": lambda: memory(given.listings),
        "recall": lambda: recall(given.listings),
    }
    for name, part in parts.items():
        if given.what in ("all", name):
            part()


if __name__ == "__main__":
    main()
