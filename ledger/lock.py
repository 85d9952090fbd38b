"""One run at a time in one home: a lock the kernel releases when the run dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ledger.errors import Busy, LedgerUnavailable


@contextmanager
def exclusive(home: Path, name: str) -> Iterator[None]:
    """Hold `home` for the run called `name`. Raises `Busy` at once, naming the other run, when there is one."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = os.open(home / "run.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise LedgerUnavailable(f"{home}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = os.pread(handle, 200, 0).decode("utf-8", "replace").strip() or "another run"
            raise Busy(f"{home} is in use by {other}; wait for it to end, or stop it") from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{name} (process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC)".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)
