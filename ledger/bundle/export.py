"""Export captures as a bag with its ZIP, or as one WACZ, with every proof there is. It makes no seal."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from ledger.bundle.bag import Label, close
from ledger.bundle.evidence import CleanExhibit, write_clean, write_evidence
from ledger.bundle.folder import PARTIAL, CannotWrite, free_name, published, staging, tidy, told
from ledger.bundle.gather import gather_evidence
from ledger.bundle.means import Means
from ledger.bundle.wacz import Page, WebArchive, sealed_wacz, write_wacz
from ledger.cases import passages_of
from ledger.database import Ledger
from ledger.errors import EvidenceMissing
from ledger.events import EXPORTED, record
from ledger.evidence_tables import CAPTURE
from ledger.models import Capture, Case


@dataclass(frozen=True)
class Order:
    """What to export: these captures, on behalf of one row (`capture` or `case`), for that reason, by that person."""

    subject: str
    subject_id: int
    captures: tuple[int, ...]
    actor: str
    reason: str
    software: str

    @property
    def name(self) -> str:
        """The name of what is written."""
        return f"{self.subject}-{self.subject_id:06d}"

    @property
    def title(self) -> str:
        """In French, for a reader."""
        what = {"capture": "Capture", "case": "Captures du cas"}[self.subject]
        return f"{what} n° {self.subject_id}"


@dataclass(frozen=True)
class Exported:
    """Where it lies, and the hash that commits to all of it: the bag's fingerprint, or the WACZ's own SHA-256."""

    path: Path
    zip_path: Path | None
    sha256: str
    captures: int
    clean: tuple[str, ...] = ()  # the grade of each clean capture that is in it


def captures_of_case(ledger: Ledger, case_id: int) -> tuple[int, ...]:
    """Every capture that holds the wording of the case. Raises `EvidenceMissing` when there is no such case."""
    with ledger.session() as session:
        case = session.get(Case, case_id)
        if case is None:
            raise EvidenceMissing(f"there is no case {case_id}")
        return tuple(sorted({passage.capture_id for passage in passages_of(session, case)}))


def export_bag(
    ledger: Ledger,
    order: Order,
    out: Path,
    means: Means,
    *,
    clean: Sequence[CleanExhibit] = (),
    now: datetime | None = None,
) -> Exported:
    """Write `<name>/`, a BagIt bag, and its ZIP, and record the export. Nothing is left behind when it fails.

    `clean` are the clean captures that belong to it.

    Raises `EvidenceMissing`, `EvidenceDamaged`, `ChainBroken`, `StoreFull`, `CannotWrite`.
    """
    at = _second(now)
    archives, held = _collect(ledger, order, "exhibits")
    with told(out), staging(out) as stage:
        for archive in archives:
            stage.write(f"exhibits/{archive.name}", archive.data)
        evidence = gather_evidence(ledger, held | write_clean(stage, clean))
        write_evidence(stage, evidence)
        stage.write("captures.wacz", write_wacz(archives, title=order.title, made_at=at, software=order.software))
        name = free_name(out, order.name)
        label = Label(name, order.subject, order.title, at, order.software, means.organisation)
        fingerprint = close(stage, label, signer=means.signer, stamping=means.stamping)
        with published(stage, out, name) as (folder, archive_path), ledger.session() as session:
            told_as = {"reason": order.reason, "sha256": fingerprint, "form": "bag", "name": name}
            record(session, EXPORTED, order.subject, order.subject_id, order.actor, **told_as)
    grades = tuple(one.grade for one in clean)
    return Exported(folder, archive_path, fingerprint, len(evidence.captures) - len(clean), grades)


def export_wacz(ledger: Ledger, order: Order, out: Path, now: datetime | None = None) -> Exported:
    """Write `<name>.wacz` with the proofs inside, and record the export. Raises as `export_bag` does."""
    archives, held = _collect(ledger, order, "archive")
    evidence = gather_evidence(ledger, held)
    data = sealed_wacz(archives, evidence, title=order.title, made_at=_second(now), software=order.software)
    digest = hashlib.sha256(data).hexdigest()
    with told(out):
        out.mkdir(parents=True, exist_ok=True)
        tidy(out)
        path = out / f"{order.name}.wacz"
        number = 1
        while path.exists():
            number += 1
            path = out / f"{order.name}-{number}.wacz"
        with _placed(data, path), ledger.session() as session:
            told_as = {"reason": order.reason, "sha256": digest, "form": "wacz", "name": path.name}
            record(session, EXPORTED, order.subject, order.subject_id, order.actor, **told_as)
    return Exported(path, None, digest, len(evidence.captures))


def _collect(
    ledger: Ledger, order: Order, folder: str
) -> tuple[list[WebArchive], dict[tuple[str, int], tuple[str, str]]]:
    """The web archives, each once, and the file and hash of every capture that they hold."""
    with ledger.session() as session:
        rows = {row.id: row for row in session.scalars(select(Capture).where(Capture.id.in_(order.captures)))}
        origins = {row.revisit_of_id for row in rows.values() if row.revisit_of_id}
        rows |= {row.id: row for row in session.scalars(select(Capture).where(Capture.id.in_(origins)))}
    missing = set(order.captures) - set(rows)
    if missing or not rows:
        raise EvidenceMissing(f"there is no capture {min(missing, default=0)}")
    archives: dict[str, WebArchive] = {}
    held: dict[tuple[str, int], tuple[str, str]] = {}
    for number, row in sorted(rows.items()):
        source = rows[row.revisit_of_id] if row.revisit_of_id else row
        if source.warc_sha256 is None:
            raise EvidenceMissing(f"capture {number} has no stored bytes: {row.outcome}")
        name = f"capture-{source.id:06d}.warc.gz"
        if name not in archives:
            page = Page(source.url, source.captured_at, f"Capture n° {source.id}")
            archives[name] = WebArchive(name, ledger.store.read(source.warc_sha256), (page,))
        held[CAPTURE, number] = (f"{folder}/{name}", source.warc_sha256)
    return list(archives.values()), held


def _second(now: datetime | None) -> datetime:
    return (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)


@contextmanager
def _placed(data: bytes, path: Path) -> Iterator[None]:
    """Write beside, and once the block, which records that it leaves, has ended well, link: whole, and over nothing."""
    handle, name = tempfile.mkstemp(prefix=PARTIAL, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # so that `tidy` leaves it alone
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(name).chmod(0o600)
            yield
            path.hardlink_to(name)
    except FileExistsError as error:
        raise CannotWrite(f"{path} : un fichier de ce nom vient d’être écrit ; recommencez") from error
    finally:
        Path(name).unlink(missing_ok=True)
