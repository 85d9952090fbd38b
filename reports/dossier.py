"""Write the dossier of a confirmed case, whole or not at all, and record it. Unsure evidence or identity is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from sqlalchemy.orm import Session

from ledger import Ledger, events
from ledger.bundle import (
    Label,
    Means,
    Page,
    Staging,
    WebArchive,
    close,
    free_name,
    published,
    staging,
    told,
    write_evidence,
    write_wacz,
)
from ledger.bundle.gather import gather_evidence, held_captures
from ledger.models import Dossier
from reference import Reference, load_reference
from reference.errors import VigieError
from reports import legal, moments
from reports.assess import Assessment, assess, is_exercise
from reports.casefile import CaseFile, gather
from reports.exhibits import write_exhibits
from reports.facts import Contents, facts
from reports.model import page_model, stance_of
from reports.pdf import typeset

FACTS, PDF, WACZ = "facts.json", "dossier.pdf", "captures.wacz"


class DossierRefused(VigieError):
    """The case may not leave; `gaps` says why, in French, each one a clause without a full stop."""

    def __init__(self, gaps: Sequence[str]) -> None:
        """Make the one line an operator reads."""
        self.gaps = tuple(gaps)
        super().__init__("dossier refusé : " + " ; ".join(self.gaps))


NOTHING = Means()
UNSIGNED = "la signature du PDF n’est pas configurée"


@dataclass(frozen=True)
class WrittenDossier:
    """Where a dossier lies, and whether it is fit to leave."""

    path: Path
    zip_path: Path
    pdf_path: Path
    complete: bool
    gaps: tuple[str, ...]
    manifest_sha256: str


def write_dossier(
    ledger: Ledger,
    case_id: int,
    out: Path,
    *,
    allow_incomplete: bool = False,
    actor: str,
    now: datetime | None = None,
    means: Means = NOTHING,
) -> WrittenDossier:
    """Write `dossier-<case>/`, a BagIt bag, and its ZIP into `out`, and record the dossier and its event.

    Evidence is hashed again and the wording found again first. Raises `DossierRefused` when something is missing,
    unless `allow_incomplete`; a case not confirmed, a key exhibit that is not whole, or one that does not hold the
    wording is refused in any case. Raises `NoSuchCase`, `StoreFull`, `CannotWrite`; nothing is left behind then.
    An earlier dossier is kept: the next one takes `-2`, `-3`… The same ledger, name and `now` give the same bytes, but
    for a signature and stamps. Their absence is recorded in the bag.
    """
    at = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    reference = load_reference()
    with ledger.session() as session:
        file = gather(session, case_id)
    assessment = assess(file, ledger.store, reference)
    if assessment.final or (assessment.gaps and not allow_incomplete):
        raise DossierRefused(assessment.texts)
    with told(out), staging(out) as stage:
        name = free_name(out, f"dossier-{case_id:06d}")
        signed = _fill(stage, _number(name), at, ledger, file, assessment, reference, means)
        title = f"Dossier de signalement {_number(name)}"
        label = Label(name, "dossier", title, at, _software(), means.organisation)
        manifest = close(stage, label, signer=means.signer, stamping=means.stamping, pdf=signed)
        row = Dossier(
            case_id=case_id,
            written_at=at,
            name=name,
            complete=assessment.complete,
            gaps=list(assessment.texts),
            manifest_sha256=manifest,
        )
        with published(stage, out, name) as (folder, archive), ledger.session() as session:
            _record(session, row, actor)
    return WrittenDossier(folder, archive, folder / "data" / PDF, assessment.complete, assessment.texts, manifest)


def _record(session: Session, row: Dossier, actor: str) -> None:
    """The dossier's row, that it was written, and, in the custody log, that evidence of the case left."""
    session.add(row)
    session.flush()
    said = {"case": row.case_id, "name": row.name, "complete": row.complete, "gaps": list(row.gaps)}
    events.record(session, "dossier_written", "dossier", row.id, actor, **said, manifest_sha256=row.manifest_sha256)
    told = {"reason": f"dossier {_number(row.name)}", "sha256": row.manifest_sha256, "form": "bag"}
    events.record(session, events.EXPORTED, "case", row.case_id, actor, **told)


def _number(name: str) -> str:
    """The reference printed on every page: « VIGIE-000012 », « VIGIE-000012-2 »."""
    return name.replace("dossier", "VIGIE", 1)


def _fill(
    stage: Staging,
    number: str,
    at: datetime,
    ledger: Ledger,
    file: CaseFile,
    assessment: Assessment,
    reference: Reference,
    means: Means,
) -> dict[str, str]:
    """Write what the dossier tells, its exhibits and their proofs; what signature the PDF bears."""
    key = file.captures[file.key.capture_id]
    confirming = [vote.stance for vote in file.votes if vote.decision == "confirm"]
    contents = Contents(
        reference=number,
        written_at=at,
        software=_software(),
        file=file,
        assessment=assessment,
        exhibits=write_exhibits(stage, file, assessment, ledger.store),
        rules=legal.rules(reference, file.shown.profession, file.key.benefits, moments.paris(key.captured_at).date()),
        authority=legal.authority(reference, file.shown.profession, file.shown.postcode),
        stance=stance_of(confirming, reference, file.key.stance),
        exercise=is_exercise(file),
    )
    told_facts = facts(contents)
    stage.write(FACTS, told_facts)
    pdf = typeset(page_model(contents, reference), told_facts, at)
    signed = means.sign_pdf(pdf) if means.sign_pdf else None
    stage.write(PDF, signed.data if signed else pdf)
    files = {capture: f"{exhibit.files[0].name}" for exhibit in contents.exhibits for capture in exhibit.captures}
    write_evidence(stage, gather_evidence(ledger, held_captures(files, stage.files)))
    stage.write(WACZ, _wacz(stage, contents))
    return {"level": signed.level, "reason": signed.reason} if signed else {"level": "", "reason": UNSIGNED}


def _wacz(stage: Staging, contents: Contents) -> bytes:
    """The exhibits' web archives as one file for a viewer."""
    captures = contents.file.captures
    archives = []
    for exhibit in contents.exhibits:
        name = exhibit.files[0].name
        seen = [captures[capture] for capture in exhibit.captures]
        pages = tuple(Page(one.url, one.captured_at, f"Pièce {exhibit.number}") for one in seen[:1])
        archives.append(WebArchive(name.rpartition("/")[2], stage.read(f"data/{name}"), pages))
    title = f"Dossier de signalement {contents.reference}"
    return write_wacz(archives, title=title, made_at=contents.written_at, software=contents.software)


def _software() -> str:
    return f"vigie {metadata.version('vigie')}"
