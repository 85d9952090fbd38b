"""Routes: the queue, the case, the decision and its undoing. They show what `review.sheet` allows, no more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Header, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import update
from sqlalchemy.orm import Session

from ledger import events
from ledger.desk import Assignment, Comment
from review import decide, queue, words
from review.desk import Desk, Person, Refused, SignedIn, TheDesk
from review.sheet import Sheet, sheet_for
from review.standing import is_live, note_seen, standing

BIGGEST_ID = 2**31 - 1
COMMENT_LIMIT = 2000  # characters
Id = Annotated[int, Path(ge=1, le=BIGGEST_ID)]
Beyond = Annotated[int, Query(ge=0, le=BIGGEST_ID)]
router = APIRouter()


@router.get("/")
def home(person: SignedIn) -> Response:
    """Each role's first page."""
    return RedirectResponse("/file" if person.votes else "/tableau", 303)


@router.get("/file")
def queue_page(request: Request, desk: TheDesk, person: SignedIn, fait: Beyond = 0) -> Response:
    """What waits for this person, and what they decided last."""
    with desk.ledger.session() as session:
        mine = queue.queue_for(session, _seats(desk, session, person), desk.reference)
        done = _undoable(session, person, fait)
    return desk.page(request, "queue.html", person=person, queue=mine, done=done)


@router.get("/aide")
def help_page(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """How to decide, and the keys."""
    return desk.page(request, "help.html", person=person)


@router.get("/cas/suivant")
def next_page(desk: TheDesk, person: SignedIn, apres: Beyond = 0, fait: Beyond = 0) -> Response:
    """On to the next case of this person's batch; the queue when none is left."""
    with desk.ledger.session() as session:
        case_id = _seats(desk, session, person).next(apres or None)
    told = f"?fait={fait}" if fait else ""
    return RedirectResponse(f"/cas/{case_id}{told}" if case_id else f"/file{told}", 303)


@router.get("/cas/avance")
def page_ahead(request: Request, desk: TheDesk, person: SignedIn, apres: Beyond = 0) -> Response:
    """The case after that one, made ready before it is asked for. It counts as seen only when the browser shows it."""
    with desk.ledger.session() as session:
        case_id = _seats(desk, session, person).next(apres or None)
        sheet = sheet_for(session, case_id, person.id) if case_id and case_id != apres else None
        if sheet is None:
            return Response(status_code=204)
        response = _render(request, desk, person, sheet, done=apres)
    response.headers["Vigie-Cas"] = str(case_id)
    return response


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
    ground: Annotated[str, Form(max_length=20)] = "",
    span: Annotated[str, Form(max_length=20_000)] = "",
    note: Annotated[str, Form(max_length=20_000)] = "",
    vigie_avance: Annotated[int, Header(ge=0, le=BIGGEST_ID)] = 0,
) -> Response:
    """Take the decision and go on to the next case; a refusal shows the case again with the reason in words.

    A browser that holds the next case ready says which (`Vigie-Avance`); when it is the right one it need not be sent.
    """
    choice = decide.Choice(decision, reason, stance, ground, span, note)
    try:
        with desk.ledger.session() as session:
            if decision == decide.RECUSE:
                decide.recuse(session, case_id, person.id)
            else:
                decide.place(session, case_id, person.id, choice)
            if vigie_avance and _seats(desk, session, person).next(case_id) == vigie_avance:
                _note_view(session, person, vigie_avance)
                return Response(status_code=204, headers={"Vigie-Cas": str(vigie_avance)})
    except (decide.AlreadyVoted, decide.CaseClosed) as refusal:
        return _case_page(request, desk, person, case_id, problem=str(refusal), status=409)
    except decide.NotAllowed as refusal:
        kept = {**vars(choice), "note": note[: decide.NOTE_LIMIT]}
        return _case_page(request, desk, person, case_id, problem=str(refusal), status=400, kept=kept)
    return RedirectResponse(f"/cas/suivant?apres={case_id}&fait={case_id}", 303)


@router.post("/avis/annuler")
def undo(desk: TheDesk, person: SignedIn) -> Response:
    """Take back one's last decision, and go back to its case."""
    try:
        with desk.ledger.session() as session:
            case_id = decide.undo(session, person.id)
    except decide.NothingToUndo as refusal:
        raise Refused(409, "Rien à reprendre", str(refusal), person) from refusal
    return RedirectResponse(f"/cas/{case_id}", 303)


@router.post("/cas/{case_id}/commentaire")
def comment(
    desk: TheDesk, person: SignedIn, case_id: Id, text: Annotated[str, Form(max_length=20_000)] = ""
) -> Response:
    """Add a remark, after one's own vote."""
    text = text.replace("\r\n", "\n").strip()
    with desk.ledger.session() as session:
        stand = standing(session, case_id, person.id)
        if stand is None:
            raise Refused(404, "Cas introuvable", f"Il n’y a pas de cas nº {case_id}.", person)
        if not stand.may_comment:
            raise Refused(403, "Trop tôt", "Les remarques s’écrivent après l’avis, quand il est enregistré.", person)
        if not text or len(text) > COMMENT_LIMIT:
            raise Refused(400, "Remarque refusée", f"Une remarque compte 1 à {COMMENT_LIMIT} caractères.", person)
        row = Comment(case_id=case_id, reviewer_id=person.id, at=datetime.now(UTC), text=text)
        session.add(row)
        session.flush()
        events.record(session, "comment.written", "case", case_id, person.login, comment_id=row.id)
    return RedirectResponse(f"/cas/{case_id}#remarques", 303)


def _seats(desk: Desk, session: Session, person: Person) -> queue.Seats:
    return queue.Seats(session, person.id, person.role, desk.gate)


def _undoable(session: Session, person: Person, case_id: int) -> int:
    """The case just decided, when its decision may still be taken back; 0 for a number that somebody made up."""
    return case_id if case_id and decide.may_undo(session, person.id, case_id) else 0


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
            raise Refused(404, "Cas introuvable", f"Il n’y a pas de cas nº {case_id}.", person)
        done = _undoable(session, person, done)
        response = _render(request, desk, person, sheet, done=done, problem=problem, status=status, kept=kept)
        _note_view(session, person, case_id)
        return response


def _render(
    request: Request,
    desk: Desk,
    person: Person,
    sheet: Sheet,
    *,
    done: int = 0,
    problem: str = "",
    status: int = 200,
    kept: dict[str, str] | None = None,
) -> Response:
    return desk.page(
        request,
        "case.html",
        person=person,
        status=status,
        sheet=sheet,
        stand=sheet.standing,
        choices=words.choices(desk.reference),
        stances=words.flagged_stances(desk.reference),
        decisions=words.DECISIONS,
        grounds=tuple(desk.reference.legal_grounds.values()),
        done=done,
        problem=problem,
        kept=kept or {"decision": "", "reason": "", "stance": "", "ground": "", "span": "", "note": ""},
    )


def _note_view(session: Session, person: Person, case_id: int) -> None:
    """Write down that the person saw the case: when they first did, and, in a role that sees all, that they did."""
    now = datetime.now(UTC)
    if person.votes:
        mine = Assignment.case_id == case_id, Assignment.reviewer_id == person.id, Assignment.opened_at.is_(None)
        session.execute(update(Assignment).where(*mine, is_live(now)).values(opened_at=now))
    note_seen(session, case_id, person.id, person.role)
    events.record(session, "case.viewed", "case", case_id, person.login, reason="relecture")
