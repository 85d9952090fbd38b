"""The parts every page needs: ledger, gate, templates, the signed-in person. It serves no page and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from ledger import Ledger, events
from reference import Reference, load_reference
from review import figures, gate, rights, words
from review.candidates import Lookup
from review.decide import settle_due
from review.gate import Gate

HERE = Path(__file__).parent
SESSION_COOKIE = "vigie_seance"  # over https its name begins with `__Host-`, which browsers tie to the host alone
BEFORE_COOKIE = "vigie_avant"
REASONS = {
    "expired": "Votre séance est terminée. Connectez-vous de nouveau.",
    "unsaved": "Votre séance était terminée : rien n’a été enregistré. Connectez-vous et recommencez.",
    "removed": "Votre accès a été fermé. Ce que vous avez enregistré est conservé ; le dernier envoi ne l’a pas été.",
}


class SignInNeeded(Exception):
    """No valid session: the person is sent to the sign-in page; `reason` is a key of `REASONS`, or empty."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class FactorNeeded(Exception):
    """The password is right; the second factor is still to be shown."""


class Refused(Exception):
    """The request is answered with a page that says why, and a status."""

    def __init__(self, status: int, title: str, message: str, person: Person | None = None) -> None:
        super().__init__(message)
        self.status, self.title, self.message, self.person = status, title, message, person


@dataclass(frozen=True)
class Person:
    """The signed-in person, as of this request."""

    id: int
    login: str
    display_name: str
    role: str
    session_id: int
    csrf: str
    complete: bool  # the second factor was shown, or is not asked for

    @property
    def votes(self) -> bool:
        """Whether this person decides cases, and so must stay blind."""
        return self.role in rights.VOTING


class Desk:
    """What the routes share. One per application; safe to use from several threads."""

    def __init__(
        self, ledger: Ledger, secret: bytes, demo_notice: str, second_factor: bool, lookup: Lookup | None
    ) -> None:
        self.ledger = ledger
        self.lookup = lookup
        self.gate = Gate(secret)
        self.second_factor = second_factor
        self.reference: Reference = load_reference()
        env = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        env.filters.update(words.filters(self.reference))
        env.globals.update(
            demo_notice=demo_notice, words=words, reference=self.reference, rights=rights, figures=figures
        )
        self._templates = Jinja2Templates(env=env)

    def page(
        self, request: Request, template: str, *, person: Person | None = None, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """One page of the desk; every value is escaped by the template engine."""
        return self._templates.TemplateResponse(
            request, template, {"person": person, "half": None, "done": 0, **context}, status_code=status
        )


def cookie_name(request: Request, name: str) -> str:
    """The cookie's name for this request: over https it is a `__Host-` one; browsers refuse those on plain loopback."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """A cookie closed to scripts and to other sites, for the whole host."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        cookie_name(request, name), value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Tell the browser to forget a cookie."""
    secure = request.url.scheme == "https"
    response.delete_cookie(cookie_name(request, name), path="/", secure=secure, httponly=True, samesite="lax")


def address_of(request: Request) -> str:
    """Where the request comes from, as the server, or the proxy it trusts, says."""
    return request.client.host if request.client else ""


async def desk_of(request: Request) -> Desk:  # not async, it would cost each request a hop to a thread
    """The desk of the application that serves this request."""
    return cast(Desk, request.app.state.desk)


def known_person(request: Request, desk: Desk, session: Session) -> Person | None:
    """The person behind the session cookie; None without a live session. Raises `SignInNeeded` for a closed account."""
    token = request.cookies.get(cookie_name(request, SESSION_COOKIE), "")
    now = datetime.now(UTC)
    found = gate.read_session(session, token, now)
    if found is None:
        return None
    held, row = found
    if row.disabled_at is not None:
        raise SignInNeeded("removed")
    gate.note_seen(session, held, now)
    complete = held.factor_at is not None
    return Person(row.id, row.login, row.display_name, row.role, held.id, desk.gate.csrf(token), complete)


async def sent_form(request: Request) -> FormData | None:
    """What a form sent; read here once, because the gate itself looks at its token."""
    return await request.form() if request.method == "POST" else None


def authorise(
    request: Request, desk: Annotated[Desk, Depends(desk_of)], form: Annotated[FormData | None, Depends(sent_form)]
) -> None:
    """The one gate: table, session, second factor, role, token of the form. What the table does not name is closed."""
    rule = rights.rule_for(request.method, request.scope["route"].path)
    request.state.person = None
    if rule is None:
        raise Refused(403, "Accès refusé", "Cette page n’est ouverte à personne.")
    if rule.level is rights.Level.ANYONE:
        return
    with desk.ledger.session() as session:
        settle_due(session)
        person = known_person(request, desk, session)
        if person is None:
            had = cookie_name(request, SESSION_COOKIE) in request.cookies
            raise SignInNeeded("" if not had else "unsaved" if form is not None else "expired")
        if rule.level is rights.Level.FULL and not person.complete:
            raise FactorNeeded
        if person.role not in rule.roles:
            events.record(
                session, "access.refused", "reviewer", person.id, person.login, route=request.scope["route"].path
            )
    if person.role not in rule.roles:
        raise Refused(403, "Accès refusé", "Votre rôle n’ouvre pas cette page.", person)
    if form is not None and not desk.gate.csrf_fits_token(person.csrf, str(form.get("csrf", ""))):
        raise Refused(
            403, "Formulaire périmé", "Ce formulaire n’est plus valable. Rechargez la page et recommencez.", person
        )
    request.state.person = person


async def current(request: Request) -> Person:
    """The person the gate let through."""
    person: Person | None = request.state.person
    if person is None:
        raise SignInNeeded
    return person


TheDesk = Annotated[Desk, Depends(desk_of)]
SignedIn = Annotated[Person, Depends(current)]
