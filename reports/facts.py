"""Say the facts of a dossier for machines: `facts.json`, also inside the PDF.

It holds no reviewer's name and no number of the ledger: captures are told by their place in the dossier.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from reports import moments
from reports.assembly import Assembly, Part
from reports.casefile import Seen, Wording
from reports.chronology import chronology
from reports.clean_pages import CleanPage
from reports.custody import CustodyLines
from reports.exhibits import Exhibit
from reports.legal import Rule
from reports.locate import Located

SCHEMA = "vigie-dossier/2"


@dataclass(frozen=True)
class Contents:
    """Everything that a dossier says, chosen once for the PDF and for the machine."""

    reference: str
    written_at: datetime
    software: str
    assembly: Assembly
    exhibits: tuple[Exhibit, ...]
    quotes: dict[int, Located | None]  # by passage id
    custody: CustodyLines
    remarks: tuple[str, ...]  # what a reader must know and that does not stop the dossier
    clean: tuple[CleanPage, ...] = ()  # visits in a fresh browser profile

    def exhibit_of(self, capture_id: int) -> int | None:
        """The number of the exhibit that holds this capture."""
        return self.assembly.exhibit_of(capture_id)

    def label_of(self, capture_id: int) -> str:
        """« C1 », « C2 »: the place of a capture among those of the dossier, oldest first."""
        return self.assembly.labels[capture_id]

    @property
    def gaps(self) -> tuple[str, ...]:
        """What is missing, in words."""
        return tuple(gap.text for gap in self.assembly.gaps)

    @property
    def complete(self) -> bool:
        """Nothing is missing."""
        return not self.assembly.gaps


def facts(contents: Contents) -> bytes:
    """The facts as UTF-8 JSON, the same bytes for the same contents."""
    assembly = contents.assembly
    shown = {key: value for key, value in asdict(assembly.person.main.shown).items() if key != "capture_id"}
    value = {
        "schema": SCHEMA,
        "reference": contents.reference,
        "written_at": contents.written_at,
        "software": contents.software,
        "exercise": assembly.exercise,
        "complete": contents.complete,
        "gaps": contents.gaps,
        "remarks": contents.remarks,
        "practitioner": shown,
        "authority": asdict(assembly.authority) if assembly.authority else None,
        "wordings": [_part(part, contents) for part in assembly.parts],
        "captures": [_capture(capture, contents) for capture in assembly.captures],
        "chronology": [asdict(one) for one in chronology(assembly)],
        "proofs": [asdict(proof) for proof in assembly.person.main.proofs],
        "custody": [asdict(line) for line in contents.custody.lines],
        "exhibits": [_exhibit(exhibit, contents) for exhibit in contents.exhibits],
    }
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain).encode("utf-8", "backslashreplace") + b"\n"


def _part(part: Part, contents: Contents) -> dict[str, Any]:
    file, observed = part.file, part.observed()
    later = contents.label_of(file.later) if file.later is not None else None
    return {
        "number": part.number,
        "platform": file.platform,
        "listing_url": file.listing_url,
        "listing_known_since": file.known_since,
        "stance": part.stance,
        "wording": _wording(file.key, contents),
        "observed": {
            "first_at": observed[0].captured_at if observed else None,
            "last_at": observed[-1].captured_at if observed else None,
            "captures": [contents.label_of(capture.id) for capture in observed],
            "withdrawn": part.assessment.withdrawn,
            "later_capture": later,
        },
        "verdicts": [asdict(vote) for vote in file.votes],
        "in_favour": [_wording(wording, contents) for wording in file.acceptances],
        "law": [_rule(rule) for rule in part.rules],
    }


def _wording(wording: Wording, contents: Contents) -> dict[str, Any]:
    value = {key: held for key, held in asdict(wording).items() if key not in ("passage_id", "capture_id")}
    located = contents.quotes.get(wording.passage_id)
    return value | {
        "capture": contents.label_of(wording.capture_id),
        "exhibit": contents.exhibit_of(wording.capture_id),
        "located": asdict(located) if located else None,
    }


def _capture(capture: Seen, contents: Contents) -> dict[str, Any]:
    """A capture without the numbers of the ledger."""
    value = {key: held for key, held in asdict(capture).items() if key not in ("id", "unchanged_since")}
    found = {
        f"wording {part.number}": str(part.assessment.found[capture.id])
        for part in contents.assembly.parts
        if capture.id in part.assessment.found
    }
    states = [part.assessment.evidence.get(capture.id, "") for part in contents.assembly.parts]
    known = contents.assembly.labels
    since = capture.unchanged_since
    return value | {
        "label": contents.label_of(capture.id),
        "unchanged_since": known.get(since) if since is not None else None,
        "repeats_another": since is not None,
        "exhibit": contents.exhibit_of(capture.id),
        "evidence": next((state for state in states if state), ""),
        "found": found,
    }


def _exhibit(exhibit: Exhibit, contents: Contents) -> dict[str, Any]:
    labels = [contents.label_of(number) for number in exhibit.captures]
    return asdict(exhibit) | {"captures": labels}


def _rule(rule: Rule) -> dict[str, Any]:
    value = asdict(rule.article)
    return {"article": value.pop("id"), **value, "kind": rule.kind, "later_version": rule.later}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return moments.iso(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not a fact")
