"""Judge whether a case may leave: hash its evidence again, find its wording again, and name in French what is missing.

It writes nothing. A final gap can never be passed over; the others make a dossier « à compléter ».
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from ledger import DamagedCapture, EvidenceDamaged, EvidenceMissing, EvidenceStore, TooLarge
from ledger.cases import CaseStatus
from ledger.identities import IdentityStatus
from ledger.warc import Exchange
from reference import Reference
from reports import moments, words
from reports.casefile import CaseFile, Seen, Wording
from reports.recheck import Found, find, holds_number

CHECKS = (
    "cas_confirme",
    "piece_principale",
    "formule_retrouvee",
    "identite_etablie",
    "identite_confirmee",
    "numero_sur_la_page",
    "ordre_connu",
    "conseil_connu",
    "dates_concordantes",
    "pieces_secondaires",
    "constats_retrouves",
    "preuves_en_attente",
)
CLOCK_TOLERANCE = timedelta(seconds=1)
SEARCHED = frozenset({Found.LOCATOR, Found.PAGE, Found.TRIGGER})


@dataclass(frozen=True)
class Gap:
    """One thing that is missing, found by a named check; `final` when no option lets the dossier go without it."""

    text: str
    check: str
    final: bool = False


@dataclass(frozen=True)
class Assessment:
    """What the evidence of a case is worth today. Keys are capture ids; `found` covers sightings and the later page."""

    gaps: tuple[Gap, ...]
    evidence: dict[int, str]
    found: dict[int, Found]
    withdrawn: bool  # the newest page of the same address no longer holds the wording

    @property
    def complete(self) -> bool:
        """Nothing is missing."""
        return not self.gaps

    @property
    def final(self) -> bool:
        """Something is missing without which nothing may be written."""
        return any(gap.final for gap in self.gaps)

    @property
    def texts(self) -> tuple[str, ...]:
        """The gaps in words."""
        return tuple(gap.text for gap in self.gaps)


def assess(file: CaseFile, store: EvidenceStore, reference: Reference) -> Assessment:
    """Everything that stands between this case and a complete dossier. A case not confirmed reads no evidence."""
    if file.status is not CaseStatus.CONFIRMED:
        why = words.STATUS[file.status]
        gap = Gap(f"le cas n’est pas confirmé ({why})", "cas_confirme", final=True)
        return Assessment((gap,), {}, {}, withdrawn=False)
    evidence: dict[int, str] = {}
    found: dict[int, Found] = {}
    gaps: list[Gap] = []
    wordings = {wording.capture_id: wording for wording in (*file.sightings, file.key)}
    for capture in file.captures.values():
        evidence[capture.id], exchange = _read(store, capture)
        if exchange is None:
            continue
        wording = wordings.get(capture.id) or _repeated(capture, wordings)
        if wording is None and capture.id == file.later:
            wording = file.key
        if wording is not None:
            found[capture.id] = _find(exchange, wording, evidence, capture)
        if capture.id == file.shown.capture_id and file.shown.status == "linked" and file.shown.rpps_shown:
            gaps.extend(_number(exchange, file))
        gaps.extend(_clock(exchange, capture))
    gaps = [*_key(file, evidence, found), *_identity(file, reference), *gaps, *_others(file, evidence, found)]
    withdrawn = file.later is not None and found.get(file.later) is Found.ABSENT and evidence[file.later] == "intact"
    return Assessment(tuple(gaps), evidence, found, withdrawn)


def is_exercise(file: CaseFile) -> bool:
    """Whether the page was served by this machine or a private network: then nobody real is concerned."""
    host = urlsplit(file.captures[file.key.capture_id].url).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".test", ".example", ".invalid")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _read(store: EvidenceStore, capture: Seen) -> tuple[str, Exchange | None]:
    """The state of the bytes of a capture, hashed again, and the exchange when they are intact."""
    if not capture.warc_sha256:
        return "empty", None
    try:
        exchange = store.exchange(capture.warc_sha256)
    except EvidenceMissing:
        return "missing", None
    except EvidenceDamaged:
        return "damaged", None
    except (DamagedCapture, TooLarge):
        return "unreadable", None
    if capture.body_sha256 and exchange.body_sha256 != capture.body_sha256:
        return "damaged", None
    return "intact", exchange


def _repeated(capture: Seen, wordings: dict[int, Wording]) -> Wording | None:
    return wordings.get(capture.unchanged_since) if capture.unchanged_since is not None else None


def _find(exchange: Exchange, wording: Wording, evidence: dict[int, str], capture: Seen) -> Found:
    """Where the wording stands in the capture; a body that does not unpack holds nothing and is marked so."""
    try:
        return find(exchange, wording.text, wording.locator, wording.trigger)
    except (DamagedCapture, TooLarge):
        evidence[capture.id] = "unreadable"
        return Found.ABSENT


def _number(exchange: Exchange, file: CaseFile) -> list[Gap]:
    """The page must show the number on which the identity rests."""
    try:
        shown = holds_number(exchange, file.shown.rpps)
    except (DamagedCapture, TooLarge):
        shown = False
    return (
        [] if shown else [Gap("le numéro RPPS retenu n’est pas retrouvé dans la page recueillie", "numero_sur_la_page")]
    )


def _clock(exchange: Exchange, capture: Seen) -> list[Gap]:
    """The ledger and the evidence file must tell the same time; a repeated page has a file of an earlier time."""
    if capture.unchanged_since is not None or abs(exchange.captured_at - capture.captured_at) <= CLOCK_TOLERANCE:
        return []
    when = moments.short(capture.captured_at)
    return [Gap(f"la date de la capture du {when} n’est pas celle de son fichier de preuve", "dates_concordantes")]


def _key(file: CaseFile, evidence: dict[int, str], found: dict[int, Found]) -> list[Gap]:
    """The exhibit on which the two people decided must be whole and must hold the wording."""
    state = evidence[file.key.capture_id]
    if state != "intact":
        return [Gap(f"la pièce principale est {words.EVIDENCE[state]}", "piece_principale", final=True)]
    if found[file.key.capture_id] not in SEARCHED:
        return [Gap("la formule n’est pas retrouvée dans la page recueillie", "formule_retrouvee", final=True)]
    return []


def _identity(file: CaseFile, reference: Reference) -> list[Gap]:
    """Who, and before which council."""
    gaps = []
    if file.shown.status != "linked":
        why = words.IDENTITY[file.shown.status]
        gaps.append(Gap(f"l’identité du professionnel n’est pas établie ({why})", "identite_etablie"))
    if file.confirmed.status is not IdentityStatus.CONFIRMED:
        gaps.append(Gap("l’identité n’a pas été confirmée par deux personnes", "identite_confirmee"))
    elif file.shown.status == "linked" and file.confirmed.rpps != file.shown.rpps:
        gaps.append(
            Gap("la personne confirmée n’est pas celle que le registre désigne aujourd’hui", "identite_confirmee")
        )
    if reference.order_of(file.shown.profession) is None:
        gaps.append(Gap("l’Ordre compétent n’est pas déterminé (profession inconnue ou sans Ordre)", "ordre_connu"))
    elif reference.department_of(file.shown.postcode) is None:
        gaps.append(
            Gap(
                "le conseil de l’Ordre à saisir n’est pas déterminé (la page ne montre pas de code postal connu)",
                "conseil_connu",
            )
        )
    return gaps


def _others(file: CaseFile, evidence: dict[int, str], found: dict[int, Found]) -> list[Gap]:
    """Secondary exhibits: what is not whole, and sightings that do not hold the wording any more."""
    gaps = []
    repeats = {*file.unchanged, *(wording.capture_id for wording in file.sightings)}
    for number, state in sorted(evidence.items()):
        if number == file.key.capture_id:
            continue
        when = moments.short(file.captures[number].captured_at)
        if state != "intact":
            gaps.append(Gap(f"la capture du {when} est {words.EVIDENCE[state]}", "pieces_secondaires"))
        elif number in repeats and found.get(number) is Found.ABSENT:
            text = f"la formule n’est pas retrouvée dans la capture du {when}"
            gaps.append(Gap(text, "constats_retrouves"))
    for proof in file.proofs:
        if proof.state == "pending":
            gaps.append(Gap(f"preuve en attente : {proof.label.lower()}", "preuves_en_attente"))
    return gaps
