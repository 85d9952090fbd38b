"""Gather from the ledger what a bundle shows about its captures. It writes no file and makes no seal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ledger.bundle.evidence import CapturedFile, CleanExhibit, Evidence, SealFile, SealToken
from ledger.clean_captures import clean_captures_of, files_of
from ledger.clean_facts import GRADES
from ledger.clean_tables import CleanCapture
from ledger.database import Ledger
from ledger.evidence_tables import CAPTURE, CLEAN_CAPTURE, Erasure, EventLink, Seal, SealLeaf, Stamp
from ledger.models import Event, Reviewer
from ledger.sealing.files import PROMISE, calendar_files
from ledger.sealing.leaves import SOURCES
from ledger.sealing.proofs import Proof, event_proofs, evidence_proofs

UNSEALED = "pas encore sous scellé"
Held = Mapping[tuple[str, int], tuple[str, str]]  # (kind, number) to (name in the bundle, SHA-256)


def gather_evidence(ledger: Ledger, held: Held) -> Evidence:
    """The captures, each with the file that holds its bytes, and every proof that the ledger has of them.

    The capture whose stored bytes another one repeated joins it. What is not sealed yet says so. Custody lines that
    name a reviewer stay behind and are counted. Raises `ChainBroken` when a row is not what was sealed.
    """
    with ledger.session() as session:
        captures = _captures(session, held)
        seals = {capture.proof["seal"] for capture in captures if capture.proof is not None}
        events, named, unsealed = _events(session, [(one.kind, one.id) for one in captures], seals)
        seals |= {proof["seal"] for proof in events}
        return Evidence(tuple(captures), _seals(session, seals), events, named + unsealed, _withheld(named, unsealed))


def _captures(session: Session, held: Held) -> list[CapturedFile]:
    """By kind and number; originals of repeats included."""
    held = dict(held)
    rows: dict[tuple[str, int], Any] = {}
    for kind, source in SOURCES.items():
        numbers = [number for one, number in held if one == kind]
        found = {row[0]: row for row in session.execute(source.rows().where(source.id_column.in_(numbers)))}
        origins = {number: getattr(row, "revisit_of_id", None) for number, row in found.items()}
        missing = {origin: number for number, origin in origins.items() if origin and (kind, origin) not in held}
        held |= {(kind, origin): held[kind, number] for origin, number in missing.items()}
        found |= {row[0]: row for row in session.execute(source.rows().where(source.id_column.in_(missing)))}
        rows |= {(kind, number): row for number, row in found.items()}
    proofs = _proofs(session, rows)
    clean = select(CleanCapture.id, CleanCapture.grade).where(
        CleanCapture.id.in_([number for kind, number in rows if kind == CLEAN_CAPTURE])
    )
    grades = {(CLEAN_CAPTURE, number): GRADES[grade] for number, grade in session.execute(clean)}
    return [
        CapturedFile(
            kind,
            number,
            row.url,
            row.captured_at,
            *held[kind, number],
            revisit_of=getattr(row, "revisit_of_id", None),
            proof=proofs.get((kind, number)),
            reason="" if (kind, number) in proofs else UNSEALED,
            grade=grades.get((kind, number), ""),
        )
        for (kind, number), row in sorted(rows.items())
    ]


def _proofs(session: Session, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Proof]:
    proofs: dict[tuple[str, int], Proof] = {}
    for kind in SOURCES:
        numbers = [number for one, number in wanted if one == kind]
        query = select(SealLeaf.subject_id).where(SealLeaf.kind == kind, SealLeaf.subject_id.in_(numbers))
        found = evidence_proofs(session, session.scalars(query).all(), kind)
        proofs |= {(kind, number): proof for number, proof in found.items()}
    return proofs


def _events(session: Session, captures: list[tuple[str, int]], seals: set[int]) -> tuple[tuple[Proof, ...], int, int]:
    """Proofs of the lines about these captures and seals; how many lines name a reviewer, how many are not sealed."""
    subjects = {kind: [number for one, number in captures if one == kind] for kind in SOURCES} | {"seal": list(seals)}
    about = or_(*((Event.subject == kind) & Event.subject_id.in_(numbers) for kind, numbers in subjects.items()))
    query = select(Event.id, Event.actor, EventLink.sequence).join(EventLink, EventLink.event_id == Event.id)
    people = set(session.scalars(select(Reviewer.login)))
    last = session.scalar(select(func.max(Seal.log_last))) or 0
    kept, named, unsealed = [], 0, 0
    for number, actor, sequence in session.execute(query.where(about)):
        if actor in people:
            named += 1
        elif sequence > last:
            unsealed += 1
        else:
            kept.append(number)
    proofs = event_proofs(session, kept).values()
    return tuple(sorted(proofs, key=lambda proof: proof["leaf"]["sequence"])), named, unsealed


def _withheld(named: int, unsealed: int) -> str:
    """Why lines stay behind, in French."""
    said = ((named, "nomment une personne"), (unsealed, "ne sont pas encore sous scellé"))
    return " ; ".join(f"{count} {what}" for count, what in said if count)


def _seals(session: Session, needed: set[int]) -> tuple[SealFile, ...]:
    """From the first that is needed to the newest, so that the chain holds; tokens of those needed and the newest."""
    if not needed:
        return ()
    newest = session.scalar(select(func.max(Seal.number))) or 0
    tokens: dict[int, list[SealToken]] = {}
    query = select(Stamp).where(Stamp.seal_number.in_(needed | {newest})).order_by(Stamp.seal_number, Stamp.authority)
    for stamp in session.scalars(query):
        token = SealToken(stamp.authority, stamp.token, stamp.certificates.encode())
        tokens.setdefault(stamp.seal_number, []).append(token)
    seals = session.scalars(select(Seal).where(Seal.number >= min(needed)).order_by(Seal.number))
    proofs = {number: tuple(_best(session, number)) for number in needed | {newest}}
    return tuple(
        SealFile(
            seal.number, seal.content.encode("ascii"), tuple(tokens.get(seal.number, ())), proofs.get(seal.number, ())
        )
        for seal in seals
    )


def _best(session: Session, number: int) -> Iterator[tuple[str, bytes]]:
    """The OpenTimestamps proofs of one seal: of each calendar the attestation, or else the promise."""
    files = dict(calendar_files(session, number))
    for name, proof in files.items():
        if not (name.endswith(PROMISE) and f"{name.removesuffix(PROMISE)}.ots" in files):
            yield name, proof


def held_captures(files: Mapping[int, str], digests: Mapping[str, tuple[int, str]]) -> Held:
    """Captures, by number, in files of a staged payload (`Staging.files`)."""
    return {(CAPTURE, number): (name, digests[f"data/{name}"][1]) for number, name in files.items()}


def clean_exhibits(ledger: Ledger, cases: Iterable[int]) -> list[CleanExhibit]:
    """The clean captures of these cases with their files, oldest first, but for those that were erased.

    Raises `EvidenceMissing` or `EvidenceDamaged` when a file is not what was kept.
    """
    gone = select(Erasure.subject_id).where(Erasure.kind == CLEAN_CAPTURE)
    with ledger.session() as session:
        erased = set(session.scalars(gone))
        kept = [one for case in cases for one in clean_captures_of(session, case) if one.id not in erased]
    return [
        CleanExhibit(one.id, {file.name: data for file, data in files_of(ledger.store, one)}, GRADES[one.grade])
        for one in kept
    ]
