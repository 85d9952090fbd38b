"""Working copies: what people and programs open, apart from the evidence. They prove nothing and may go at any time.

A working copy has bytes of its own: never a link, for whoever changes it must not reach the evidence through it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ledger.canonical import sha256_hex
from ledger.database import Ledger
from ledger.errors import EvidenceMissing, LedgerUnavailable, StoreFull
from ledger.events import EXPORTED, record
from ledger.models import Capture
from ledger.store import FULL

FOLDER = "working"


def working_copy(ledger: Ledger, sha256: str) -> Path:
    """A file of the home's working folder with the stored bytes, made anew unless an intact one is there.

    Raises `EvidenceMissing` or `EvidenceDamaged` for the evidence, `StoreFull` or `LedgerUnavailable` for the disk.
    """
    path = ledger.home / FOLDER / f"{sha256}.warc.gz"
    if path.is_file() and sha256_hex(path.read_bytes()) == sha256:
        return path
    _place(path, ledger.store.read(sha256))
    return path


def copy_out(ledger: Ledger, capture_id: int, folder: Path, *, reason: str, actor: str) -> Path:
    """Hand a working copy of one capture to a person, in `folder`, and record who has it and why.

    The event comes first: no copy leaves unrecorded. Raises as `working_copy` does, `ValueError` for a blank reason.
    """
    with ledger.session() as session:
        capture = session.get(Capture, capture_id)
        if capture is None:
            raise EvidenceMissing(f"capture {capture_id} is not in the ledger")
        holder = session.get_one(Capture, capture.revisit_of_id or capture.id)
        if holder.warc_sha256 is None:
            raise EvidenceMissing(f"capture {capture_id} has no stored bytes: {capture.outcome}")
        address = holder.warc_sha256
        data = ledger.store.read(address)
        record(session, EXPORTED, "capture", capture_id, actor, sha256=address, reason=reason)
    path = folder / f"capture-{capture_id:06d}.warc.gz"
    _place(path, data)
    return path


def forget_working_copies(ledger: Ledger) -> None:
    """Remove the home's working copies, as erasure asks."""
    shutil.rmtree(ledger.home / FOLDER, ignore_errors=True)


def _place(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        if error.errno in FULL:
            raise StoreFull(f"{path.parent}: the disk is full") from error
        raise LedgerUnavailable(f"{path.parent}: {error.strerror}") from error
