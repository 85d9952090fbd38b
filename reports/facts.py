"""Say the facts of a dossier for machines: `facts.json`, also inside the PDF. It holds no reviewer's name."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from reports import moments
from reports.assess import Assessment
from reports.casefile import CaseFile, Seen, Wording
from reports.exhibits import Exhibit
from reports.legal import Authority, Rule

SCHEMA = "vigie-dossier/1"


@dataclass(frozen=True)
class Contents:
    """Everything that a dossier says, chosen once for the PDF and for the machine."""

    reference: str
    written_at: datetime
    software: str
    file: CaseFile
    assessment: Assessment
    exhibits: tuple[Exhibit, ...]
    rules: tuple[Rule, ...]
    authority: Authority | None
    stance: str
    exercise: bool

    def exhibit_of(self, capture_id: int) -> int | None:
        """The number of the exhibit that holds this capture."""
        return next((exhibit.number for exhibit in self.exhibits if capture_id in exhibit.captures), None)

    def observed(self) -> tuple[Seen, ...]:
        """The captures in which the wording was found again, oldest first."""
        assessment, file = self.assessment, self.file
        held = [
            capture
            for capture in file.captures.values()
            if assessment.evidence.get(capture.id) == "intact"
            and assessment.found.get(capture.id, "absent") != "absent"
        ]
        return tuple(sorted(held, key=lambda capture: (capture.captured_at, capture.id)))


def facts(contents: Contents) -> bytes:
    """The facts as UTF-8 JSON, the same bytes for the same contents."""
    file, assessment = contents.file, contents.assessment
    observed = contents.observed()
    value = {
        "schema": SCHEMA,
        "reference": contents.reference,
        "written_at": contents.written_at,
        "software": contents.software,
        "exercise": contents.exercise,
        "complete": assessment.complete,
        "gaps": assessment.texts,
        "case": {
            "id": file.case_id,
            "opened_at": file.opened_at,
            "status": str(file.status),
            "stance": contents.stance,
        },
        "listing": {
            "platform": file.platform,
            "key": file.listing_key,
            "url": file.listing_url,
            "known_since": file.known_since,
        },
        "practitioner": asdict(file.shown),
        "authority": asdict(contents.authority) | {"confirmed": False} if contents.authority else None,
        "wording": _wording(file.key, contents) | {"known_sightings": len(observed)},
        "observed": {
            "first_at": observed[0].captured_at,
            "last_at": observed[-1].captured_at,
            "captures": [capture.id for capture in observed],
            "withdrawn": assessment.withdrawn,
            "later_capture": file.later,
        },
        "captures": [_capture(capture, contents) for capture in sorted(file.captures.values(), key=lambda c: c.id)],
        "verdicts": [asdict(vote) for vote in file.votes],
        "in_favour": [_wording(wording, contents) for wording in file.acceptances],
        "law": [_rule(rule) for rule in contents.rules],
        "proofs": [asdict(proof) for proof in file.proofs],
        "exhibits": [asdict(exhibit) for exhibit in contents.exhibits],
    }
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain).encode("utf-8", "backslashreplace") + b"\n"


def _wording(wording: Wording, contents: Contents) -> dict[str, Any]:
    return asdict(wording) | {"exhibit": contents.exhibit_of(wording.capture_id)}


def _capture(capture: Seen, contents: Contents) -> dict[str, Any]:
    found = contents.assessment.found.get(capture.id)
    return asdict(capture) | {
        "exhibit": contents.exhibit_of(capture.id),
        "evidence": contents.assessment.evidence.get(capture.id, ""),
        "found": str(found) if found else None,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return asdict(rule.article) | {"kind": rule.kind, "later_version": rule.later}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return moments.iso(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not a fact")
