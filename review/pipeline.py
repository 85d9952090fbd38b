"""Count the way from pages seen to dossiers sent: totals that betray verdicts, and so are shown to no voter."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ledger.desk import DossierRequest
from ledger.models import Capture, Dossier, Finding, Listing, Passage
from ledger.sending_tables import Sending, SendingStep
from review.queue import status_sql


@dataclass(frozen=True)
class Stage:
    """One step of the way and how many reached it."""

    label: str
    count: int


def stages(session: Session) -> tuple[tuple[Stage, ...], tuple[Stage, ...]]:
    """The way as a funnel, and the cases by state."""

    def count(query: Select[int]) -> int:
        return session.scalar(query) or 0

    flagged = select(func.count()).select_from(Finding).where(Finding.flagged)
    complete = select(func.count()).select_from(Dossier).where(Dossier.complete)
    states: dict[str, int] = {}
    status_of = select(status_sql().label("status")).subquery()
    for status, number in session.execute(select(status_of.c.status, func.count()).group_by(status_of.c.status)):
        states[str(status)] = number
    funnel = (
        Stage("Pages visitées", count(select(func.count()).select_from(Capture))),
        Stage("Annonces", count(select(func.count()).select_from(Listing))),
        Stage("Passages lus", count(select(func.count()).select_from(Passage))),
        Stage("Passages signalés par la machine", count(flagged)),
        Stage("Cas ouverts", sum(states.values())),
        Stage("Cas confirmés", states.get("confirmed", 0)),
        Stage("Dossiers demandés", count(select(func.count()).select_from(DossierRequest))),
        Stage("Dossiers écrits", count(select(func.count()).select_from(Dossier))),
        Stage("Dossiers complets", count(complete)),
        Stage("Courriers envoyés", count(select(func.count()).select_from(Sending))),
        Stage("Courriers qui ont eu une suite", count(select(func.count(SendingStep.sending_id.distinct())))),
    )
    order = ("open", "second", "split", "confirmed", "dismissed", "doubtful")
    return funnel, tuple(Stage(status, states.get(status, 0)) for status in order)
