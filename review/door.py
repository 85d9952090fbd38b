"""Routes: sign in, sign out. They must not tell whether a login exists, by words, status or time."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from ledger import events
from review.desk import BEFORE_COOKIE, SESSION_COOKIE, Desk, SignedPost, TheDesk
from review.gate import SESSION_SECONDS
from review.people import check_password

router = APIRouter()
_WRONG = "Identifiant ou mot de passe incorrect."
_EXPIRED = "Le formulaire a expiré. Recommencez."


@router.get("/connexion")
def sign_in_page(request: Request, desk: TheDesk) -> Response:
    """The sign-in form; a person who is already signed in goes to the queue."""
    with desk.ledger.session() as session:
        if desk.person(request, session) is not None:
            return RedirectResponse("/file", 303)
    return _form(request, desk, "", 200)


@router.post("/connexion")
def sign_in(
    request: Request,
    desk: TheDesk,
    login: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Open a session, or say in the same words for every failure that it did not work."""
    if not desk.gate.csrf_fits(request.cookies.get(BEFORE_COOKIE, ""), csrf):
        return _form(request, desk, _EXPIRED, 403)
    address = request.client.host if request.client else ""
    wait = desk.brake.wait(login, address)
    if wait:
        minutes = -(-wait // 60)
        message = f"Trop d’essais. Réessayez dans {minutes} minute{'s' if minutes > 1 else ''}."
        answer = _form(request, desk, message, 429)
        answer.headers["Retry-After"] = str(wait)
        return answer
    with desk.ledger.session() as session:
        person = check_password(session, login, password)
        # A login that nobody has is not written down: people type their password in the wrong box.
        actor, subject_id = (person.login, person.id) if person else ("unknown", 0)
        events.record(session, "reviewer.signed_in" if person else "sign_in.failed", "reviewer", subject_id, actor)
        cookie = desk.gate.open(person.id, person.password_hash) if person else ""
    if not cookie:
        desk.brake.failed(login, address)
        return _form(request, desk, _WRONG, 401)
    desk.brake.succeeded(login, address)
    response = RedirectResponse("/file", 303)
    _set(request, response, SESSION_COOKIE, cookie, SESSION_SECONDS)
    response.delete_cookie(BEFORE_COOKIE, path="/")
    return response


@router.post("/deconnexion")
def sign_out(desk: TheDesk, person: SignedPost) -> Response:
    """End the session for good, here and for any copy of its cookie."""
    desk.gate.end(person.sid)
    with desk.ledger.session() as session:
        events.record(session, "reviewer.signed_out", "reviewer", person.id, person.login)
    response = RedirectResponse("/connexion", 303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


def _form(request: Request, desk: Desk, problem: str, status: int) -> Response:
    before = request.cookies.get(BEFORE_COOKIE, "")
    known = 20 <= len(before) <= 60
    before = before if known else secrets.token_urlsafe(24)
    response = desk.page(request, "sign_in.html", status=status, problem=problem, csrf=desk.gate.csrf(before))
    if not known:
        _set(request, response, BEFORE_COOKIE, before, 3600)
    return response


def _set(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure)
