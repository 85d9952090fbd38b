"""The evidence store: one content-addressed `.warc.gz` per capture. It writes once, and hashes again on every read."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from pathlib import Path

from ledger.errors import EvidenceDamaged, EvidenceMissing, StoreFull
from ledger.warc import Exchange, from_warc_gz

PARTIAL = ".partial-"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class EvidenceStore:
    """Files named by the SHA-256 of their content, two levels deep, under `root`."""

    def __init__(self, root: Path) -> None:
        """Use `root`, which is made on the first write."""
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the capture of that address stands, or would stand."""
        return self.root / sha256[:2] / sha256[2:4] / f"{sha256}.warc.gz"

    def put(self, data: bytes) -> str:
        """Keep `data`; its address. The same content twice is one file. Raises `StoreFull`, leaving nothing behind."""
        address = hashlib.sha256(data).hexdigest()
        target = self.path(address)
        if target.exists() and target.stat().st_size == len(data):
            return address
        partial: Path | None = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=PARTIAL, dir=target.parent)
            partial = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.chmod(0o444)
            partial.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            if partial is not None:
                partial.unlink(missing_ok=True)
            if error.errno in _FULL:
                raise StoreFull(f"{self.root}: the disk is full; the capture was not kept") from error
            raise
        return address

    def read(self, sha256: str) -> bytes:
        """The bytes at that address, hashed again. Raises `EvidenceMissing` or `EvidenceDamaged`."""
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise EvidenceMissing(f"capture {sha256} is not in the evidence store {self.root}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise EvidenceDamaged(f"capture {sha256} no longer has the content its name promises")
        return data

    def exchange(self, sha256: str) -> Exchange:
        """The exchange kept at that address. Raises as `read` does, and `DamagedCapture`."""
        return from_warc_gz(self.read(sha256))

    def sweep(self) -> int:
        """Remove what an interrupted write left behind; how many files. Only for a home nobody else is using."""
        leftovers = list(self.root.glob(f"*/*/{PARTIAL}*")) if self.root.exists() else []
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return len(leftovers)
