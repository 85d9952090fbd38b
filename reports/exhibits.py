"""Copy the evidence of a case into its dossier: capture, decoded body, wording. What is damaged is not copied."""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True)
class Planned:
    """An exhibit before it is written: its number, where its bytes are kept, the captures that found them."""

    number: int
    address: str
    captures: tuple[int, ...]


def plan(files: Sequence[CaseFile], assessments: Sequence[Assessment]) -> tuple[Planned, ...]:
    """Every intact capture of these cases, each once: the one on which people decided first comes first."""
    first = files[0].key.capture_id
    seen = {capture.id: capture for file in files for capture in file.captures.values()}
    whole = {number for one in assessments for number, state in one.evidence.items() if state == "intact"}
    groups: dict[str, list[int]] = {}
    for capture in sorted(seen.values(), key=lambda one: (one.id != first, one.captured_at, one.id)):
        if capture.id in whole:
            groups.setdefault(capture.warc_sha256, []).append(capture.id)
    return tuple(
        Planned(number, address, tuple(captures)) for number, (address, captures) in enumerate(groups.items(), 1)
    )


def write_exhibits(
    stage: Staging, files: Sequence[CaseFile], planned: Sequence[Planned], store: EvidenceStore
) -> tuple[Exhibit, ...]:
    """Write them as planned. Raises as `EvidenceStore.read` does."""
    exhibits = []
    for one in planned:
        written = _write(stage, one.number, store.read(one.address), wordings_in(files, one.captures))
        exhibits.append(Exhibit(one.number, one.captures, written))
    return tuple(exhibits)


def wordings_in(files: Sequence[CaseFile], captures: Sequence[int]) -> list[Wording]:
    """The texts of the dossier that stand in these captures, each once, in the order of their passage files."""
    found = {
        wording.text: wording
        for file in files
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
