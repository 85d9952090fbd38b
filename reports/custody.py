"""Say in French what the custody log holds about the captures of a dossier. It names nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select

from ledger import Ledger
from ledger.models import Capture, Event, Reviewer

MOST = 120
UNTOLD = ("viewed", "exported", "letter_", "dossier_", "council_")  # what we do with a case, not with a capture
KINDS = {
    "collected": "capture enregistrée",
    "sealed": "mise sous scellé",
    "stamped": "scellé horodaté par une autorité",
    "stamp_failed": "horodatage demandé sans succès",
    "seal_absent": "scellement absent",
    "seal_pending": "scellement en attente",
    "seal_present": "scellement présent",
    "clean_capture_absent": "capture dans un navigateur absente",
    "clean_capture_pending": "capture dans un navigateur en attente",
    "clean_capture_present": "capture dans un navigateur présente",
    "fixity_checked": "empreinte recalculée, conforme",
    "fixity_failed": "empreinte recalculée, non conforme",
    "archive_kept": "copie de la page prise par une archive tierce",
    "archive_pending": "copie de la page demandée à une archive tierce",
    "archive_failed": "copie de la page non obtenue d’une archive tierce",
    "text_erased": "textes effacés, empreintes gardées",
    "erased": "octets effacés",
    "case_opened": "formule soumise aux relecteurs",
    "crawl_finished": "fin du recueil",
}


@dataclass(frozen=True)
class Line:
    """One line: when, what, who."""

    at: datetime
    what: str
    who: str


@dataclass(frozen=True)
class CustodyLines:
    """The lines told, oldest first, and how many others the log holds about the same captures."""

    lines: tuple[Line, ...]
    others: int


def custody_lines(ledger: Ledger, captures: Iterable[int], cases: Iterable[int]) -> CustodyLines:
    """What happened to these captures, their crawls and these cases; writing a dossier or a letter is not told.

    The same ledger gives the same lines whether or not a dossier was written from it before.
    """
    numbers, files = list(captures), list(cases)
    with ledger.session() as session:
        people = set(session.scalars(select(Reviewer.login)))
        crawls = select(Capture.crawl_id).where(Capture.id.in_(numbers))
        about = or_(
            and_(Event.subject == "capture", Event.subject_id.in_(numbers)),
            and_(Event.subject == "crawl", Event.subject_id.in_(crawls)),
            and_(Event.subject == "case", Event.subject_id.in_(files)),
        )
        query = select(Event.at, Event.kind, Event.actor).where(about).order_by(Event.at, Event.id)
        rows = session.execute(query).all()
    told = [Line(at, KINDS[kind], _who(actor, people)) for at, kind, actor in rows if kind in KINDS]
    kinds = Counter(kind for _, kind, _ in rows)
    others = sum(count for kind, count in kinds.items() if kind not in KINDS and not kind.startswith(UNTOLD))
    return CustodyLines(tuple(told[:MOST]), others + max(0, len(told) - MOST))


def _who(actor: str, people: set[str]) -> str:
    if actor in people:
        return "un relecteur"
    return "le programme" if actor.startswith("vigie") else "un opérateur"
