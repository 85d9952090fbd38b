"""Erase evidence for data protection: bytes and texts go; hashes, reason, seal and chain stay. Others say what must go.

The row and the event come first, in one transaction, bytes and texts after it: a crash between leaves an erasure to be
finished, never bytes that are gone without a word. A text read from an erased page gives way to a mark with its hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from ledger.database import Ledger
from ledger.desk import Docket, DocketWord
from ledger.errors import EvidenceMissing
from ledger.events import ERASED, TEXT_ERASED, record
from ledger.evidence_tables import CAPTURE, Erasure
from ledger.models import Capture, Case, Finding, ListingView, Passage
from ledger.sealing.leaves import SOURCES
from ledger.text import ERASED as MARK
from ledger.text import erased_text

PORTION = 5_000  # numbers in one query


@dataclass(frozen=True)
class ErasedReport:
    """How many pieces of evidence were newly erased, how many files went, how many bytes they held; how many texts."""

    erased: int
    files: int
    bytes: int
    texts: int = 0


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
    return replace(finish_erasures(ledger), erased=erased)


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


def finish_erasures(ledger: Ledger) -> ErasedReport:
    """Remove texts of everything erased, and files that nothing else needs; how many of each. Safe at any time.

    Raises `LedgerUnavailable` for a disk that cannot be written: the erasure stays to be finished.
    """
    texts = _erase_texts(ledger)
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
    return ErasedReport(0, len(doomed), size, texts)


def _erase_texts(ledger: Ledger) -> int:
    """Put the mark in place of every text that was read from an erased capture, or from one that repeated it."""
    gone = select(Erasure.subject_id).where(Erasure.kind == CAPTURE)
    query = (
        select(Passage)
        .join(Capture, Capture.id == Passage.capture_id)
        .where(or_(Capture.id.in_(gone), Capture.revisit_of_id.in_(gone)), Passage.text.not_like(f"{MARK}%"))
        .order_by(Passage.capture_id, Passage.id)
    )
    marked: dict[int, list[str]] = {}
    with ledger.session() as session:
        passages = session.scalars(query).all()
        for passage in passages:
            session.execute(update(Finding).where(Finding.passage_id == passage.id).values(trigger=""))
            mark = erased_text(passage.text)
            marked.setdefault(passage.capture_id, []).append(mark[len(MARK) : -1])
            session.execute(update(Passage).where(Passage.id == passage.id).values(text=mark))
        _forget_on_the_desk(session, {passage.listing_id for passage in passages})
        for capture, hashes in marked.items():
            record(session, TEXT_ERASED, CAPTURE, capture, "vigie", texts=hashes, reason="capture effacée")
    return sum(map(len, marked.values()))


def _forget_on_the_desk(session: Session, listings: set[int]) -> None:
    """Excerpts and words of the cases on these listings; the desk describes them anew from what is left."""
    cases = list(session.scalars(select(Docket.case_id).where(Docket.listing_id.in_(listings))))
    session.execute(delete(DocketWord).where(DocketWord.case_id.in_(cases)))
    session.execute(update(Docket).where(Docket.case_id.in_(cases)).values(excerpt="", described=False))


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
