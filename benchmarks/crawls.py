"""Crawls in processes of their own that can be killed, and what a ledger says at the end, told in comparable form."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crawler.process import run_here
from crawler.run import CrawlReport, CrawlSpec, resolve
from ledger import Ledger
from ledger.frontier import Address
from ledger.models import Capture, Listing, Passage

PRELOADED = ["crawler.process", "crawler.scheduler", "crawler.obey", "crawler.parsers", "alembic.command"]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


def _child(spec: CrawlSpec, told: Any) -> None:
    os.nice(5)
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)  # progress lines have no reader here
    try:
        told.send(run_here(resolve(spec)))
    except Exception as error:  # noqa: BLE001 - the parent decides what a failure means
        told.send(error)


def crawl_apart(
    spec: CrawlSpec, kill_after: float | None = None, kill_when: Callable[[], bool] | None = None
) -> CrawlReport | None:
    """Crawl in a fresh process; None when it was killed (SIGKILL) before it ended. A failure is raised here.

    It is killed after `kill_after` seconds, or once `kill_when`, which is asked every millisecond, says so.
    """
    mine, theirs = _context.Pipe()
    process = _context.Process(target=_child, args=(spec, theirs))
    process.start()
    theirs.close()
    if kill_after is not None:
        process.join(kill_after)
        if process.is_alive():
            process.kill()
    if kill_when is not None:
        while process.is_alive() and not kill_when():
            process.join(0.001)
        process.kill()
    answer: Any = None
    try:
        answer = mine.recv()
    except EOFError:
        answer = None
    process.join()
    mine.close()
    if isinstance(answer, Exception):
        raise answer
    return answer if isinstance(answer, CrawlReport) else None


@dataclass(frozen=True)
class State:
    """What is known at the end, without the numbers and moments that differ from run to run."""

    addresses: frozenset[tuple[Any, ...]]
    captures: tuple[tuple[tuple[Any, ...], int], ...]
    listings: frozenset[tuple[str, str]]
    passages: frozenset[tuple[str, str, str, str]]
    waiting: int = 0


def state_of(home: Path, database_url: str | None = None) -> State:
    """The state of a ledger; robots.txt is left out: each process asks for it."""
    ledger = Ledger.open(home, database_url)
    with ledger.session() as session:
        rows = list(session.scalars(select(Address)))
        captures = Counter(
            (one.url, one.method, one.status, one.outcome, one.body_sha256)
            for one in session.scalars(select(Capture).where(Capture.outcome != "robots"))
        )
        said = session.execute(
            select(Listing.key, Passage.field, Passage.locator, Passage.text).join(
                Passage, Passage.listing_id == Listing.id
            )
        )
        state = State(
            frozenset((one.fingerprint, one.state, one.reading_sha256, tuple(one.keys), one.visits) for one in rows),
            tuple(sorted(captures.items(), key=str)),
            frozenset((one.key, one.url) for one in session.scalars(select(Listing))),
            frozenset((key, name, locator, text) for key, name, locator, text in said),
            sum(one.stage != "settled" for one in rows),
        )
    ledger.close()
    return state


@dataclass
class Killed:
    """What came of killing a crawl again and again."""

    kills: int = 0
    same: bool = False
    asked_twice: int = 0  # requests beyond the first for one address
    differences: list[str] = field(default_factory=list)


def kill_until_done(spec: CrawlSpec, kills: int, seed: int, longest: float) -> Killed:
    """Kill the crawl `kills` times at random moments up to `longest` seconds after its start, then let it end."""
    rng = random.Random(seed)
    found = Killed()
    for _ in range(kills):
        report = crawl_apart(spec, rng.uniform(0.05, longest))
        if report is None:
            found.kills += 1
        elif not report.left:
            break
    report = crawl_apart(spec)
    if report is None or report.left:
        found.differences.append("the last run left something")
    return found


def kill_by_requests(spec: CrawlSpec, asked: Callable[[], int], kills: int, seed: int) -> Killed:
    """Kill the crawl up to `kills` times, each a few requests and a random moment after the last, then let it end.

    `asked` counts the requests that the site has seen. How far a crawl came decides, not the clock: a kill falls into
    the crawl's work however busy the machine is, and one crawl takes many.
    """
    rng = random.Random(seed)
    found = Killed()
    while found.kills < kills:
        wanted, wait = asked() + rng.randint(1, 10), rng.uniform(0.0, 0.03)

        def is_time(wanted: int = wanted, wait: float = wait) -> bool:
            if asked() < wanted:
                return False
            time.sleep(wait)
            return True

        report = crawl_apart(spec, kill_when=is_time)
        if report is not None:
            return found if not report.left else replace(found, differences=["it ended and left something"])
        found.kills += 1
    report = crawl_apart(spec)
    if report is None or report.left:
        found.differences.append("the last run left something")
    return found


def asked_more_than_once(paths: list[str]) -> int:
    """Requests beyond the first for each path, robots.txt aside."""
    counts = Counter(path for path in paths if path != "/robots.txt")
    return sum(count - 1 for count in counts.values())


def settle(seconds: float) -> None:
    """Let the machine breathe between measurements."""
    time.sleep(seconds)
