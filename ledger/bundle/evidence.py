"""Lay captures' proofs into a bundle: seals, tokens, inclusion proofs, extract of the custody log. It asks no ledger.

`evidence.json` announces all of them, so that one that is taken away is missed; `docs/bundle-format.md` describes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.bundle.folder import PAYLOAD, Staging
from ledger.canonical import canonical_bytes, utc_text

EVIDENCE, CUSTODY = "evidence.json", "custody.jsonl"
Proof = Mapping[str, Any]  # docs/evidence-format.md, section 6


@dataclass(frozen=True)
class CapturedFile:
    """One capture and the file of the bundle that holds its bytes: a `.warc.gz`, or the facts of a clean capture."""

    kind: str  # capture | clean_capture
    id: int
    url: str
    captured_at: datetime
    file: str  # name under data/
    sha256: str
    revisit_of: int | None = None  # the capture whose stored bytes this one repeated
    proof: Proof | None = None
    reason: str = ""  # why there is no proof, in French
    grade: str = ""  # of a clean capture, as its facts say it: complète | incomplète


@dataclass(frozen=True)
class SealToken:
    """A `TimeStampResp` over a seal, and the certificates it was trusted by (PEM)."""

    authority: str
    token: bytes
    certificates: bytes


@dataclass(frozen=True)
class SealFile:
    """One seal, byte for byte, and its tokens."""

    number: int
    data: bytes
    tokens: tuple[SealToken, ...] = ()
    calendars: tuple[tuple[str, bytes], ...] = ()  # OpenTimestamps proofs by the name of their file


@dataclass(frozen=True)
class Evidence:
    """All that a bundle shows about its captures. Seals stand in ascending order, without a gap."""

    captures: tuple[CapturedFile, ...]
    seals: tuple[SealFile, ...] = ()
    events: tuple[Proof, ...] = ()  # proofs of custody lines, by sequence
    withheld: int = 0  # custody lines left out, because they name people or are not sealed yet
    withheld_reason: str = ""


@dataclass(frozen=True)
class CleanExhibit:
    """A clean capture as it goes into a bundle: its number and its files by name, `facts.json` among them."""

    id: int
    files: Mapping[str, bytes]
    grade: str = ""  # complète | incomplète

    @property
    def folder(self) -> str:
        """Where its files lie under `data/`."""
        return f"exhibits/clean-{self.id:06d}"


def write_clean(stage: Staging, exhibits: Sequence[CleanExhibit]) -> dict[tuple[str, int], tuple[str, str]]:
    """Keep the files of clean captures; what `gather_evidence` is told of them. Raises `KeyError` without facts."""
    held = {}
    for exhibit in exhibits:
        for name, data in exhibit.files.items():
            stage.write(f"{exhibit.folder}/{name}", data)
        facts = f"{exhibit.folder}/facts.json"
        held["clean_capture", exhibit.id] = (facts, stage.files[f"{PAYLOAD}{facts}"][1])
    return held


def evidence_files(evidence: Evidence) -> dict[str, bytes]:
    """The files that say it, by name under `data/`; the captures' own bytes are not among them."""
    files: dict[str, bytes] = {}
    for capture in evidence.captures:
        if capture.proof is not None:
            files[f"proofs/{capture.kind}-{capture.id:06d}.json"] = canonical_bytes(capture.proof)
    tokens = []
    for seal in evidence.seals:
        files[f"seals/{seal.number:06d}.json"] = seal.data
        for token in seal.tokens:
            stem = f"{seal.number:06d}.{token.authority}"
            files[f"seals/{stem}.tsr"] = token.token
            files[f"seals/{stem}.pem"] = token.certificates
            tokens.append(f"{stem}.tsr")
        files |= {f"seals/{name}": proof for name, proof in seal.calendars}
    calendars = sorted(name for seal in evidence.seals for name, _ in seal.calendars)
    files[CUSTODY] = b"".join(canonical_bytes(proof["leaf"]) for proof in evidence.events)
    files[f"proofs/{CUSTODY}"] = b"".join(canonical_bytes(proof) for proof in evidence.events)
    files[EVIDENCE] = canonical_bytes(
        {
            "format": "vigie-evidence/1",
            "captures": [_entry(capture) for capture in evidence.captures],
            "seals": [seal.number for seal in evidence.seals],
            "tokens": sorted(tokens),
            "calendars": calendars,
            "custody": {
                "lines": len(evidence.events),
                "withheld": evidence.withheld,
                "reason": evidence.withheld_reason,
            },
        }
    )
    return files


def write_evidence(stage: Staging, evidence: Evidence) -> None:
    """Keep those files in the payload; the caller writes the captures' own files under the names given here."""
    for name, data in evidence_files(evidence).items():
        stage.write(name, data)


def _entry(capture: CapturedFile) -> dict[str, Any]:
    return ({"grade": capture.grade} if capture.grade else {}) | {
        "kind": capture.kind,
        "id": capture.id,
        "url": capture.url,
        "captured_at": utc_text(capture.captured_at),
        "file": capture.file,
        "sha256": capture.sha256,
        "revisit_of": capture.revisit_of,
        "seal": capture.proof["seal"] if capture.proof is not None else None,
        "reason": capture.reason,
    }
