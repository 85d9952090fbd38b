"""Kill the process at many points of capture, seal and stamp, and see what the next start finds.

Half of the points are lines of Vigie's code, evenly spread; the others are moments, which fall anywhere, in SQLite too.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import func, select

from crawler.outcomes import Outcome
from crawler.recording import open_crawl, record_capture
from ledger import Ledger
from ledger.custody import check_chain
from ledger.evidence_tables import Seal, SealLeaf, Stamp
from ledger.models import Capture
from ledger.sealing.check import check_seals
from ledger.sealing.files import write_files
from ledger.sealing.seals import make_seals
from ledger.sealing.stamping import stamp_due
from ledger.sealing.tokens import Authority
from ledger.warc import Exchange

ROOT = str(Path(__file__).parent.parent)
WATCHED = tuple(f"{ROOT}/{room}/" for room in ("ledger", "crawler", "monitor"))
CAPTURES = 3
Answer = Callable[[bytes], bytes]
Tell = Callable[[int], None]


@dataclass
class CrashReport:
    """How many kills were made and landed, each recovery in seconds, and everything that was wrong."""

    kills: int = 0
    landed: int = 0
    recoveries: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def work(home: Path, authority: Authority, answer: Answer, acknowledge: Tell) -> None:
    """A small run: captures, each acknowledged once it is committed; a seal; a stamp; the files."""
    with closing(Ledger.open(home)) as ledger:
        with ledger.session() as session:
            crawl = open_crawl(session, "practice_site", "live", "vigie bench").id
        for number in range(CAPTURES):
            page = Exchange(
                f"https://exemple.fr/{number}", "GET", (), b"", 200, "", (), b"<p>x</p>" * 40, datetime.now(UTC)
            )
            with ledger.session() as session:
                kept = record_capture(session, ledger.store, crawl, page, Outcome.PAGE, "").id
            acknowledge(kept)
        make_seals(ledger, "vigie bench")
        stamp_due(ledger, [authority], lambda _, request: answer(request), wanted=1)
        write_files(ledger)


def _tracer(at: int) -> tuple[Callable[..., Any], list[int]]:
    """A trace function that kills this process at the `at`-th line of Vigie's code (0: never), and its counter."""
    count = [0]

    def lines(_frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            count[0] += 1
            if count[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)
        return lines

    def calls(frame: FrameType, _event: str, _argument: Any) -> Any:
        return lines if frame.f_code.co_filename.startswith(WATCHED) else None

    return calls, count


def die_during(action: Callable[[Tell], None], line: int, seconds: float | None) -> tuple[bool, list[int]]:
    """Do it in a child that dies at that line, or after that time: whether it died, and what it acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if seconds is None:
                sys.settrace(_tracer(line)[0])
            action(lambda number: _tell(writing, number))
        finally:
            os._exit(0)
    os.close(writing)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        told = [int(one) for one in pipe.read().split()]
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status), told


def _tell(writing: int, number: int) -> None:
    os.write(writing, b"%d\n" % number)


def _examine(home: Path, authority: Authority, answer: Answer, told: list[int]) -> tuple[float, list[str]]:
    """Start again, and compare. The seconds until everything is sealed and stamped, and what is wrong."""
    faults = []
    began = time.perf_counter()
    with closing(Ledger.open(home)) as ledger:
        make_seals(ledger, "vigie bench")
        stamp_due(ledger, [authority], lambda _, request: answer(request), wanted=1, everything=True)
        files = write_files(ledger)
        seconds = time.perf_counter() - began
        with ledger.session() as session:
            kept = {one.id: one for one in session.scalars(select(Capture))}
            counts = [session.scalar(select(func.count()).select_from(table)) for table in (SealLeaf, Seal, Stamp)]
        if lost := set(told) - set(kept):
            faults.append(f"acknowledged captures lost: {sorted(lost)}")
        for one in kept.values():
            if one.warc_sha256 is not None:
                ledger.store.read(one.warc_sha256)  # raises for a capture that is half there
        if counts[0] != len(kept) or counts[2] != counts[1]:
            faults.append(f"{len(kept)} captures, {counts[0]} leaves, {counts[1]} seals, {counts[2]} stamps")
        if files.differing:
            faults.append(f"files differ: {files.differing}")
        if not (chain := check_chain(ledger)).holds:
            faults.append(f"the log does not hold: {chain.faults}")
        faults.extend(check_seals(ledger).faults)
    return seconds, faults


def count_lines(traced: Callable[[], None], timed: Callable[[], None]) -> tuple[int, float]:
    """How many lines of Vigie's code the first runs through, and how long the second takes untraced, in seconds."""
    calls, count = _tracer(0)
    sys.settrace(calls)
    try:
        traced()
    finally:
        sys.settrace(None)
    began = time.perf_counter()
    timed()
    return count[0], time.perf_counter() - began


def kill_many(folder: Path, template: bytes, points: int, authority: Authority, answer: Answer) -> CrashReport:
    """Kill at so many points, each in a fresh home made of an empty ledger's bytes."""
    report = CrashReport()
    for name in ("traced", "timed"):
        (folder / name).mkdir(parents=True)
        (folder / name / "ledger.sqlite").write_bytes(template)
    lines, whole = count_lines(
        *(lambda name=name: work(folder / name, authority, answer, lambda _: None) for name in ("traced", "timed"))  # type: ignore[misc]
    )
    chance = random.Random(1)
    for point in range(points):
        home = folder / f"{point}"
        home.mkdir()
        (home / "ledger.sqlite").write_bytes(template)
        line = 1 + point * lines // points
        seconds = None if point % 2 == 0 else chance.uniform(0, whole)
        died, told = die_during(lambda tell, home=home: work(home, authority, answer, tell), line, seconds)  # type: ignore[misc]
        report.kills += 1
        report.landed += died
        taken, faults = _examine(home, authority, answer, told)
        report.recoveries.append(taken)
        report.faults += [f"point {point} (line {line}, {seconds} s): {fault}" for fault in faults]
        forget(home)
    return report


def forget(home: Path) -> None:
    """Remove a folder with all that is in it."""
    for path in sorted(home.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    home.rmdir()
