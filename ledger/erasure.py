"""Erase evidence for data protection: the bytes go; hash, reason, seal and chain stay. Others decide what must go.

The row and the event come first, in one transaction, the bytes after it: a crash between leaves an erasure to be
finished, never bytes that are gone without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.database import Ledger
from ledger.errors import EvidenceMissing
from ledger.events import ERASED, record
from ledger.evidence_tables import CAPTURE, Erasure
from ledger.models import Capture, Case, ListingView, Passage
from ledger.sealing.leaves import SOURCES

PORTION = 5_000  # numbers in one query


@dataclass(frozen=True)
class ErasedReport:
    """How many pieces of evidence were newly erased, how many files went, and how many bytes they held."""

    erased: int
    files: int
    bytes: int


def erase(ledger: Ledger, ids: Iterable[int], *, reason: str, actor: str, kind: str = CAPTURE) -> ErasedReport:
    """Erase these captures. Those erased before are passed over.

    Raises `ValueError` for a blank reason, `EvidenceMissing` for a number that does not exist, with nothing erased.
    """
    if not reason.strip():
        raise ValueError("an erasure needs a reason")
    wanted = sorted(set(ids))
    erased = 0
    with ledger.session() as session:
        for start in range(0, len(wanted), PORTION):
            erased += _erase_portion(session, kind, wanted[start : start + PORTION], reason, actor)
    removed, size = finish_erasures(ledger)
    return ErasedReport(erased, removed, size)


def _erase_portion(session: Session, kind: str, wanted: list[int], reason: str, actor: str) -> int:
    source = SOURCES[kind]
    known = set(session.scalars(source.rows().with_only_columns(source.id_column).where(source.id_column.in_(wanted))))
    if missing := set(wanted) - known:
        raise EvidenceMissing(f"{kind} {min(missing)} is not in the ledger")
    before = select(Erasure.subject_id).where(Erasure.kind == kind, Erasure.subject_id.in_(wanted))
    files: dict[int, list[tuple[str, int]]] = {number: [] for number in sorted(known - set(session.scalars(before)))}
    for number, address, size in session.execute(source.addresses().where(source.id_column.in_(list(files)))):
        files[number].append((address, size))
    for number, kept in files.items():
        _note(session, kind, number, kept, reason, actor)
    return len(files)


def _note(session: Session, kind: str, number: int, kept: list[tuple[str, int]], reason: str, actor: str) -> None:
    size = sum(length for _, length in kept)
    address = kept[0][0] if len(kept) == 1 else None
    several: dict[str, Any] = {"files": [one for one, _ in kept]} if len(kept) > 1 else {}
    event = record(session, ERASED, kind, number, actor, sha256=address, size=size, reason=reason, **several)
    session.add(
        Erasure(kind=kind, subject_id=number, sha256=address, size=size, at=event.at, actor=event.actor, reason=reason)
    )


def standing(session: Session) -> Iterator[tuple[str, int, str, int]]:
    """Kind, number, address and size of everything that should be in the evidence store: kept, and not erased."""
    for kind, source in SOURCES.items():
        gone = select(Erasure.size).where(Erasure.kind == kind, Erasure.subject_id == source.id_column)
        query = source.addresses().where(~gone.exists()).execution_options(yield_per=5000)
        for number, address, size in session.execute(query):
            yield kind, number, address, size


def finish_erasures(ledger: Ledger) -> tuple[int, int]:
    """Remove the files of everything erased that nothing else needs; how many, and their bytes. Safe at any time.

    Raises `LedgerUnavailable` for a disk that cannot be written: the erasure stays to be finished.
    """
    doomed: dict[str, Path] = {}
    with ledger.session() as session:
        for kind, source in SOURCES.items():
            gone = select(Erasure.size).where(Erasure.kind == kind, Erasure.subject_id == source.id_column)
            for _, address, _ in session.execute(source.addresses().where(gone.exists())):
                path = ledger.store.path(address, source.suffix)
                if path.exists():
                    doomed[address] = path
        if doomed:
            for _, _, address, _ in standing(session):
                doomed.pop(address, None)
    size = sum(ledger.store.remove(path) for path in doomed.values())
    return len(doomed), size


def outdated(ledger: Ledger, before: datetime) -> list[int]:
    """Captures older than `before` whose bytes are kept and that no case needs.

    A case needs every capture that shows its listing, whatever it says there, and what those repeat.
    """
    with_case = select(Case.listing_id)
    shown = select(Passage.capture_id).where(Passage.listing_id.in_(with_case))
    viewed = select(ListingView.capture_id).where(ListingView.listing_id.in_(with_case))
    gone = select(Erasure.size).where(Erasure.kind == CAPTURE, Erasure.subject_id == Capture.id)
    later = select(Capture.revisit_of_id).where(Capture.revisit_of_id.is_not(None), Capture.captured_at >= before)
    query = (
        select(Capture.id)
        .where(Capture.captured_at < before.astimezone(UTC), Capture.warc_sha256.is_not(None))
        .where(Capture.id.not_in(shown), Capture.id.not_in(viewed), Capture.id.not_in(later), ~gone.exists())
    )
    with ledger.session() as session:
        return list(session.scalars(query.order_by(Capture.id)))
