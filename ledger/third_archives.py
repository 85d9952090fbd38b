"""Have outside archives keep the pages of confirmed cases: what was asked and answered is a row and an event.

It opens no connection and names no archive: without configuration nothing is asked, and nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.canonical import utc_text
from ledger.cases import CaseStatus, passages_of, statuses
from ledger.clean_captures import target_of
from ledger.database import Ledger
from ledger.errors import EvidenceMissing
from ledger.events import ARCHIVE_FAILED, ARCHIVE_KEPT, ARCHIVE_PENDING, record
from ledger.evidence_services import ABSENT, KEPT, PENDING, ThirdArchive
from ledger.models import Case
from ledger.sealing.stamping import FAULTS_IN_A_ROW, Clock, now_utc, wait_after
from ledger.sealing.tokens import AWAY, StampFault

NEXT_LOOK = timedelta(minutes=5)  # while an archive works at a page


@dataclass(frozen=True)
class Copy:
    """What an archive answered: the address of its copy and its time, or the job by which it works at one."""

    address: str = ""
    at: datetime | None = None  # by the archive's clock; None when it does not say
    job: str = ""


Keep = Callable[[str, str, str], Copy]  # archive's name, page, job ("" for a first request); raises StampFault


@dataclass
class ArchiveReport:
    """One pass: pages kept, requests an archive works at, and the last fault of each archive."""

    kept: int = 0
    pending: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def archives_due(
    ledger: Ledger,
    archives: Sequence[str],
    keep: Keep,
    *,
    case_id: int | None = None,
    everything: bool = False,
    clock: Clock = now_utc,
) -> ArchiveReport:
    """Ask each archive for the page of each confirmed case (or of that one, whatever its state) when it is due.

    Faults of an archive raise nothing. Raises `EvidenceMissing` for a case that does not exist or has no page.
    """
    report = ArchiveReport()
    wanted = _wanted(ledger, case_id)
    for archive in archives:
        wrong = 0
        for case, url, capture in wanted:
            task = _task(ledger, case, archive, url, clock())
            if task.state == KEPT or (task.next_at > clock() and not everything):
                continue
            try:
                copy = keep(archive, task.url, task.job)
            except StampFault as fault:
                report.failed[archive] = str(fault.fault)
                _keep_fault(ledger, task, capture, fault, clock())
                wrong += 1
                if fault.fault in AWAY or wrong >= FAULTS_IN_A_ROW:
                    break
            else:
                _keep_copy(ledger, task, capture, copy, clock())
                report.kept += bool(copy.address)
                report.pending += not copy.address
    return report


def copies_of(session: Session, case_id: int) -> list[ThirdArchive]:
    """What is known about the copies of a case's page, by archive."""
    query = select(ThirdArchive).where(ThirdArchive.case_id == case_id).order_by(ThirdArchive.archive)
    return list(session.scalars(query))


def _wanted(ledger: Ledger, case_id: int | None) -> list[tuple[int, str, int]]:
    """Case, page and the last capture of its wording."""
    with ledger.session() as session:
        if case_id is None:
            cases = [one for one, state in statuses(session, None).items() if state is CaseStatus.CONFIRMED]
        else:
            cases = [case_id]
        found = []
        for number in sorted(cases):
            case, target = session.get(Case, number), target_of(session, number)
            if case is not None and target is not None:
                found.append((number, target.url, passages_of(session, case)[-1].capture_id))
    if case_id is not None and not found:
        raise EvidenceMissing(f"there is no case {case_id} with a page")
    return found


def _task(ledger: Ledger, case_id: int, archive: str, url: str, now: datetime) -> ThirdArchive:
    with ledger.session() as session:
        task = session.get(ThirdArchive, (case_id, archive))
        if task is None:
            task = ThirdArchive(case_id=case_id, archive=archive, url=url, state=ABSENT, attempts=0, next_at=now)
            task.address = task.job = task.fault = task.reason = ""
            session.add(task)
        return task


def _keep_copy(ledger: Ledger, task: ThirdArchive, capture: int, copy: Copy, now: datetime) -> None:
    kind, state = (ARCHIVE_KEPT, KEPT) if copy.address else (ARCHIVE_PENDING, PENDING)
    with ledger.session() as session:
        row = session.get_one(ThirdArchive, (task.case_id, task.archive))
        if row.state != state:
            told = {"archive": row.archive, "url": row.url, "address": copy.address}
            at = utc_text(copy.at) if copy.at else None
            record(session, kind, "capture", capture, "vigie", case=row.case_id, time=at, **told)
        row.state, row.address, row.archived_at, row.job = state, copy.address, copy.at, copy.job
        row.attempts, row.fault, row.reason, row.tried_at, row.next_at = 0, "", "", now, now + NEXT_LOOK


def _keep_fault(ledger: Ledger, task: ThirdArchive, capture: int, fault: StampFault, now: datetime) -> None:
    """Why there is no copy; a job that failed is asked for anew."""
    kind, reason = str(fault.fault), str(fault)[:500]
    with ledger.session() as session:
        row = session.get_one(ThirdArchive, (task.case_id, task.archive))
        if row.fault != kind:
            told = {"archive": row.archive, "url": row.url, "fault": kind, "reason": reason}
            record(session, ARCHIVE_FAILED, "capture", capture, "vigie", case=row.case_id, **told)
        if fault.fault not in AWAY:
            row.state, row.job = ABSENT, ""
        row.attempts, row.fault, row.reason, row.tried_at = row.attempts + 1, kind, reason, now
        row.next_at = now + wait_after(row.attempts)
