"""What clean captures are due, and what those taken are worth for a dossier: pure functions over what the ledger says.

Two visits at least 24 hours apart, each in a profile of its own, come before a dossier; later ones watch the wording.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ledger.cases import CaseStatus
from ledger.wording import Wording

APART = timedelta(hours=24)
REVISIT = timedelta(days=30)
FIRST_RETRY, LONGEST_RETRY, MOST_RETRIES = timedelta(hours=1), timedelta(hours=24), 10
WATCHED = frozenset({CaseStatus.OPEN, CaseStatus.SECOND, CaseStatus.SPLIT, CaseStatus.CONFIRMED})
PAGE, NOT_FOUND, FORBIDDEN = "page", "not_found", "forbidden_by_robots"
HELD = frozenset({Wording.STAYED, Wording.CHANGED})


class Why(StrEnum):
    """Why a capture is due."""

    FIRST = "first"
    SECOND = "second"
    REVISIT = "revisit"
    RETRY = "retry"


@dataclass(frozen=True)
class Visit:
    """One clean capture of a case, as the schedule needs it."""

    started_at: datetime
    ended_at: datetime
    outcome: str
    wording: Wording
    profile: str


@dataclass(frozen=True)
class Watched:
    """A case and its visits, oldest first. `flagged`: the reader flagged it; an abstention alone is not captured."""

    case_id: int
    opened_at: datetime
    status: CaseStatus
    flagged: bool
    visits: tuple[Visit, ...] = ()


@dataclass(frozen=True)
class Due:
    """A capture to be taken for the case, from `since` on."""

    case_id: int
    since: datetime
    why: Why


@dataclass(frozen=True)
class Proof:
    """The state of this proof for the dossier (present | pending | absent) and the reason, in French."""

    state: str
    reason: str


def next_due(case: Watched) -> Due | None:
    """The next capture of the case and the moment from which it may be taken; None when it is watched no more."""
    if case.status not in WATCHED or not (case.flagged or case.status is CaseStatus.CONFIRMED):
        return None
    told = [visit for visit in case.visits if tells(visit)]
    failures = _failures(case.visits)
    if failures:
        return Due(case.case_id, case.visits[-1].ended_at + _patience(case.visits[-1], failures), Why.RETRY)
    if not told:
        return Due(case.case_id, case.opened_at, Why.FIRST)
    if pair_of(told) is None:
        return Due(case.case_id, told[0].ended_at + APART, Why.SECOND)
    return Due(case.case_id, told[-1].ended_at + REVISIT, Why.REVISIT)


def due(cases: Iterable[Watched], now: datetime) -> list[Due]:
    """Everything due at `now`, what waits longest first."""
    found = [one for case in cases if (one := next_due(case)) is not None and one.since <= now]
    return sorted(found, key=lambda one: (one.since, one.case_id))


def tells(visit: Visit) -> bool:
    """True for a visit that says something of the wording: the page was had, or is not there any more."""
    return visit.outcome in (PAGE, NOT_FOUND) and visit.wording is not Wording.UNKNOWN


def pair_of(visits: Sequence[Visit]) -> tuple[Visit, Visit] | None:
    """The first visit that tells, and the first after it that is a day later and of another profile."""
    told = [visit for visit in visits if tells(visit)]
    for later in told[1:]:
        if later.started_at >= told[0].ended_at + APART and later.profile != told[0].profile:
            return told[0], later
    return None


def proof_of(visits: Sequence[Visit]) -> Proof:
    """What the visits of a case are worth as proof."""
    told = [visit for visit in visits if tells(visit)]
    if not told:
        last = visits[-1].outcome if visits else ""
        return Proof("absent", f"aucune visite n’a abouti ({OUTCOMES.get(last, last)})" if last else "aucune visite")
    if told[0].wording not in HELD:
        return Proof("absent", f"le {_day(told[0])}, {WORDINGS[told[0].wording]}")
    pair = pair_of(told)
    if pair is None:
        after = told[0].ended_at + APART
        return Proof(
            "pending", f"une visite le {_day(told[0])} ; la seconde est due à partir du {after:%d/%m/%Y %H:%M} UTC"
        )
    last = f"{WORDINGS[told[-1].wording]} lors de la dernière, le {_day(told[-1])}"
    return Proof("present", f"deux profils vierges, le {_day(pair[0])} puis le {_day(pair[1])} ; {last}")


def _day(visit: Visit) -> str:
    return f"{visit.started_at:%d/%m/%Y %H:%M} UTC"


def _failures(visits: Sequence[Visit]) -> int:
    """How many visits failed since the last that tells something."""
    count = 0
    for visit in reversed(visits):
        if tells(visit):
            break
        count += 1
    return count


def _patience(last: Visit, failures: int) -> timedelta:
    """How long to wait after a failure: an hour, doubled each time up to a day; a month when there is no point."""
    if last.outcome == FORBIDDEN or failures > MOST_RETRIES:
        return REVISIT
    return min(FIRST_RETRY * (1 << min(failures - 1, 10)), LONGEST_RETRY)


WORDINGS = {
    Wording.STAYED: "la formule figurait sur la page",
    Wording.HIDDEN: "la formule était dans le code de la page, sans être affichée",
    Wording.CHANGED: "la formule figurait sur la page, dans un texte modifié",
    Wording.WITHDRAWN: "la formule n’était plus sur la page",
    Wording.NOT_SHOWN: "la formule n’était pas affichée à cette adresse",
    Wording.UNKNOWN: "la page n’a pas été obtenue",
}
OUTCOMES = {
    "page": "page obtenue",
    "blocked": "page de blocage",
    "login": "page de connexion",
    "consent": "demande de consentement",
    "not_found": "page introuvable",
    "server_error": "erreur du serveur",
    "rate_limited": "le site demande de ralentir",
    "unreadable": "réponse illisible",
    "redirect": "redirection sans page",
    "robots": "fichier robots.txt",
    "forbidden_by_robots": "interdit par robots.txt",
    "no_answer": "pas de réponse",
    "timed_out": "page qui ne répond plus",
    "crashed": "navigateur interrompu",
    "download": "téléchargement au lieu d’une page",
    "private_address": "adresse qui n’est pas publique",
    "too_large": "page trop volumineuse",
    "tls_error": "certificat refusé",
    "dialogs": "boîtes de dialogue sans fin",
}
