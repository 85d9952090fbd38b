"""Crawls whose network is a function in the same process: for measures of logic and memory, not of sockets or disks."""

from __future__ import annotations

import json
import random
import re
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Request, Response
from scrapy.responsetypes import responsetypes

from crawler import process
from crawler.run import CrawlReport, CrawlSpec, resolve
from crawler.sandbox import Sandbox
from crawler.sandbox.server import Answer, Platform
from crawler.sandbox.world import people_data
from ledger.frontier import stop_file

HOST = "127.0.0.1:9"  # nobody listens there
Answering = Callable[[str, str, bytes], Answer]


@dataclass
class Network:
    """What answers, how often it was asked, and after how many answers the home's kill switch is set."""

    answer: Answering
    home: Path
    most: int | None = None
    asked: int = 0
    memory: list[tuple[int, int]] = field(default_factory=list)  # requests, MiB at that moment


class Inside(BaseDownloadHandler):
    """Scrapy's way to the network, which ends in this process."""

    network: ClassVar[Network]

    async def download_request(self, request: Request) -> Response:
        """The answer of the platform."""
        net = self.network
        net.asked += 1
        if net.asked % 500 == 0:
            net.memory.append((net.asked, resident()))
        if net.most is not None and net.asked == net.most:
            stop_file(net.home).write_text("enough was asked\n", "utf-8")
        target = re.sub(r"^https?://[^/]+", "", request.url)
        answer = net.answer(request.method, target, request.body)
        headers: dict[str, Any] = {"Content-Type": answer.kind, **dict(answer.headers)}
        kind = responsetypes.from_args(url=request.url, body=answer.body)
        return kind(request.url, status=answer.status, headers=headers, body=answer.body, request=request)


def resident() -> int:
    """The memory of this process now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() // 2**20


def crawl_inside(spec: CrawlSpec, network: Network) -> CrawlReport:
    """Crawl in this process, once, with `network` for a network."""
    Inside.network = network
    usual, tell = process._settings, process.tell

    def settings(spec: CrawlSpec, round_id: int) -> dict[str, Any]:
        return {**usual(spec, round_id), "DOWNLOAD_HANDLERS": {"http": "benchmarks.inside.Inside"}}

    process._settings, process.tell = settings, lambda _: None  # progress lines have no reader here
    try:
        return process.run_here(resolve(spec))
    finally:
        process._settings, process.tell = usual, tell


def starts() -> tuple[str, ...]:
    """Where a crawl of the practice platform begins."""
    return tuple(f"http://{HOST}/{one['slug']}/france" for one in people_data()["specialities"])


def quick_folder() -> str:
    """A folder in memory when there is one: what is measured here is not the disk."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    return tempfile.mkdtemp(prefix="vigie-bench-", dir=place)


def unsteady(steady: Answering, rng: random.Random, share: float, failed: list[str]) -> Answering:
    """`steady`, of which that share of the answers fails, while the lists shift under whoever turns their pages.

    Each further page of a search begins with the last three of the page before, as when three newcomers were put in
    front of the list meanwhile; the same provider then stands on two pages.
    """

    def answer(method: str, target: str, body: bytes) -> Answer:
        if target != "/robots.txt" and rng.random() < share:
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

    return answer


def platform_of(world: Sandbox) -> Answering:
    """The practice platform's answers."""
    return Platform(world).answer


@dataclass(frozen=True)
class Took:
    """Seconds of the clock and of this process's processor."""

    wall: float
    cpu: float

    @classmethod
    def since(cls, began: tuple[float, float]) -> Took:
        """Since `begin()`."""
        return cls(time.monotonic() - began[0], time.process_time() - began[1])

    def __str__(self) -> str:
        return f"{self.wall:.0f} s of the clock, {self.cpu:.0f} s of processor"


def begin() -> tuple[float, float]:
    """A moment, for `Took.since`."""
    return time.monotonic(), time.process_time()
