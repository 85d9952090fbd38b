"""Routes: how the reviewing goes, known cases, the monthly sample. Voters read samples and see no figure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from ledger import events
from ledger.desk import ControlCase
from review import sampling
from review.desk import Refused, SignedIn, TheDesk
from review.quality import quality
from review.standing import standing
from review.words import DECISIONS, flagged_stances

router = APIRouter()
BIGGEST_ID = 2**31 - 1
Id = Annotated[int, Path(ge=1, le=BIGGEST_ID)]
Word = Annotated[str, Form(max_length=20)]


@router.get("/qualite")
def quality_page(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """Agreement, known cases, haste, and what the samples bound."""
    with desk.ledger.session() as session:
        figures, draws = quality(session), sampling.results(session)
    return desk.page(request, "quality.html", person=person, quality=figures, draws=draws)


@router.post("/qualite/tirage")
def draw(desk: TheDesk, person: SignedIn, kind: Word = "") -> Response:
    """Draw this month's sample."""
    try:
        with desk.ledger.session() as session:
            sampling.draw(session, kind, person.login)
    except sampling.DrawRefused as refusal:
        raise Refused(409, "Pas de tirage", str(refusal), person) from refusal
    return RedirectResponse("/qualite", 303)


@router.post("/cas/{case_id}/temoin")
def make_known(desk: TheDesk, person: SignedIn, case_id: Id, decision: Word = "", stance: Word = "") -> Response:
    """Make a case a known one, with its right answer; an empty answer retires it."""
    with desk.ledger.session() as session:
        if standing(session, case_id, person.id) is None:
            raise Refused(404, "Cas introuvable", f"Il n’y a pas de cas nº {case_id}.", person)
        stances = {one.code for one in flagged_stances(desk.reference)}
        if decision and (decision not in DECISIONS or (stance and (decision != "confirm" or stance not in stances))):
            raise Refused(
                400, "Témoin refusé", "Donnez la réponse juste : un avis, et s’il confirme, la lecture.", person
            )
        row, now = session.get(ControlCase, case_id), datetime.now(UTC)
        if row is None and decision:
            row = ControlCase(case_id=case_id, decision=decision, stance=stance, added_by=person.login, added_at=now)
            session.add(row)
        elif row is not None:
            row.decision, row.stance = decision or row.decision, stance if decision else row.stance
            row.retired_at = None if decision else now
        events.record(session, "control.set" if decision else "control.retired", "case", case_id, person.login)
    return RedirectResponse(f"/cas/{case_id}", 303)


@router.get("/echantillon")
def sample_page(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """One passage of the month's draw, alone: is it wording that should have been kept?"""
    with desk.ledger.session() as session:
        found = sampling.next_item(session, person.id)
        if found is not None:
            why = "échantillon"
            events.record(session, "passage.viewed", "passage", found[1].id, person.login, reason=why)
    return desk.page(request, "sample.html", person=person, found=found)


@router.post("/echantillon/{item_id}")
def answer(desk: TheDesk, person: SignedIn, item_id: Id, said: Word = "") -> Response:
    """Write down the answer and go on."""
    try:
        with desk.ledger.session() as session:
            sampling.answer(session, item_id, person.id, said, person.login)
    except sampling.DrawRefused as refusal:
        raise Refused(409, "Réponse refusée", str(refusal), person) from refusal
    return RedirectResponse("/echantillon", 303)
