"""Hash the evidence again and record what was found, as events. It repairs nothing.

Files are hashed on as many threads as there are processors: hashing a file lets the others go on.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import func, select

from ledger.database import Ledger
from ledger.erasure import standing
from ledger.events import FIXITY_CHECKED, FIXITY_FAILED, record
from ledger.models import Event
from ledger.sealing.leaves import SOURCES

PORTION = 256  # files a thread takes at once
PIECE = 1024 * 1024  # bytes read at once
MOST_TOLD = 1000  # damaged captures that get an event of their own in one check
OnProgress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Damage:
    """One piece of evidence that is not what its address promises."""

    kind: str
    number: int
    sha256: str
    missing: bool
    reason: str


@dataclass(frozen=True)
class FixityReport:
    """What one check found. `bytes` were hashed in `seconds`."""

    files: int
    bytes: int
    seconds: float
    damages: tuple[Damage, ...]

    @property
    def rate(self) -> float:
        """Megabytes (10⁶) hashed a second."""
        return self.bytes / 1e6 / self.seconds if self.seconds else 0.0


def _hash(path: Path | str, buffer: memoryview) -> tuple[str, int]:
    """SHA-256 and size of a file."""
    digest, size = hashlib.sha256(), 0
    handle = os.open(path, os.O_RDONLY)
    try:
        while count := os.readv(handle, [buffer]):
            digest.update(buffer[:count])
            size += count
            if count < len(buffer):
                break  # a regular file gives all it has
    finally:
        os.close(handle)
    return digest.hexdigest(), size


Kept = tuple[str, int, str, int]  # kind, number, address, size


def _check(root: str, portion: list[Kept]) -> tuple[int, list[Damage]]:
    """Hash these files; the bytes read, and what is wrong."""
    total, damages = 0, []
    buffer = memoryview(bytearray(PIECE))
    for kind, number, address, _ in portion:
        path = f"{root}/{address[:2]}/{address[2:4]}/{address}{SOURCES[kind].suffix}"
        try:
            found, size = _hash(path, buffer)
        except FileNotFoundError:
            damages.append(Damage(kind, number, address, True, "the file is not there"))
            continue
        except OSError as error:
            damages.append(Damage(kind, number, address, False, f"the file cannot be read: {error.strerror}"))
            continue
        total += size
        if found != address:
            damages.append(Damage(kind, number, address, False, f"its content has the hash {found}"))
    return total, damages


def _portions(kept: Iterable[Kept]) -> Iterator[list[Kept]]:
    stream = iter(kept)
    while portion := list(islice(stream, PORTION)):
        yield portion


def examine(ledger: Ledger, on_progress: OnProgress = lambda _done, _total: None) -> FixityReport:
    """Hash everything that should be in the store, without recording the result."""
    files = size = 0
    damages: list[Damage] = []
    root = str(ledger.store.root)
    began = time.perf_counter()
    workers = max(2, os.cpu_count() or 2)
    with ledger.session() as session, ThreadPoolExecutor(workers) as pool:
        waiting: list[tuple[int, Future[tuple[int, list[Damage]]]]] = []
        for portion in _portions(standing(session)):
            waiting.append((len(portion), pool.submit(_check, root, portion)))
            if len(waiting) < workers * 4:
                continue
            count, first = waiting.pop(0)
            read, wrong = first.result()
            files, size = files + count, size + read
            damages += wrong
            on_progress(files, None)
        for count, rest in waiting:
            read, wrong = rest.result()
            files, size = files + count, size + read
            damages += wrong
    return FixityReport(files, size, time.perf_counter() - began, tuple(damages))


def check_fixity(
    ledger: Ledger, actor: str = "vigie", on_progress: OnProgress = lambda _done, _total: None
) -> FixityReport:
    """Hash everything and record the result: one event for the check, one for each piece damaged or missing."""
    report = examine(ledger, on_progress)
    missing = sum(damage.missing for damage in report.damages)
    with ledger.session() as session:
        record(
            session,
            FIXITY_CHECKED,
            "store",
            0,
            actor,
            files=report.files,
            bytes=report.bytes,
            damaged=len(report.damages) - missing,
            missing=missing,
            seconds=round(report.seconds, 3),
        )
        for damage in report.damages[:MOST_TOLD]:
            told = {"sha256": damage.sha256, "reason": damage.reason}
            record(session, FIXITY_FAILED, damage.kind, damage.number, actor, **told)
    return report


def last_check(ledger: Ledger) -> datetime | None:
    """When the store was last checked, or `None`."""
    with ledger.session() as session:
        return session.scalar(select(func.max(Event.at)).where(Event.kind == FIXITY_CHECKED))


def is_due(ledger: Ledger, every: timedelta) -> bool:
    """True when there was no check for that long."""
    last = last_check(ledger)
    return last is None or datetime.now(UTC) - last >= every
