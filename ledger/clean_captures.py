"""Keep clean captures and find them again: the only writer of their rows. It drives no browser and judges no wording.

The desk and the dossiers take what they show from here: `clean_captures_of`, `files_of`, `images_of`, `proof_of_case`;
that a person has viewed or received it is theirs to record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.cases import passages_of, statuses
from ledger.clean_facts import Piece, Taken, facts_json
from ledger.clean_schedule import HELD, NOT_FOUND, PAGE, Proof, Visit, Watched, proof_of
from ledger.clean_tables import CleanCapture, CleanCaptureFile
from ledger.database import Ledger
from ledger.errors import EvidenceMissing, LedgerUnavailable, StoreFull
from ledger.events import COLLECTED, EXPORTED, record
from ledger.models import Capture, Case, Finding, Listing
from ledger.store import FULL, PIECE, EvidenceStore
from ledger.wording import Wording, compare

HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True)
class KeptFile:
    """One stored file of a clean capture."""

    kind: str
    name: str
    media_type: str
    sha256: str
    size: int


@dataclass(frozen=True)
class KeptCapture:
    """A clean capture as the ledger has it. `grade`, `outcome` and `wording` are codes; `gaps` are French."""

    id: int
    case_id: int
    url: str
    final_url: str
    captured_at: datetime
    ended_at: datetime
    outcome: str
    reason: str
    status: int | None
    grade: str
    gaps: tuple[str, ...]
    wording: Wording
    profile: str
    browser: str
    facts_sha256: str
    files: tuple[KeptFile, ...]


@dataclass(frozen=True)
class Target:
    """The page to visit for a case and what is sought there."""

    case_id: int
    url: str
    platform: str
    text: str
    trigger: str
    seen: bool  # the crawler had the wording from this very address


def target_of(session: Session, case_id: int) -> Target | None:
    """The page a visitor would read the wording on: the address it was last collected from as a page for people.

    When it was only collected from answers for programs, the listing's own page. None for a case without a passage or
    that does not exist.
    """
    case = session.get(Case, case_id)
    passages = passages_of(session, case) if case is not None else []
    if case is None or not passages:
        return None
    listing = session.get_one(Listing, case.listing_id)
    trigger = session.get_one(Finding, case.finding_id).trigger
    for passage in reversed(passages):
        capture = session.get_one(Capture, passage.capture_id)
        if capture.content_type in HTML:
            return Target(case.id, capture.url, listing.platform, passage.text, trigger, seen=True)
    return Target(case.id, listing.url, listing.platform, passages[-1].text, trigger, seen=False)


def visits(session: Session, case_ids: Iterable[int] | None = None) -> dict[int, list[Visit]]:
    """The visits of these cases, or of all, oldest first, by case."""
    query = select(CleanCapture).order_by(CleanCapture.captured_at, CleanCapture.id)
    if case_ids is not None:
        query = query.where(CleanCapture.case_id.in_(sorted(set(case_ids))))
    found: dict[int, list[Visit]] = defaultdict(list)
    for row in session.scalars(query):
        visit = Visit(row.captured_at, row.ended_at, row.outcome, Wording(row.wording), row.profile)
        found[row.case_id].append(visit)
    return dict(found)


def watched(session: Session, case_ids: Iterable[int] | None = None) -> list[Watched]:
    """These cases, or all, with their state and visits, for `ledger.clean_schedule.due`; three queries in all."""
    wanted = None if case_ids is None else sorted(set(case_ids))
    state, past = statuses(session, wanted), visits(session, wanted)
    query = select(Case.id, Case.opened_at, Finding.flagged).join(Finding, Finding.id == Case.finding_id)
    if wanted is not None:
        query = query.where(Case.id.in_(wanted))
    return [
        Watched(case, opened, state[case], flagged, tuple(past.get(case, ())))
        for case, opened, flagged in session.execute(query.order_by(Case.id))
    ]


def keep(ledger: Ledger, target: Target, taken: Taken, actor: str) -> KeptCapture:
    """Store the files, then the rows and the events in one transaction; a crash between leaves files nobody names.

    Raises `StoreFull` or `LedgerUnavailable`, with no row written, and `ValueError` for facts that are not the twenty.
    """
    facts = Piece("facts", "facts.json", "application/json", facts_json(taken))
    pieces = (facts, *taken.pieces)
    addresses = [ledger.store.put(piece.data, PIECE) for piece in pieces]
    with ledger.session() as session:
        before = visits(session, [target.case_id]).get(target.case_id, [])
        row = _row(target, taken, addresses[0], _wording(target, taken, before))
        session.add(row)
        session.flush()
        session.add_all(
            CleanCaptureFile(
                clean_capture_id=row.id,
                position=position,
                kind=piece.kind,
                name=piece.name,
                media_type=piece.media_type,
                sha256=address,
                size=len(piece.data),
            )
            for position, (piece, address) in enumerate(zip(pieces, addresses, strict=True))
        )
        record(session, COLLECTED, "clean_capture", row.id, actor, sha256=row.facts_sha256)
        told = {"clean_capture": row.id, "url": row.url}
        record(session, f"wording_{row.wording}", "case", row.case_id, actor, **told)
        proof = proof_of(visits(session, [row.case_id])[row.case_id])
        told = {"clean_capture": row.id, "reason": proof.reason}
        record(session, f"clean_capture_{proof.state}", "case", row.case_id, actor, **told)
        session.flush()
        return _kept(session, [row])[0]


def _wording(target: Target, taken: Taken, before: Sequence[Visit]) -> Wording:
    seen = target.seen or any(visit.wording in HELD for visit in before)
    if taken.outcome == NOT_FOUND:
        return Wording.WITHDRAWN if seen else Wording.NOT_SHOWN
    if taken.outcome != PAGE:
        return Wording.UNKNOWN
    return compare(target.text, target.trigger, taken.visible_text, taken.hidden_text, seen_before=seen)


def _row(target: Target, taken: Taken, facts_sha256: str, wording: Wording) -> CleanCapture:
    return CleanCapture(
        case_id=target.case_id,
        url=taken.url,
        final_url=taken.final_url,
        captured_at=taken.started_at,
        ended_at=taken.ended_at,
        outcome=taken.outcome,
        reason=taken.reason,
        status=taken.status,
        grade=taken.grade,
        gaps=list(taken.gaps),
        wording=str(wording),
        profile=taken.profile,
        browser=taken.browser,
        software=taken.software,
        facts_sha256=facts_sha256,
    )


def clean_captures_of(session: Session, case_id: int) -> list[KeptCapture]:
    """The clean captures of a case with their files, oldest first."""
    query = select(CleanCapture).where(CleanCapture.case_id == case_id)
    return _kept(session, session.scalars(query.order_by(CleanCapture.captured_at, CleanCapture.id)).all())


def clean_capture(session: Session, number: int) -> KeptCapture:
    """One clean capture. Raises `EvidenceMissing` for a number that does not exist."""
    row = session.get(CleanCapture, number)
    if row is None:
        raise EvidenceMissing(f"clean capture {number} is not in the ledger")
    return _kept(session, [row])[0]


def _kept(session: Session, rows: Sequence[CleanCapture]) -> list[KeptCapture]:
    query = select(CleanCaptureFile).where(CleanCaptureFile.clean_capture_id.in_([row.id for row in rows]))
    files: dict[int, list[KeptFile]] = defaultdict(list)
    for file in session.scalars(query.order_by(CleanCaptureFile.clean_capture_id, CleanCaptureFile.position)):
        files[file.clean_capture_id].append(KeptFile(file.kind, file.name, file.media_type, file.sha256, file.size))
    return [
        KeptCapture(
            row.id,
            row.case_id,
            row.url,
            row.final_url,
            row.captured_at,
            row.ended_at,
            row.outcome,
            row.reason,
            row.status,
            row.grade,
            tuple(row.gaps),
            Wording(row.wording),
            row.profile,
            row.browser,
            row.facts_sha256,
            tuple(files[row.id]),
        )
        for row in rows
    ]


def files_of(store: EvidenceStore, capture: KeptCapture) -> list[tuple[KeptFile, bytes]]:
    """Every file of a clean capture with its bytes, hashed again. Raises `EvidenceMissing` or `EvidenceDamaged`."""
    return [(file, store.read(file.sha256, PIECE)) for file in capture.files]


def images_of(store: EvidenceStore, capture: KeptCapture) -> list[bytes]:
    """The full-page image (PNG) from top to bottom, in several strips when the page is long. Raises as `files_of`."""
    return [store.read(file.sha256, PIECE) for file in capture.files if file.kind == "image"]


def copy_out(ledger: Ledger, number: int, folder: Path, *, reason: str, actor: str) -> KeptCapture:
    """Hand working copies of all files of a clean capture to a person, in `folder`; who and why is recorded first.

    Raises as `files_of` does, `EvidenceMissing` for an unknown number, `ValueError` for a blank reason, `StoreFull` or
    `LedgerUnavailable` for the disk.
    """
    with ledger.session() as session:
        kept = clean_capture(session, number)
        files = files_of(ledger.store, kept)
        record(session, EXPORTED, "clean_capture", number, actor, sha256=kept.facts_sha256, reason=reason)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, data in files:
            (folder / file.name).write_bytes(data)
    except OSError as error:
        kind = StoreFull if error.errno in FULL else LedgerUnavailable
        raise kind(f"{folder}: {error.strerror}") from error
    return kept


def proof_of_case(session: Session, case_id: int) -> Proof:
    """What the clean captures of a case are worth for its dossier."""
    return proof_of(visits(session, [case_id]).get(case_id, ()))
