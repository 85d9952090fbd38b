"""The twenty facts of a clean capture, in the manner of NF Z67-147, and the file `facts.json` that tells them.

A fact is proved, and says how, or it is not established, and says why: there is no third state. The schema of the file
is `clean-facts.schema.json` beside this module. Nothing here looks at a machine or a page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ledger.canonical import canonical_bytes, sha256_hex, utc_text

FORMAT = "vigie-clean-capture/1"
SCHEMA = Path(__file__).with_name("clean-facts.schema.json")
PROVED, NOT_ESTABLISHED = "proved", "not established"
COMPLETE, INCOMPLETE = "complete", "incomplete"
GRADES = {COMPLETE: "complète", INCOMPLETE: "incomplète"}
NOTICE = (
    "Cette capture est faite par un programme. Elle n’est pas un constat : seul un commissaire de justice en dresse. "
    "Avant d’engager une procédure sur le fondement de cette page, faites-la constater pendant qu’elle est en ligne."
)

TITLES: Mapping[str, str] = {
    "method": "Méthode suivie",
    "machine": "Machine",
    "system": "Système d’exploitation et correctifs",
    "browser": "Navigateur et version",
    "extensions": "Aucune extension",
    "system_proxy": "Aucun serveur mandataire (système)",
    "browser_proxy": "Aucun serveur mandataire (navigateur)",
    "network_path": "Accès au réseau",
    "public_address": "Adresse IP publique",
    "dns_servers": "Serveurs DNS",
    "dns_answers": "Réponses DNS",
    "firewall": "Pare-feu",
    "clock": "Écart de l’horloge",
    "cache": "Cache vide",
    "temporary_files": "Fichiers temporaires vides",
    "cookies_history": "Témoins et historique vides",
    "start": "Début des opérations",
    "navigation": "Chemin suivi",
    "captures": "Captures réalisées",
    "end": "Fin des opérations",
}
CODES = tuple(TITLES)  # fact N1 is the first


@dataclass(frozen=True)
class Fact:
    """One of the twenty. `told` is how it is proved or why it is not established, in French; `value` is JSON."""

    code: str
    state: str
    told: str
    value: Mapping[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """N1 to N20."""
        return f"N{CODES.index(self.code) + 1}"


@dataclass(frozen=True)
class Piece:
    """One file of a clean capture, before or after it is stored."""

    kind: str
    name: str
    media_type: str
    data: bytes

    def told(self) -> dict[str, Any]:
        """How `facts.json` names it."""
        return {
            "kind": self.kind,
            "media_type": self.media_type,
            "name": self.name,
            "sha256": sha256_hex(self.data),
            "size": len(self.data),
        }


@dataclass(frozen=True)
class Taken:
    """All that one visit brought. `lacks` are the gaps beside the facts, in French; texts are for comparing wording."""

    url: str
    final_url: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    reason: str
    status: int | None
    profile: str
    browser: str
    software: str
    facts: tuple[Fact, ...]
    lacks: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    requests: int = 0  # that left, robots.txt included: for the site's daily budget
    rest_asked: float = 0.0  # seconds the site asked us to wait (Retry-After)
    visible_text: str = ""
    hidden_text: str = ""

    @property
    def gaps(self) -> tuple[str, ...]:
        """Everything that is missing: pieces and circumstances, then facts that are not established."""
        unproved = (f"{fact.number}, {TITLES[fact.code].lower()} : {fact.told}" for fact in self.facts)
        return (*self.lacks, *(line for fact, line in zip(self.facts, unproved, strict=True) if fact.state != PROVED))

    @property
    def grade(self) -> str:
        """`complete` when nothing is missing."""
        return INCOMPLETE if self.gaps else COMPLETE


def check_twenty(facts: Sequence[Fact]) -> None:
    """Raise `ValueError` unless these are the twenty, in order, each in one of the two states and each with words."""
    if tuple(fact.code for fact in facts) != CODES:
        raise ValueError("a clean capture tells twenty facts, in order")
    for fact in facts:
        if fact.state not in (PROVED, NOT_ESTABLISHED) or not fact.told.strip():
            raise ValueError(f"{fact.number}: a fact is proved, with how, or not established, with why")


def facts_json(taken: Taken) -> bytes:
    """The bytes of `facts.json`: canonical, so that the same visit gives the same file. Raises `ValueError`."""
    check_twenty(taken.facts)
    return canonical_bytes(
        {
            "format": FORMAT,
            "notice": NOTICE,
            "capture": {
                "url": taken.url,
                "final_url": taken.final_url,
                "started_at": utc_text(taken.started_at),
                "ended_at": utc_text(taken.ended_at),
                "outcome": taken.outcome,
                "reason": taken.reason,
                "status": taken.status,
                "profile": taken.profile,
                "browser": taken.browser,
                "software": taken.software,
            },
            "grade": GRADES[taken.grade],
            "gaps": list(taken.gaps),
            "facts": [_told(fact) for fact in taken.facts],
            "files": [piece.told() for piece in taken.pieces],
        }
    )


def _told(fact: Fact) -> dict[str, Any]:
    value = json.loads(json.dumps(fact.value, default=str))
    told = {"how": fact.told} if fact.state == PROVED else {"why": fact.told}
    title = TITLES[fact.code]
    return {"number": fact.number, "code": fact.code, "title": title, "state": fact.state, "value": value, **told}
