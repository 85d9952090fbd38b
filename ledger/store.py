"""The evidence store: content-addressed files, written once and hashed again on every read. It knows no table.

A capture is one `.warc.gz`; the files of a clean capture, of any kind, are `.bin` (their rows say what they are).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from ledger.errors import EvidenceDamaged, EvidenceMissing, LedgerUnavailable, StoreFull
from ledger.warc import Exchange, from_warc_gz

PARTIAL = ".partial"
WARC, PIECE = ".warc.gz", ".bin"
YOUNG_SECONDS = 60
FULL = (errno.ENOSPC, errno.EDQUOT)
_ADDRESS = re.compile(r"[0-9a-f]{64}")


def _sync_folder(folder: Path) -> None:
    """Make a new name in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """Make `folder` and its parents, each new name as durable as what will be put there."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    _sync_folder(folder.parent)


def _write(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
    os.fchmod(handle, 0o444)
    os.fsync(handle)


class EvidenceStore:
    """Files named by the SHA-256 of their content, two levels deep, under `root`."""

    def __init__(self, root: Path) -> None:
        """Use `root`, which is made on the first write."""
        self.root = root

    def path(self, sha256: str, suffix: str = WARC) -> Path:
        """Where the capture of that address stands, or would stand. Raises `EvidenceMissing` for what is no address."""
        if not _ADDRESS.fullmatch(sha256):
            raise EvidenceMissing(f"{sha256[:80]!r} is not the address of a capture")
        return self.root / sha256[:2] / sha256[2:4] / f"{sha256}{suffix}"

    def put(self, data: bytes, suffix: str = WARC) -> str:
        """Keep `data`; its address. The same content twice is one file; a damaged file is made whole again.

        On return it survives a power cut. Raises `StoreFull` or `LedgerUnavailable`, leaving nothing half-written.
        """
        address = hashlib.sha256(data).hexdigest()
        target = self.path(address, suffix)
        try:
            if target.exists() and target.read_bytes() == data:
                return address
            _make_folder(target.parent)
            _make_folder(self.root / PARTIAL)
            self._keep(data, target)
        except OSError as error:
            if error.errno in FULL:
                raise StoreFull(f"{self.root}: the disk is full; the capture was not kept") from error
            raise LedgerUnavailable(f"{self.root}: the capture was not kept: {error.strerror}") from error
        return address

    def _keep(self, data: bytes, target: Path) -> None:
        """Write beside, then rename. The lock on the unfinished file tells `sweep` that its writer lives."""
        handle, name = tempfile.mkstemp(dir=self.root / PARTIAL)
        unfinished: Path | None = Path(name)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _write(handle, data)
            Path(name).replace(target)
            unfinished = None
            _sync_folder(target.parent)
        finally:
            if unfinished is not None:
                unfinished.unlink(missing_ok=True)
            os.close(handle)

    def read(self, sha256: str, suffix: str = WARC) -> bytes:
        """The bytes at that address, hashed again. Raises `EvidenceMissing` or `EvidenceDamaged`."""
        try:
            data = self.path(sha256, suffix).read_bytes()
        except FileNotFoundError as error:
            raise EvidenceMissing(f"capture {sha256} is not in the evidence store {self.root}") from error
        except OSError as error:
            raise EvidenceDamaged(f"capture {sha256} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise EvidenceDamaged(f"capture {sha256} no longer has the content its name promises")
        return data

    def exchange(self, sha256: str) -> Exchange:
        """The exchange kept at that address. Raises as `read` does, and `DamagedCapture`."""
        return from_warc_gz(self.read(sha256))

    def remove(self, path: Path) -> int:
        """Remove one file for good, as an erasure asks; its size, or 0 without one. Raises `LedgerUnavailable`."""
        try:
            size = path.stat().st_size
            path.unlink()
            _sync_folder(path.parent)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise LedgerUnavailable(f"{path}: not erased: {error.strerror}") from error
        return size

    def sweep(self) -> int:
        """Remove what writers that died left half-written; how many files. A living writer keeps its own.

        A file younger than a minute stays: its writer may be between making it and locking it.
        """
        removed = 0
        folder = self.root / PARTIAL
        for leftover in list(folder.iterdir()) if folder.is_dir() else []:
            with suppress(OSError):  # held by its writer, renamed meanwhile, or not ours to remove
                handle = os.open(leftover, os.O_RDONLY)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if time.time() - os.fstat(handle).st_mtime > YOUNG_SECONDS:
                        leftover.unlink()
                        removed += 1
                finally:
                    os.close(handle)
        return removed
