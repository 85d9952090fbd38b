"""Seals and tokens as files for people and stock tools: copies of what the ledger holds, made again when missing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.database import Ledger
from ledger.errors import LedgerUnavailable, StoreFull
from ledger.evidence_services import COMPLETE, CalendarProof
from ledger.evidence_tables import Seal, Stamp
from ledger.store import FULL

PROMISE = ".pending.ots"
AUTHORITY = re.compile(r"[a-z0-9](-?[a-z0-9])*")


@dataclass(frozen=True)
class FilesReport:
    """How many files were written, and the names of those that differ from the ledger (they are left as they are)."""

    written: int
    differing: tuple[str, ...]


def seal_name(number: int) -> str:
    """The name of a seal's file."""
    return f"{number:06d}.json"


def seal_files(session: Session, number: int | None = None) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file of one seal, or of all: the seal, and token and certificates of each authority."""
    seals, stamps = select(Seal).order_by(Seal.number), select(Stamp).order_by(Stamp.seal_number, Stamp.authority)
    if number is not None:
        seals, stamps = seals.where(Seal.number == number), stamps.where(Stamp.seal_number == number)
    for seal in session.scalars(seals.execution_options(yield_per=500)):
        yield seal_name(seal.number), seal.content.encode("ascii")
    for stamp in session.scalars(stamps.execution_options(yield_per=500)):
        stem = f"{stamp.seal_number:06d}.{stamp.authority}"
        yield f"{stem}.tsr", stamp.token
        yield f"{stem}.pem", stamp.certificates.encode("utf-8")
    yield from calendar_files(session, number)


def calendar_files(session: Session, number: int | None = None) -> Iterator[tuple[str, bytes]]:
    """The OpenTimestamps proofs of one seal, or of all: a promise until it is kept, then the attestation beside it."""
    query = select(CalendarProof).order_by(CalendarProof.seal_number, CalendarProof.calendar, CalendarProof.state)
    if number is not None:
        query = query.where(CalendarProof.seal_number == number)
    for proof in session.scalars(query.execution_options(yield_per=500)):
        suffix = ".ots" if proof.state == COMPLETE else PROMISE
        yield f"{proof.seal_number:06d}.{proof.calendar}{suffix}", proof.proof


def write_files(ledger: Ledger) -> FilesReport:
    """Write under `seals/` what is missing there. Raises `StoreFull` or `LedgerUnavailable`."""
    folder = ledger.home / "seals"
    written, differing = 0, []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("*.part"):
            leftover.unlink()
        with ledger.session() as session:
            for name, data in seal_files(session):
                if not (folder / name).exists():
                    _write(folder / name, data)
                    written += 1
                elif (folder / name).read_bytes() != data:
                    differing.append(name)
    except OSError as error:
        if error.errno in FULL:
            raise StoreFull(f"{folder}: the disk is full; the seals stand in the ledger") from error
        raise LedgerUnavailable(f"{folder}: {error.strerror}; the seals stand in the ledger") from error
    return FilesReport(written, tuple(differing))


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o444)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
