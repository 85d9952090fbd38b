"""The jobs between rooms: read new passages, open cases, propose identities. Each can be called at any time, and again.

A job writes what is missing under the version of today and nothing else; it never changes what an earlier version said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from detection import Reader, Reading
from ledger import Ledger
from ledger.events import record
from ledger.frontier import RunReport
from ledger.models import Capture, Case, Finding, Listing, Passage
from ledger.text import ERASED
from monitor.identifying import identify

BATCH = 500
OnProgress = Callable[[int, int], None]  # done, total


@dataclass(frozen=True)
class DetectReport:
    """What one pass of the reader did: passages read, findings flagged, cases opened, and by which reader."""

    version: str
    read: int
    flagged: int
    cases_opened: int
    identities: int


def _quiet(_done: int, _total: int) -> None:
    """No progress wanted."""


def _unread(session: Session, version: str, after: int) -> Sequence[Passage]:
    """The next passages without a finding of this version, oldest first, after the id `after`.

    Those of a run that the watchmen hold wait until a person has released it: hundreds of cases would open on them.
    """
    seen = select(Finding.id).where(Finding.passage_id == Passage.id, Finding.version == version).exists()
    query = select(Passage).where(Passage.id > after, ~seen, ~_held(), _standing())
    return session.scalars(query.order_by(Passage.id).limit(BATCH)).all()


def _standing() -> ColumnElement[bool]:
    """True of a passage whose text was not erased."""
    return Passage.text.not_like(f"{ERASED}%")


def _held() -> ColumnElement[bool]:
    """True of a passage whose run is held."""
    runs = select(RunReport.crawl_id).where(RunReport.held.is_(True), RunReport.released_at.is_(None))
    return Passage.capture_id.in_(select(Capture.id).where(Capture.crawl_id.in_(runs)))


def has_unread(ledger: Ledger) -> bool:
    """True when a passage was read by no reader yet, and its run is not held."""
    seen = select(Finding.id).where(Finding.passage_id == Passage.id).exists()
    with ledger.session() as session:
        return session.scalar(select(Passage.id).where(~seen, ~_held(), _standing()).limit(1)) is not None


def _finding(passage: Passage, reading: Reading, now: datetime) -> Finding:
    """The row for what the reader says of one passage."""
    return Finding(
        passage_id=passage.id,
        version=reading.version,
        created_at=now,
        stance=reading.stance,
        flagged=reading.flagged,
        benefits=list(reading.benefits),
        trigger=reading.trigger,
        start=reading.start,
        end=reading.end,
        confidence=reading.confidence,
        reasons=list(reading.reasons),
        context=list(reading.context),
    )


def _open_case(session: Session, passage: Passage, finding: Finding, now: datetime) -> bool:
    """Open the case of this wording on this listing unless it is open already. True when it was opened."""
    known = select(Case.id).where(Case.listing_id == passage.listing_id, Case.text_key == passage.text_key)
    if session.scalar(known) is not None:
        return False
    case = Case(listing_id=passage.listing_id, text_key=passage.text_key, opened_at=now, finding_id=finding.id)
    session.add(case)
    session.flush()
    record(session, "case_opened", "case", case.id, "vigie", finding=finding.id)
    record(session, "clean_capture_absent", "case", case.id, "vigie", reason="aucune visite")
    return True


def detect(ledger: Ledger, reader: Reader, on_progress: OnProgress = _quiet) -> DetectReport:
    """Read every passage this reader has not read yet, store its findings, open cases for flags and abstentions.

    Batches of 500 are committed one by one, so that an interruption loses at most one batch and the next call goes on.
    """
    with ledger.session() as session:
        total = session.scalar(select(func.count(Passage.id))) or 0
        done = session.scalar(select(func.count(Finding.id)).where(Finding.version == reader.version)) or 0
    read = flagged = opened = 0
    after = 0
    while True:
        with ledger.session() as session:
            batch = _unread(session, reader.version, after)
            if not batch:
                break
            now = datetime.now(UTC)
            readings = list(reader.read_many((passage.text, passage.field) for passage in batch))
            findings = [_finding(passage, reading, now) for passage, reading in zip(batch, readings, strict=True)]
            session.add_all(findings)
            session.flush()
            for passage, finding, reading in zip(batch, findings, readings, strict=True):
                flagged += finding.flagged
                if reading.flagged or reading.abstained:
                    opened += _open_case(session, passage, finding, now)
            after = batch[-1].id
            read += len(batch)
        on_progress(done + read, total)
    return DetectReport(reader.version, read, flagged, opened, identify(ledger))


def listing_of(session: Session, case: Case) -> Listing:
    """The listing a case is about."""
    return session.get_one(Listing, case.listing_id)
