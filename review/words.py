"""Every French word of the desk that comes from a code, and dates as people read them. It reads no ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from reference import Reference, Stance, VerdictReason

DECISIONS = {"confirm": "Confirmer", "dismiss": "Écarter", "doubt": "Doute"}
KEYS = {"confirm": "c", "dismiss": "e", "doubt": "d"}
STANCE_KEYS = {"refusal": "r", "restriction": "t", "deterrence": "i"}
_GIVEN = {"confirm": "Confirmé", "dismiss": "Écarté", "doubt": "Doute"}
_MEANT = {
    "confirm": "La formule écarte, limite ou décourage bien ces patients.",
    "dismiss": "La formule ne vise pas ces patients, ou les accueille.",
    "doubt": "Le texte ne permet pas de trancher.",
}
_STATUS = {
    "open": "En attente d’un premier avis",
    "second": "En attente d’un second avis",
    "split": "Avis partagés : en attente d’un troisième avis",
    "confirmed": "Clos : confirmé",
    "dismissed": "Clos : écarté",
    "doubtful": "Clos : doute",
}
IDENTITY = {
    "open": "Personne ne s’est encore prononcé sur l’identité.",
    "second": "Une personne a confirmé l’identité ; une seconde doit encore le faire.",
    "split": "Les réponses ne concordent pas : l’identité n’est pas confirmée. Chacun peut revoir la sienne.",
    "confirmed": "Identité confirmée par deux personnes.",
    "rejected": "Identité écartée : aucune des personnes affichées n’est celle de la page.",
}
IDENTITIES = {
    "open": "à confirmer par deux personnes",
    "second": "confirmée par une personne ; une seconde doit encore le faire",
    "split": "les réponses ne concordent pas",
    "confirmed": "confirmée par deux personnes",
    "rejected": "aucune des personnes proposées",
}
ROLE_MEANS = {
    "reviewer": "lit les passages et donne son avis",
    "adjudicator": "fait de même, et tranche les avis partagés",
    "editor": "prépare les dossiers des cas confirmés",
    "administrator": "invite, retire, répartit, surveille la qualité",
    "auditor": "lit tout, ne change rien",
}
_ROLES = {
    "reviewer": "Relecteur",
    "adjudicator": "Arbitre",
    "editor": "Rédacteur des dossiers",
    "administrator": "Administrateur",
    "auditor": "Auditeur",
}
# place, address, label: the menu shows those that the table of rights opens to the person's role
PLACES = (
    ("file", "/file", "File d’attente"),
    ("tableau", "/tableau", "Tableau"),
    ("recherche", "/recherche", "Recherche"),
    ("nouveautes", "/nouveautes", "Nouveautés"),
    ("dossiers", "/dossiers", "Dossiers"),
    ("echantillon", "/echantillon", "Échantillon"),
    ("qualite", "/qualite", "Qualité"),
    ("personnes", "/personnes", "Personnes"),
    ("journal", "/journal", "Journal"),
    ("aide", "/aide", "Aide"),
)
# Each claims to be those after it: the first that fits is the one.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip
STATES = tuple(_STATUS.items())
_OUTCOMES = {
    "page": "page reçue",
    "robots": "fichier robots.txt",
    "redirect": "redirection",
    "blocked": "page de blocage",
    "login": "page de connexion",
    "consent": "page de consentement",
    "not_found": "page introuvable",
    "server_error": "erreur du serveur",
    "rate_limited": "trop de demandes",
    "forbidden_by_robots": "visite interdite par robots.txt",
    "no_answer": "pas de réponse",
    "bad_certificate": "certificat non valable",
    "unreadable": "contenu illisible",
}
_MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905


# What a link or a form carries so that htmx puts the answer in the place of the page's content. Without scripts, or
# before they are there, the same link or form loads the page whole.
# The content changes and its place stays: htmx tells what it did on the element that it changed.
SWAP = Markup("""hx-boost='target:"#contenu" select:"#contenu > *" swap:innerHTML'""")


def flagged_stances(reference: Reference) -> tuple[Stance, ...]:
    """The stances that a confirmation may name, in the order of the reference."""
    return tuple(stance for stance in reference.stances.values() if stance.flagged)


def reasons_for(reference: Reference, decision: str) -> tuple[VerdictReason, ...]:
    """The reasons that go with that decision, in the order of the reference: the form numbers them so."""
    return tuple(reason for reason in reference.verdict_reasons.values() if reason.decision == decision)


def choices(reference: Reference) -> tuple[dict[str, Any], ...]:
    """The three verdicts as the form shows them: key, label, meaning, reasons."""
    return tuple(
        {
            "decision": decision,
            "key": KEYS[decision],
            "label": label,
            "meaning": _MEANT[decision],
            "reasons": reasons_for(reference, decision),
        }
        for decision, label in DECISIONS.items()
    )


def utc(at: datetime) -> str:
    """« 2026-03-29T01:00:00Z »."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def paris(at: datetime) -> str:
    """« 29 mars 2026 à 03:00:00 (heure de Paris) »; in UTC, and saying so, on a machine without a zone database."""
    try:
        local, zone = at.astimezone(ZoneInfo("Europe/Paris")), "heure de Paris"
    except ZoneInfoNotFoundError:
        local, zone = at.astimezone(UTC), "UTC"
    return f"{_day(local)} à {local:%H:%M:%S} ({zone})"


def day(at: datetime) -> str:
    """« 29 mars 2026 », in Paris."""
    try:
        return _day(at.astimezone(ZoneInfo("Europe/Paris")))
    except ZoneInfoNotFoundError:
        return _day(at.astimezone(UTC))


def count(number: int, one: str, many: str) -> str:
    """« 1 cas », « 12 345 passages »: French plural from two on, thousands set apart."""
    return f"{number:,}".replace(",", "\u202f") + "\u00a0" + (one if abs(number) < 2 else many)


def status(code: object) -> str:
    """The state of a case in words."""
    return _STATUS.get(str(code), str(code))


def pairs(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Codes and labels of a table of the reference, for a form."""
    return [(code, typeset(entry.label)) for code, entry in table.items()]


def stance_pairs(reference: Reference) -> list[tuple[str, str]]:
    """The stances that open a case, for a form."""
    return [(stance.code, typeset(stance.label)) for stance in flagged_stances(reference)]


def departments(reference: Reference) -> list[tuple[str, str]]:
    """The departments by number, for a form."""
    return [(code, f"{code} {entry.name}") for code, entry in sorted(reference.departments.items())]


def share(value: float | None, digits: int = 1) -> str:
    """« 0,5 % »; « – » when nothing can be said."""
    return "–" if value is None else f"{100 * value:.{digits}f}".replace(".", ",") + "\u00a0%"


def figure(value: float | None) -> str:
    """A coefficient with two decimals; « – » when nothing can be said."""
    return "–" if value is None else f"{value:.2f}".replace(".", ",")


def lower_first(text: str) -> str:
    """The text as it goes on in a sentence."""
    return text[:1].lower() + text[1:]


def browser(agent: str) -> str:
    """« Firefox sous Windows », from what a browser says of itself; its own words when it is none of those."""
    name = next((label for mark, label in _BROWSERS if mark in agent), "")
    system = next((label for mark, label in _SYSTEMS if mark in agent), "")
    if not name:
        return agent
    return f"{name} sous {system}" if system else name


def grouped(secret: str) -> str:
    """A key in groups of four, for those who copy it by hand."""
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def clipped(text: str, limit: int = 280) -> str:
    """The beginning of a text on one line; « … » where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def typeset(text: str) -> str:
    """Our own French with no-break spaces where a line must not end; never used on captured words."""
    text = text.replace("«\u0020", "«\u00a0").replace("\u0020»", "\u00a0»")
    return re.sub(r" (?=[:;!?](?:\s|$))", "\u00a0", text)


def filters(reference: Reference) -> dict[str, Callable[..., str]]:
    """The template filters that turn a code of the reference into French; an unknown code is shown as it is."""

    def label(table: Mapping[str, Any]) -> Callable[[str], str]:
        return lambda code: typeset(str(table[code].label)) if code in table else code

    return {
        "field_label": label(reference.fields),
        "stance_label": label(reference.stances),
        "reason_label": label(reference.verdict_reasons),
        "platform_label": label(reference.platforms),
        "profession_label": label(reference.professions),
        "benefit_label": label(reference.benefits),
        "decision_label": lambda code: _GIVEN.get(str(code), str(code)),
        "status_label": lambda status: _STATUS.get(str(status), str(status)),
        "outcome_label": lambda code: _OUTCOMES.get(str(code), str(code)),
        "ground_label": label(reference.legal_grounds),
        "browser": browser,
        "role_label": lambda code: _ROLES.get(str(code), str(code)),
        "fr": typeset,
        "utc": utc,
        "paris": paris,
        "day": day,
        "iso_day": lambda text: _day(datetime.fromisoformat(text)),
    }


def _day(local: datetime) -> str:
    first = "1er" if local.day == 1 else str(local.day)
    return f"{first} {_MONTHS[local.month - 1]} {local.year}"
