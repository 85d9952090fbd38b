"""Routes: the people of the desk and its log, for administrators and auditors. They decide no case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import events
from ledger.models import Event
from review import gate, invite, people
from review.desk import Desk, Person, SignedIn, TheDesk

router = APIRouter()
BIGGEST_ID = 2**31 - 1
Row = Annotated[int, Path(ge=1, le=BIGGEST_ID)]
Role = Annotated[str, Form(max_length=20)]
LOG_PAGE = 100  # events a page


@router.get("/personnes")
def people_page(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """Who has an account, with which role, and which invitations wait."""
    return _page(request, desk, person)


@router.post("/personnes/inviter")
def send_invitation(
    request: Request,
    desk: TheDesk,
    person: SignedIn,
    login: Annotated[str, Form(max_length=60)] = "",
    display_name: Annotated[str, Form(max_length=120)] = "",
    role: Role = "reviewer",
) -> Response:
    """Make an invitation link; it is shown once, to be handed over by the administrator."""
    try:
        with desk.ledger.session() as session:
            token = invite.invite(session, login, display_name, role, person.login)
    except (people.LoginRefused, invite.AccountRefused) as refusal:
        return _page(request, desk, person, problem=str(refusal), status=400)
    return _page(request, desk, person, link=_link(request, token), invited=display_name)


@router.post("/personnes/invitations/{invitation_id}/retirer")
def take_back(request: Request, desk: TheDesk, person: SignedIn, invitation_id: Row) -> Response:
    """Make an invitation void."""
    return _done(request, desk, person, lambda session: invite.revoke(session, invitation_id, person.login))


@router.post("/personnes/{reviewer_id}/role")
def set_role(request: Request, desk: TheDesk, person: SignedIn, reviewer_id: Row, role: Role = "") -> Response:
    """Give a person another role."""
    return _done(request, desk, person, lambda session: invite.change_role(session, reviewer_id, role, person.login))


@router.post("/personnes/{reviewer_id}/fermer")
def close(request: Request, desk: TheDesk, person: SignedIn, reviewer_id: Row) -> Response:
    """Close an account at once."""
    return _done(request, desk, person, lambda session: invite.disable(session, reviewer_id, person.login))


@router.post("/personnes/{reviewer_id}/rouvrir")
def reopen(request: Request, desk: TheDesk, person: SignedIn, reviewer_id: Row) -> Response:
    """Open a closed account again."""
    return _done(request, desk, person, lambda session: invite.enable(session, reviewer_id, person.login))


@router.post("/personnes/{reviewer_id}/renouveler")
def renew(request: Request, desk: TheDesk, person: SignedIn, reviewer_id: Row) -> Response:
    """A link by which the person makes password and second factor anew."""
    try:
        with desk.ledger.session() as session:
            token = invite.renew(session, reviewer_id, person.login)
    except invite.AccountRefused as refusal:
        return _page(request, desk, person, problem=str(refusal), status=400)
    return _page(request, desk, person, link=_link(request, token))


@router.post("/personnes/{reviewer_id}/seances")
def end_sessions(desk: TheDesk, person: SignedIn, reviewer_id: Row) -> Response:
    """End all sessions of a person."""
    with desk.ledger.session() as session:
        ended = gate.end_sessions(session, reviewer_id)
        events.record(session, "session.ended", "reviewer", reviewer_id, person.login, sessions=ended)
    return RedirectResponse("/personnes", 303)


@router.get("/journal")
def log_page(
    request: Request,
    desk: TheDesk,
    person: SignedIn,
    avant: Annotated[int, Query(ge=0, le=BIGGEST_ID)] = 0,
    genre: Annotated[str, Query(max_length=40)] = "",
    qui: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """What happened, newest first; reading it is an event too."""
    query = select(Event).order_by(Event.id.desc()).limit(LOG_PAGE + 1)
    if avant:
        query = query.where(Event.id < avant)
    if genre:
        query = query.where(Event.kind == genre)
    if qui:
        query = query.where(Event.actor == qui)
    with desk.ledger.session() as session:
        rows = list(session.scalars(query))
        response = desk.page(
            request,
            "log.html",
            person=person,
            rows=rows[:LOG_PAGE],
            more=rows[LOG_PAGE - 1].id if len(rows) > LOG_PAGE else 0,
            kind=genre,
            actor=qui,
        )
        events.record(session, "log.viewed", "event", rows[0].id if rows else 0, person.login)
        return response


def _done(request: Request, desk: Desk, person: Person, act: Callable[[Session], None]) -> Response:
    """Carry out one change, or show the people page with the reason why not."""
    try:
        with desk.ledger.session() as session:
            act(session)
    except (people.LoginRefused, invite.AccountRefused) as refusal:
        return _page(request, desk, person, problem=str(refusal), status=400)
    return RedirectResponse("/personnes", 303)


def _link(request: Request, token: str) -> str:
    return f"{request.base_url}invitation/{token}"


def _page(
    request: Request,
    desk: Desk,
    person: Person,
    *,
    problem: str = "",
    status: int = 200,
    link: str = "",
    invited: str = "",
) -> Response:
    with desk.ledger.session() as session:
        return desk.page(
            request,
            "people.html",
            person=person,
            status=status,
            problem=problem,
            link=link,
            invited=invited,
            everyone=invite.everyone(session),
            pending=invite.pending(session),
            roles=people.ROLES,
            may=person.role == "administrator",
        )
