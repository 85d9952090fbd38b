"""Routes: the queue, the case page, the verdict, the help. They show what `review.sheet` allows and nothing more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from ledger import events
from review import decide, queue, words
from review.desk import Desk, Person, Refused, SignedIn, TheDesk
from review.sheet import sheet_for

BIGGEST_ID = 2**31 - 1
Id = Annotated[int, Path(ge=1, le=BIGGEST_ID)]
Beyond = Annotated[int, Query(ge=0, le=BIGGEST_ID)]
router = APIRouter()


@router.get("/")
def home(person: SignedIn) -> Response:
    """Each role's first page."""
    return RedirectResponse("/file" if person.votes else "/personnes", 303)


@router.get("/file")
def queue_page(request: Request, desk: TheDesk, person: SignedIn, apres: Beyond = 0, fait: Beyond = 0) -> Response:
    """What waits for this person, what waits for another, what is closed."""
    with desk.ledger.session() as session:
        mine = queue.queue_for(session, person.id, after=apres)
    return desk.page(request, "queue.html", person=person, queue=mine, after=apres, done=fait)


@router.get("/aide")
def help_page(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """How to decide, and the keys."""
    return desk.page(request, "help.html", person=person)


@router.get("/cas/suivant")
def next_page(desk: TheDesk, person: SignedIn, apres: Beyond = 0, fait: Beyond = 0) -> Response:
    """On to the next case that waits for this person; the queue when none is left."""
    with desk.ledger.session() as session:
        case_id = queue.next_case(session, person.id, after=apres or None)
    told = f"?fait={fait}" if fait else ""
    return RedirectResponse(f"/cas/{case_id}{told}" if case_id else f"/file{told}", 303)


@router.get("/cas/{case_id}")
def case_page(request: Request, desk: TheDesk, person: SignedIn, case_id: Id, fait: Beyond = 0) -> Response:
    """One case, as this person may see it; the view is an event."""
    return _case_page(request, desk, person, case_id, done=fait)


@router.post("/cas/{case_id}/avis")
def vote(
    request: Request,
    desk: TheDesk,
    person: SignedIn,
    case_id: Id,
    decision: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=60)] = "",
    stance: Annotated[str, Form(max_length=20)] = "",
    note: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Cast the verdict and go on to the next case; a refusal shows the case again with the reason in words."""
    try:
        with desk.ledger.session() as session:
            decide.cast(session, case_id, person.id, decision, reason, stance, note.replace("\r\n", "\n"))
    except (decide.AlreadyVoted, decide.CaseClosed) as refusal:
        return _case_page(request, desk, person, case_id, problem=str(refusal), status=409)
    except decide.NotAllowed as refusal:
        kept = {"decision": decision, "reason": reason, "stance": stance, "note": note[: decide.NOTE_LIMIT]}
        return _case_page(request, desk, person, case_id, problem=str(refusal), status=400, kept=kept)
    return RedirectResponse(f"/cas/suivant?fait={case_id}", 303)


def _case_page(
    request: Request,
    desk: Desk,
    person: Person,
    case_id: int,
    *,
    done: int = 0,
    problem: str = "",
    status: int = 200,
    kept: dict[str, str] | None = None,
) -> Response:
    with desk.ledger.session() as session:
        sheet = sheet_for(session, case_id, person.id)
        if sheet is None:
            raise Refused(404, "Cas introuvable", f"Il n’y a pas de cas nº {case_id}.")
        response = desk.page(
            request,
            "case.html",
            person=person,
            status=status,
            sheet=sheet,
            choices=words.choices(desk.reference),
            stances=words.flagged_stances(desk.reference),
            done=done,
            problem=problem,
            kept=kept or {"decision": "", "reason": "", "stance": "", "note": ""},
        )
        events.record(session, "case.viewed", "case", case_id, person.login)
        return response
