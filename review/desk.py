"""The parts every page needs: ledger, gate, templates, the signed-in person. It serves no page and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session

from ledger import Ledger
from ledger.models import Reviewer
from reference import Reference, load_reference
from review import words
from review.gate import Brake, Gate

HERE = Path(__file__).parent
SESSION_COOKIE = "vigie_seance"
BEFORE_COOKIE = "vigie_avant"


class SignInNeeded(Exception):
    """No valid session: the person is sent to the sign-in page."""


class Refused(Exception):
    """The request is answered with a page that says why, and a status."""

    def __init__(self, status: int, title: str, message: str) -> None:
        super().__init__(message)
        self.status, self.title, self.message = status, title, message


@dataclass(frozen=True)
class Person:
    """The signed-in reviewer, as of this request."""

    id: int
    login: str
    display_name: str
    role: str
    sid: str
    csrf: str


class Desk:
    """What the routes share. One per application; safe to use from several threads."""

    def __init__(self, ledger: Ledger, secret: bytes, demo_notice: str) -> None:
        self.ledger = ledger
        self.gate = Gate(secret)
        self.brake = Brake()
        self.reference: Reference = load_reference()
        env = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        env.filters.update(words.filters(self.reference))
        env.globals.update(demo_notice=demo_notice, words=words, reference=self.reference)
        self._templates = Jinja2Templates(env=env)

    def page(
        self, request: Request, template: str, *, person: Person | None = None, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """One page of the desk; every value is escaped by the template engine."""
        return self._templates.TemplateResponse(
            request, template, {"person": person, "done": 0, **context}, status_code=status
        )

    def person(self, request: Request, session: Session) -> Person | None:
        """The person behind the session cookie, if that session, password and account are still good."""
        held = self.gate.read(request.cookies.get(SESSION_COOKIE))
        row = session.get(Reviewer, held.reviewer_id) if held else None
        if held is None or row is None or row.disabled_at is not None:
            return None
        if held.fingerprint != self.gate.fingerprint(row.password_hash):
            return None
        return Person(row.id, row.login, row.display_name, row.role, held.sid, self.gate.csrf(held.sid))


def desk_of(request: Request) -> Desk:
    """The desk of the application that serves this request."""
    return cast(Desk, request.app.state.desk)


def signed_in(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> Person:
    """The signed-in person; without one the request ends at the sign-in page."""
    with desk.ledger.session() as session:
        person = desk.person(request, session)
    if person is None:
        raise SignInNeeded
    return person


def signed_post(
    desk: Annotated[Desk, Depends(desk_of)],
    person: Annotated[Person, Depends(signed_in)],
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Person:
    """The signed-in person of a form that this session itself was given."""
    if not desk.gate.csrf_fits(person.sid, csrf):
        raise Refused(403, "Formulaire périmé", "Ce formulaire n’est plus valable. Rechargez la page et recommencez.")
    return person


TheDesk = Annotated[Desk, Depends(desk_of)]
SignedIn = Annotated[Person, Depends(signed_in)]
SignedPost = Annotated[Person, Depends(signed_post)]
