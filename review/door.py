"""Routes: sign in, second factor, invitation, sign out. They must not tell whether a login exists."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from ledger import events
from ledger.desk import DeskSession
from ledger.models import Reviewer
from review import brake, factor, gate, invite
from review.decide import settle_own
from review.desk import (
    BEFORE_COOKIE,
    REASONS,
    SESSION_COOKIE,
    Desk,
    Person,
    Refused,
    SignedIn,
    SignInNeeded,
    TheDesk,
    address_of,
    cookie_name,
    drop_cookie,
    known_person,
    set_cookie,
)
from review.passwords import PasswordRefused
from review.people import LoginRefused, check_password
from review.queue import Seats

router = APIRouter()
Token = Annotated[str, Path(min_length=20, max_length=100, pattern=r"^[\w-]+$")]
_WRONG = "Identifiant ou mot de passe incorrect."
_EXPIRED = "Le formulaire a expiré. Recommencez."
_WRONG_CODE = "Ce code ne convient pas. Vérifiez l’heure de votre téléphone et réessayez avec le code suivant."
_SPENT = "Ce lien n’est plus valable : il a servi, il a expiré, ou il a été retiré. Demandez-en un autre."


@router.get("/connexion")
def sign_in_page(request: Request, desk: TheDesk, raison: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The sign-in form; a person who is already signed in goes on."""
    try:
        with desk.ledger.session() as session:
            person = known_person(request, desk, session)
    except SignInNeeded as closed:
        person, raison = None, closed.reason
    if person is not None:
        return RedirectResponse("/" if person.complete else "/code", 303)
    return _form(request, desk, "sign_in.html", REASONS.get(raison, ""), 200)


@router.post("/connexion")
def sign_in(
    request: Request,
    desk: TheDesk,
    login: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Open a session, or say in the same words for every failure that it did not work."""
    if not _own_form(request, desk, csrf):
        return _form(request, desk, "sign_in.html", _EXPIRED, 403)
    limits = brake.sign_in_limits(login, address_of(request))
    made = brake.take(desk.ledger, limits)
    if made.wait:
        return _slow(_form(request, desk, "sign_in.html", _too_many(made.wait), 429), made.wait)
    with desk.ledger.session() as session:
        person = check_password(session, login, password)
        # A login that nobody has is not written down: people type their password in the wrong box.
        actor, subject_id = (person.login, person.id) if person else ("unknown", 0)
        if person is not None:
            brake.forget(session, limits, made)
            token, page = _open(request, desk, session, person)
        kind = "sign_in.failed" if person is None else "reviewer.signed_in"
        events.record(session, kind, "reviewer", subject_id, actor)
    if person is None:
        return _form(request, desk, "sign_in.html", _WRONG, 401)
    return _enter(request, token, page)


@router.get("/code")
def code_page(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """The form for the code of the second factor, or the way to set one up."""
    if person.complete:
        return RedirectResponse("/", 303)
    with desk.ledger.session() as session:
        known = factor.confirmed(session, person.id)
    if not known:
        return RedirectResponse("/second-facteur", 303)
    return desk.page(request, "code.html", half=person, problem="")


@router.post("/code")
def code(request: Request, desk: TheDesk, person: SignedIn, code: Annotated[str, Form(max_length=60)] = "") -> Response:
    """Show the second factor: a code of the application, or one of the recovery codes."""
    if person.complete:
        return RedirectResponse("/", 303)
    made = brake.take(desk.ledger, brake.code_limits(person.id))
    if made.wait:
        page = desk.page(request, "code.html", status=429, half=person, problem=_too_many(made.wait))
        return _slow(page, made.wait)
    with desk.ledger.session() as session:
        spare = len(code.strip()) > 8
        right = factor.confirmed(session, person.id) and (
            factor.use_recovery_code(session, person.id, code)
            if spare
            else factor.check(session, desk.gate, person.id, code)
        )
        kind = ("recovery_code.used" if spare else "factor.shown") if right else "factor.failed"
        events.record(session, kind, "reviewer", person.id, person.login)
        token = _complete(request, session, person, made) if right else ""
    if not token:
        return desk.page(request, "code.html", status=401, half=person, problem=_WRONG_CODE)
    return _enter(request, token, "/")


@router.get("/second-facteur")
def enrol_page(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """The QR code to put into an authenticator application, while none is in use."""
    return _enrol_page(request, desk, person, "", 200)


@router.post("/second-facteur")
def enrol(
    request: Request, desk: TheDesk, person: SignedIn, code: Annotated[str, Form(max_length=60)] = ""
) -> Response:
    """Take the first code of the application, and show the recovery codes: this once."""
    made = brake.take(desk.ledger, brake.code_limits(person.id))
    if made.wait:
        return _slow(_enrol_page(request, desk, person, _too_many(made.wait), 429), made.wait)
    with desk.ledger.session() as session:
        if factor.confirmed(session, person.id):
            return RedirectResponse("/code", 303)
        right = factor.check(session, desk.gate, person.id, code)
        if right:
            codes = factor.new_recovery_codes(session, person.id)
            events.record(session, "factor.enrolled", "reviewer", person.id, person.login)
            token = _complete(request, session, person, made)
    if not right:
        return _enrol_page(request, desk, person, _WRONG_CODE, 401)
    response = desk.page(request, "recovery.html", codes=codes)
    set_cookie(request, response, SESSION_COOKIE, token, int(gate.LONGEST.total_seconds()))
    return response


@router.get("/invitation/{token}")
def invitation_page(request: Request, desk: TheDesk, token: Token) -> Response:
    """Where an invited person chooses a password."""
    with desk.ledger.session() as session:
        held = invite.find(session, token)
        if held is None:
            raise Refused(404, "Lien périmé", _SPENT)
        return _form(request, desk, "invitation.html", "", 200, invitation=held, token=token)


@router.post("/invitation/{token}")
def accept_invitation(
    request: Request,
    desk: TheDesk,
    token: Token,
    password: Annotated[str, Form(max_length=2000)] = "",
    again: Annotated[str, Form(max_length=2000)] = "",
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Make the account and go on to the second factor."""
    wait = brake.take(desk.ledger, brake.door_limits("invitation", address_of(request))).wait
    with desk.ledger.session() as session:
        held = invite.find(session, token)
        if held is None:
            raise Refused(404, "Lien périmé", _SPENT)
        problem = _too_many(wait) if wait else "" if _own_form(request, desk, csrf) else _EXPIRED
        if not problem and password != again:
            problem = "Les deux mots de passe diffèrent."
        try:
            if not problem:
                person = invite.accept(session, token, password)
                entered, page = _open(request, desk, session, person)
                return _enter(request, entered, page)
        except (PasswordRefused, LoginRefused, invite.AccountRefused) as refusal:
            problem = str(refusal)
        return _form(request, desk, "invitation.html", problem, 429 if wait else 400, invitation=held, token=token)


@router.post("/deconnexion")
def sign_out(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """End the session for good, here and for any copy of its cookie."""
    with desk.ledger.session() as session:
        gate.end_sessions(session, person.id, only=person.session_id)
        if person.votes and not gate.live_sessions(session, person.id, datetime.now(UTC)):
            settle_own(session, person.id)
            Seats(session, person.id, person.role, desk.gate).release()
        events.record(session, "reviewer.signed_out", "reviewer", person.id, person.login)
    response = RedirectResponse("/connexion", 303)
    drop_cookie(request, response, SESSION_COOKIE)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _open(request: Request, desk: Desk, session: Session, person: Reviewer) -> tuple[str, str]:
    """A session for a person who has shown their password, and the page they go on to."""
    agent = request.headers.get("user-agent", "")
    whole = not desk.second_factor
    token = gate.open_session(session, person, factor=whole, address=address_of(request), agent=agent)
    return token, "/" if whole else "/code"


def _complete(request: Request, session: Session, person: Person, made: brake.Try) -> str:
    """Replace the half-open session by a whole one under a new token: the old one could have been planted."""
    row = session.get_one(Reviewer, person.id)
    former = session.get_one(DeskSession, person.session_id)
    former.ended_at = datetime.now(UTC)
    brake.forget(session, brake.code_limits(person.id), made)
    return gate.open_session(
        session, row, factor=True, address=address_of(request), agent=request.headers.get("user-agent", "")
    )


def _enter(request: Request, token: str, page: str) -> Response:
    response = RedirectResponse(page, 303)
    set_cookie(request, response, SESSION_COOKIE, token, int(gate.LONGEST.total_seconds()))
    drop_cookie(request, response, BEFORE_COOKIE)
    return response


def _enrol_page(request: Request, desk: Desk, person: Person, problem: str, status: int) -> Response:
    with desk.ledger.session() as session:
        if factor.confirmed(session, person.id):
            return RedirectResponse("/" if person.complete else "/code", 303)
        secret = factor.enrol(session, desk.gate, session.get_one(Reviewer, person.id))
    picture = factor.qr_svg(person.login, secret)
    return desk.page(request, "enrol.html", status=status, half=person, problem=problem, picture=picture, secret=secret)


def _own_form(request: Request, desk: Desk, csrf: str) -> bool:
    return desk.gate.csrf_fits(request.cookies.get(cookie_name(request, BEFORE_COOKIE), ""), csrf)


def _form(request: Request, desk: Desk, template: str, problem: str, status: int, **context: Any) -> Response:
    """A form for somebody without a session, with a token bound to a cookie of its own."""
    before = request.cookies.get(cookie_name(request, BEFORE_COOKIE), "")
    known = 20 <= len(before) <= 60
    before = before if known else secrets.token_urlsafe(24)
    response = desk.page(request, template, status=status, problem=problem, csrf=desk.gate.csrf(before), **context)
    if not known:
        set_cookie(request, response, BEFORE_COOKIE, before, 3600)
    return response


def _too_many(wait: int) -> str:
    minutes = -(-wait // 60)
    return f"Trop d’essais. Réessayez dans {minutes} minute{'s' if minutes > 1 else ''}."


def _slow(response: Response, wait: int) -> Response:
    response.headers["Retry-After"] = str(wait)
    return response
