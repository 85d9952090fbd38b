"""Write the dossier of a practitioner, whole or not at all, and record it. Unsure evidence or identity is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from sqlalchemy import select

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
    write_clean,
    write_evidence,
    write_wacz,
)
from ledger.bundle.gather import clean_exhibits, gather_evidence, held_captures
from ledger.evidence_tables import CLEAN_CAPTURE, Erasure
from ledger.models import Case, Dossier, ListingView, Reviewer
from ledger.sending_tables import DossierCase
from reference import Reference, load_reference
from reference.errors import VigieError
from reports.assembly import Assembly, assemble
from reports.clean_pages import clean_pages
from reports.clean_pages import model as model_of_pages
from reports.custody import custody_lines
from reports.exhibits import Exhibit, write_exhibits
from reports.facts import Contents, facts
from reports.lint import NAMES, lint
from reports.locate import Located, locate_in_page, locate_in_text
from reports.model import page_model
from reports.package import Finding, Package
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
    """Where a dossier lies, and whether it is fit to leave. `checks` is how many named checks were run."""

    path: Path
    zip_path: Path
    pdf_path: Path
    complete: bool
    gaps: tuple[str, ...]
    manifest_sha256: str
    cases: tuple[int, ...]
    checks: int


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
    """Write `dossier-<year>-<token>/`, a BagIt bag, and its ZIP into `out`, and record the dossier and its event.

    It tells every confirmed case of the same person. Evidence is hashed again and the wording found again first, and
    every named check of `reports.lint` is run on what was written. Raises `DossierRefused` when something is missing,
    unless `allow_incomplete`; a case not confirmed, a key exhibit that is not whole, one that does not hold the
    wording, or a name that may not leave is refused in any case. Raises `NoSuchCase`, `StoreFull`, `CannotWrite`;
    nothing is left behind then. An earlier dossier is kept: the next one takes `-2`, `-3`… The same ledger, name and
    `now` give the same bytes, but for a signature and stamps. Their absence is recorded in the bag.
    """
    at = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    reference = load_reference()
    assembly = assemble(ledger, case_id, reference)
    if any(gap.final for gap in assembly.gaps) or (assembly.gaps and not allow_incomplete):
        raise DossierRefused([gap.text for gap in assembly.gaps])
    with told(out), staging(out) as stage:
        name = free_name(out, f"dossier-{at.year}-{assembly.person.token}")
        found, signed = _fill(stage, _number(name), at, ledger, assembly, reference, means)
        texts = tuple(finding.text for finding in found)
        if any(finding.final for finding in found) or (found and not allow_incomplete):
            raise DossierRefused(texts)
        title = f"Dossier de signalement {_number(name)}"
        label = Label(name, "dossier", title, at, _software(), means.organisation)
        manifest = close(stage, label, signer=means.signer, stamping=means.stamping, pdf=signed)
        row = Dossier(
            case_id=case_id, written_at=at, name=name, complete=not found, gaps=list(texts), manifest_sha256=manifest
        )
        with published(stage, out, name) as (folder, archive):
            _record(ledger, row, assembly, actor)
    cases = tuple(file.case_id for file in assembly.files)
    return WrittenDossier(folder, archive, folder / "data" / PDF, not found, texts, manifest, cases, len(NAMES))


def _record(ledger: Ledger, row: Dossier, assembly: Assembly, actor: str) -> None:
    """The dossier, its cases, that it was written and that evidence of each case left, in one transaction."""
    with ledger.session() as session:
        session.add(row)
        session.flush()
        session.add_all(DossierCase(dossier_id=row.id, case_id=file.case_id) for file in assembly.files)
        events.record(
            session,
            "dossier_written",
            "dossier",
            row.id,
            actor,
            case=row.case_id,
            name=row.name,
            complete=row.complete,
            gaps=list(row.gaps),
            manifest_sha256=row.manifest_sha256,
        )
        told_why = {"reason": f"dossier {_number(row.name)}", "sha256": row.manifest_sha256, "form": "bag"}
        for file in assembly.files:
            events.record(session, events.EXPORTED, "case", file.case_id, actor, **told_why)


def _number(name: str) -> str:
    """The reference printed on every page: « VIGIE-2026-K7QF3MAB », « VIGIE-2026-K7QF3MAB-2 »."""
    return name.replace("dossier", "VIGIE", 1)


def _fill(
    stage: Staging,
    number: str,
    at: datetime,
    ledger: Ledger,
    assembly: Assembly,
    reference: Reference,
    means: Means,
) -> tuple[tuple[Finding, ...], dict[str, str]]:
    """Write what the dossier tells, its exhibits and their proofs; what the checks find, the PDF's signature."""
    exhibits = write_exhibits(stage, assembly.files, assembly.planned, ledger.store)
    captures = [capture.id for capture in assembly.captures]
    contents = Contents(
        reference=number,
        written_at=at,
        software=_software(),
        assembly=assembly,
        exhibits=exhibits,
        quotes=_quotes(stage, ledger, assembly, exhibits),
        custody=custody_lines(ledger, captures, [file.case_id for file in assembly.files]),
        remarks=_remarks(assembly),
        clean=clean_pages(ledger, [file.case_id for file in assembly.files], _erased(ledger)),
    )
    told_facts, model = facts(contents), page_model(contents, reference)
    pdf = typeset(model, told_facts, at, files=model_of_pages(contents.clean)[1])
    stage.write(FACTS, told_facts)
    signed = means.sign_pdf(pdf) if means.sign_pdf else None
    stage.write(PDF, signed.data if signed else pdf)
    files = {capture: f"{exhibit.files[0].name}" for exhibit in exhibits for capture in exhibit.captures}
    held = {
        **held_captures(files, stage.files),
        **write_clean(stage, clean_exhibits(ledger, [file.case_id for file in assembly.files])),
    }
    write_evidence(stage, gather_evidence(ledger, held))
    stage.write(WACZ, _wacz(stage, contents))
    people, others = _names(ledger, assembly)
    package = Package(
        contents, model, told_facts, pdf, lambda name: stage.read(f"data/{name}"), people, others, reference
    )
    signature = {"level": signed.level, "reason": signed.reason} if signed else {"level": "", "reason": UNSIGNED}
    return lint(package), signature


def _erased(ledger: Ledger) -> set[int]:
    """The clean captures whose bytes were removed."""
    with ledger.session() as session:
        return set(session.scalars(select(Erasure.subject_id).where(Erasure.kind == CLEAN_CAPTURE)))


def _quotes(
    stage: Staging, ledger: Ledger, assembly: Assembly, exhibits: Sequence[Exhibit]
) -> dict[int, Located | None]:
    """Where each quotation stands: in the page as received, else in the passage file of the same exhibit."""
    found: dict[int, Located | None] = {}
    for part in assembly.parts:
        for wording in (part.file.key, *part.file.acceptances):
            exhibit = next((one for one in exhibits if wording.capture_id in one.captures), None)
            if exhibit is None:
                found[wording.passage_id] = None
                continue
            exchange = ledger.store.exchange(assembly.planned[exhibit.number - 1].address)
            page = next((file.name for file in exhibit.files if "-page" in file.name), "")
            quote = wording.trigger or wording.text
            located = locate_in_page(exchange, page, quote) if page else None
            for file in exhibit.files:
                if located is None and "-passage" in file.name:
                    located = locate_in_text(stage.read(f"data/{file.name}"), file.name, quote)
            found[wording.passage_id] = located
    return found


def _remarks(assembly: Assembly) -> tuple[str, ...]:
    """What a reader must know and that does not stop the dossier."""
    remarks = []
    if all(len(part.observed()) < 2 for part in assembly.parts):
        remarks.append("la formule n’a été relevée qu’une fois ; un second constat, un autre jour, la confirmerait")
    if assembly.authority is not None and assembly.authority.confirmed is None:
        remarks.append("l’inscription au tableau n’a pas encore été confirmée auprès de l’Ordre")
    if assembly.left_out:
        count = len(assembly.left_out)
        said = (
            "une autre formule de la même personne n’est pas reprise"
            if count == 1
            else (f"{count} autres formules de la même personne ne sont pas reprises")
        )
        remarks.append(f"{said} : les pièces correspondantes sont à revoir")
    return tuple(remarks)


def _names(ledger: Ledger, assembly: Assembly) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of reviewers, and of other practitioners shown by the same captures."""
    captures = [capture.id for capture in assembly.captures]
    own = {" ".join(file.shown.display_name.split()) for file in assembly.files}
    with ledger.session() as session:
        people = session.execute(select(Reviewer.login, Reviewer.display_name)).all()
        listings = select(Case.listing_id).where(Case.id.in_([file.case_id for file in assembly.files]))
        shown = session.scalars(
            select(ListingView.display_name).where(
                ListingView.capture_id.in_(captures), ListingView.listing_id.not_in(listings)
            )
        ).all()
    others = {" ".join(name.split()) for name in shown} - own - {""}
    return tuple(name for row in people for name in row if name), tuple(sorted(others))


def _wacz(stage: Staging, contents: Contents) -> bytes:
    """The exhibits' web archives as one file for a viewer."""
    captures = {capture.id: capture for capture in contents.assembly.captures}
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
