"""The French words of a dossier for codes that the reference does not name. Nothing is decided here."""

from __future__ import annotations

from ledger.cases import CaseStatus
from reports.recheck import Found

STATUS = {
    CaseStatus.OPEN: "aucun relecteur ne s’est prononcé",
    CaseStatus.SECOND: "un seul relecteur s’est prononcé",
    CaseStatus.SPLIT: "les deux relecteurs ne sont pas d’accord",
    CaseStatus.CONFIRMED: "confirmé",
    CaseStatus.DISMISSED: "les relecteurs l’ont écarté",
    CaseStatus.DOUBTFUL: "les relecteurs ne l’ont pas tranché",
}
DECISION = {"confirm": "Confirme", "dismiss": "Écarte", "doubt": "Doute"}
FOUND = {
    Found.LOCATOR: "texte retrouvé mot pour mot à son emplacement",
    Found.PAGE: "texte retrouvé mot pour mot dans la page recueillie",
    Found.TRIGGER: "mots retenus retrouvés dans la page recueillie ; le reste du texte y est disposé autrement",
    Found.ABSENT: "texte non retrouvé dans la page recueillie",
}
EVIDENCE = {
    "intact": "intacte",
    "missing": "absente du magasin de preuves",
    "damaged": "altérée : son empreinte ne correspond plus",
    "unreadable": "illisible",
    "empty": "sans contenu : aucun octet n’a été reçu",
}
IDENTITY = {
    "linked": "numéro RPPS affiché sur la page",
    "ambiguous": "plusieurs personnes possibles",
    "none": "identité non établie",
    "organisation": "la page présente une structure, non une personne",
    "no_order": "profession sans Ordre",
}
PROOF = {"absent": "absent", "pending": "en attente", "present": "présent"}
LEVEL = {"departmental": "départemental", "regional": "régional", "national": "national"}
EXERCISE = "EXERCICE"
INCOMPLETE = "À COMPLÉTER"


def number(count: int) -> str:
    """« deux », « trois », « 4 »."""
    return {1: "un", 2: "deux", 3: "trois"}.get(count, str(count))


def plural(number: int, one: str, many: str) -> str:
    """« 1 capture », « 3 captures »."""
    return f"{number} {one if number < 2 else many}"


def size(octets: int) -> str:
    """« 1 234 octets », « 2,5 Mo »."""
    if octets < 100_000:
        return f"{octets:,} octets".replace(",", "\u202f").replace(" octets", "\u00a0octets")
    return f"{octets / 1_000_000:.1f}\u00a0Mo".replace(".", ",")


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "…")) else ".")
