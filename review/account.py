"""Routes: one's own account: password, second factor, sessions. They touch nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from ledger import events
from ledger.models import Reviewer
from review import brake, factor, gate
from review.desk import Desk, Person, Refused, SignedIn, TheDesk, address_of
from review.passwords import PasswordRefused
from review.people import check_password, set_password

router = APIRouter(prefix="/compte")
Row = Annotated[int, Path(ge=1, le=2**31 - 1)]
Secret = Annotated[str, Form(max_length=2000)]


@router.get("")
def account_page(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """The account: open sessions, recovery codes left, a new password."""
    return _page(request, desk, person)


@router.post("/mot-de-passe")
def change_password(
    request: Request, desk: TheDesk, person: SignedIn, former: Secret = "", password: Secret = "", again: Secret = ""
) -> Response:
    """Change the password; the other sessions end."""
    refusal = _shown_again(request, desk, person, former)
    if refusal is not None:
        return refusal
    if password != again:
        return _page(request, desk, person, "Les deux mots de passe diffèrent.", 400)
    try:
        with desk.ledger.session() as session:
            set_password(session, session.get_one(Reviewer, person.id), password)
            gate.end_sessions(session, person.id, but=person.session_id)
            events.record(session, "password.set", "reviewer", person.id, person.login)
    except PasswordRefused as error:
        return _page(request, desk, person, str(error), 400)
    return _page(request, desk, person, done="Mot de passe changé. Vos autres séances sont terminées.")


@router.post("/codes")
def renew_codes(request: Request, desk: TheDesk, person: SignedIn, former: Secret = "") -> Response:
    """Ten new recovery codes, shown once, for somebody who shows their password again."""
    if not desk.second_factor:
        return _page(request, desk, person, "Ce bureau de démonstration n’a pas de second facteur.", 409)
    refusal = _shown_again(request, desk, person, former)
    if refusal is not None:
        return refusal
    with desk.ledger.session() as session:
        codes = factor.new_recovery_codes(session, person.id)
        events.record(session, "recovery_codes.renewed", "reviewer", person.id, person.login)
    return desk.page(request, "recovery.html", person=person, codes=codes)


@router.post("/seances/{session_id}/fermer")
def end_one(desk: TheDesk, person: SignedIn, session_id: Row) -> Response:
    """End one of one's own sessions."""
    with desk.ledger.session() as session:
        if not gate.end_sessions(session, person.id, only=session_id):
            raise Refused(404, "Séance introuvable", "Cette séance n’est pas à vous, ou elle est terminée.", person)
        events.record(session, "session.ended", "reviewer", person.id, person.login, sessions=1)
    return RedirectResponse("/compte", 303)


@router.post("/seances/fermer")
def end_all(desk: TheDesk, person: SignedIn) -> Response:
    """End all of one's own sessions, this one too."""
    with desk.ledger.session() as session:
        ended = gate.end_sessions(session, person.id)
        events.record(session, "session.ended", "reviewer", person.id, person.login, sessions=ended)
    return RedirectResponse("/connexion", 303)


def _shown_again(request: Request, desk: Desk, person: Person, password: str) -> Response | None:
    """The page that refuses, unless the person shows the present password again: a session may have been left open."""
    limits = brake.sign_in_limits(person.login, address_of(request))
    made = brake.take(desk.ledger, limits)
    if made.wait:
        return _page(request, desk, person, "Trop d’essais. Réessayez dans quelques minutes.", 429)
    with desk.ledger.session() as session:
        if check_password(session, person.login, password) is None:
            events.record(session, "sign_in.failed", "reviewer", person.id, person.login)
            wrong = True
        else:
            brake.forget(session, limits, made)
            wrong = False
    return _page(request, desk, person, "Le mot de passe actuel n’est pas le bon.", 401) if wrong else None


def _page(
    request: Request, desk: Desk, person: Person, problem: str = "", status: int = 200, done: str = ""
) -> Response:
    with desk.ledger.session() as session:
        return desk.page(
            request,
            "account.html",
            person=person,
            status=status,
            problem=problem,
            said=done,
            sessions=gate.live_sessions(session, person.id, datetime.now(UTC)),
            codes_left=factor.codes_left(session, person.id),
            second_factor=desk.second_factor,
        )
