"""Routes where two people, one after the other, confirm who a confirmed case is about. They match nothing themselves.

The way to look a listing up in the register is given to the desk (`review.candidates.Lookup`). A word is taken only on
the very screen it answers: the form carries that screen's hash, and a screen that has changed meanwhile is shown anew.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import cases, events
from ledger.identities import (
    ConfirmationRefused,
    IdentityConfirmation,
    IdentityState,
    IdentityStatus,
    canonical,
    confirm_identity,
    identity_state,
)
from ledger.models import Case
from review.candidates import Screen
from review.decide import NotAllowed, lock
from review.desk import Desk, Person, Refused, SignedIn, TheDesk
from review.standing import note_seen, standing

BIGGEST_ID = 2**31 - 1
Id = Annotated[int, Path(ge=1, le=BIGGEST_ID)]
NOBODY = "aucune"  # what the form says for « none of these people »
router = APIRouter()


@dataclass(frozen=True)
class _Open:
    """A case whose identity this person may confirm: its screen as kept, and where things stand."""

    screen: Screen | None
    state: IdentityState
    mine: IdentityConfirmation | None

    @property
    def kept(self) -> dict[str, Any]:
        """The screen as the ledger keeps it."""
        return self.screen.as_json() if self.screen else {}

    @property
    def sha256(self) -> str:
        """Of the screen's canonical bytes, as the ledger counts it."""
        return hashlib.sha256(canonical(self.kept)).hexdigest()

    @property
    def told(self) -> IdentityStatus | None:
        """Where things stand; None before one's own word, unless others have settled it or disagree."""
        settled = self.state.status in (IdentityStatus.CONFIRMED, IdentityStatus.SPLIT)
        return self.state.status if self.mine or settled else None


@router.get("/cas/{case_id}/identite")
def identity_page(request: Request, desk: TheDesk, person: SignedIn, case_id: Id) -> Response:
    """The practitioner as the page shows them beside the candidates of the register; the view is an event."""
    return _page(request, desk, person, case_id)


@router.post("/cas/{case_id}/identite")
def confirm(
    request: Request,
    desk: TheDesk,
    person: SignedIn,
    case_id: Id,
    rpps: Annotated[str, Form(max_length=20)] = "",
    screen: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Keep this person's word with the screen it was given before; their last word counts."""
    try:
        with desk.ledger.session() as session:
            lock(session, case_id)
            opened = _opened(desk, session, person, case_id)
            if opened.screen is None or not opened.screen.registry_date:
                raise ConfirmationRefused("Il n’y a rien à confirmer : aucune personne du registre n’est affichée.")
            if screen != opened.sha256:
                raise ConfirmationRefused("L’affichage a changé depuis : relisez, puis répondez de nouveau.")
            if not rpps:
                raise ConfirmationRefused("Choisissez une personne, ou répondez « aucune de ces personnes ».")
            confirm_identity(
                session,
                case_id,
                person.id,
                rpps="" if rpps == NOBODY else rpps,
                registry_date=opened.screen.registry_date,
                screen=opened.kept,
            )
    except NotAllowed as unknown:
        raise Refused(404, "Cas introuvable", f"Il n’y a pas de cas nº {case_id}.", person) from unknown
    except ConfirmationRefused as refusal:
        return _page(request, desk, person, case_id, problem=str(refusal), status=409)
    return RedirectResponse(f"/cas/{case_id}/identite", 303)


def _opened(desk: Desk, session: Session, person: Person, case_id: int) -> _Open:
    """What this person may see and say of that case's identity. Raises `Refused`, in the same words for every reason
    that would tell a voter how the case was decided."""
    stand = standing(session, case_id, person.id)
    if stand is None:
        raise Refused(404, "Cas introuvable", f"Il n’y a pas de cas nº {case_id}.", person)
    if not stand.may_identify or cases.status_of(session, case_id) is not cases.CaseStatus.CONFIRMED:
        why = "Ce cas n’attend pas de vous une confirmation d’identité : il n’est pas confirmé, ou il est à d’autres."
        raise Refused(409, "Pas d’identité à confirmer", why, person)
    listing_id = session.get_one(Case, case_id).listing_id
    mine = (
        select(IdentityConfirmation)
        .where(IdentityConfirmation.case_id == case_id, IdentityConfirmation.reviewer_id == person.id)
        .order_by(IdentityConfirmation.id.desc())
    )
    return _Open(
        screen=desk.lookup(session, listing_id) if desk.lookup else None,
        state=identity_state(session, case_id),
        mine=session.scalars(mine.limit(1)).first(),
    )


def _page(
    request: Request, desk: Desk, person: Person, case_id: int, *, problem: str = "", status: int = 200
) -> Response:
    with desk.ledger.session() as session:
        opened = _opened(desk, session, person, case_id)
        note_seen(session, case_id, person.id, person.role)
        events.record(session, "case.viewed", "case", case_id, person.login, reason="identité")
        return desk.page(
            request,
            "identity.html",
            person=person,
            status=status,
            case_id=case_id,
            opened=opened,
            screen=opened.screen,
            nobody=NOBODY,
            problem=problem,
        )
