"""Copy the evidence of a case into its dossier: capture, decoded body, wording. What is damaged is not copied."""

from __future__ import annotations

from dataclasses import dataclass

from ledger import DamagedCapture, EvidenceStore, TooLarge
from ledger.bundle import Staging
from ledger.warc import Exchange, from_warc_gz
from reports.assess import Assessment
from reports.casefile import CaseFile, Wording

FOLDER = "exhibits"
SUFFIXES = {"text/html": ".html", "application/xhtml+xml": ".html", "application/json": ".json", "text/plain": ".txt"}


@dataclass(frozen=True)
class ExhibitFile:
    """One file of an exhibit, as it lies in the dossier."""

    name: str
    what: str  # French
    size: int
    sha256: str


@dataclass(frozen=True)
class Exhibit:
    """One numbered exhibit: the bytes of one answer, which several captures may have found unchanged."""

    number: int
    captures: tuple[int, ...]
    files: tuple[ExhibitFile, ...]


def write_exhibits(stage: Staging, file: CaseFile, assessment: Assessment, store: EvidenceStore) -> tuple[Exhibit, ...]:
    """Every intact capture of the case, the one on which people decided first. Raises as `EvidenceStore.read` does."""
    groups: dict[str, list[int]] = {}
    first = file.key.capture_id
    for capture in sorted(file.captures.values(), key=lambda seen: (seen.id != first, seen.captured_at, seen.id)):
        if assessment.evidence.get(capture.id) == "intact":
            groups.setdefault(capture.warc_sha256, []).append(capture.id)
    exhibits = []
    for number, (address, captures) in enumerate(groups.items(), 1):
        files = _write(stage, number, store.read(address), _wordings(file, captures))
        exhibits.append(Exhibit(number, tuple(captures), files))
    return tuple(exhibits)


def _wordings(file: CaseFile, captures: list[int]) -> list[Wording]:
    """The texts of the dossier that stand in these captures, each once."""
    found = {
        wording.text: wording
        for wording in (file.key, *file.sightings, *file.acceptances)
        if wording.capture_id in captures
    }
    return list(found.values())


def _write(stage: Staging, number: int, packed: bytes, wordings: list[Wording]) -> tuple[ExhibitFile, ...]:
    """The files of one exhibit."""
    base = f"{FOLDER}/piece-{number:02d}"
    contents = [(f"{base}-capture.warc.gz", "échange complet avec le serveur (WARC)", packed)]
    decoded = _content(from_warc_gz(packed))
    if decoded is not None:
        suffix, content = decoded
        contents.append((f"{base}-page{suffix}", "contenu de la page, décompressé", content))
    for place, wording in enumerate(wordings, 1):
        name = f"{base}-passage.txt" if place == 1 else f"{base}-passage-{place}.txt"
        contents.append((name, "texte du passage", wording.text.encode("utf-8", "backslashreplace")))
    return tuple(ExhibitFile(name, what, len(data), stage.write(name, data)) for name, what, data in contents)


def _content(exchange: Exchange) -> tuple[str, bytes] | None:
    """The suffix and bytes of the decoded body; None when it does not unpack."""
    try:
        content = exchange.content
    except (DamagedCapture, TooLarge):
        return None
    kind = exchange.content_type
    return SUFFIXES.get(kind, ".json" if kind.endswith("+json") else ".bin"), content
