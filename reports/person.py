"""Gather everything confirmed about one practitioner: the case asked for first, then the others of the same person.

Two listings belong to one person only when both were linked to the same RPPS number. It judges nothing.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ledger import cases
from ledger.cases import CaseStatus
from ledger.models import Case, Identification, Listing
from ledger.sending_tables import CouncilAnswer
from reports.casefile import CaseFile, gather

TOKEN_LENGTH = 8
MOST_CASES = 40  # of one person in one dossier


@dataclass(frozen=True)
class Confirmed:
    """What somebody asked and was told about the council of registration and the way of practising."""

    council: str
    practice: str
    answered_on: date
    how: str


@dataclass(frozen=True)
class PersonFile:
    """One practitioner: the files of their confirmed cases, the one asked for first, and what an Order said of them."""

    token: str  # names the dossier outside: made from the listing and the wording, not from a number of the ledger
    files: tuple[CaseFile, ...]
    council: Confirmed | None

    @property
    def main(self) -> CaseFile:
        """The case asked for."""
        return self.files[0]


def gather_person(session: Session, case_id: int) -> PersonFile:
    """The file of a case with those of the same person's other confirmed cases. Raises `NoSuchCase`."""
    main = gather(session, case_id)
    others: list[CaseFile] = []
    if main.status is CaseStatus.CONFIRMED and main.shown.status == "linked":
        others = [gather(session, other) for other in _same_person(session, case_id, main.shown.rpps)]
    case = session.get_one(Case, case_id)
    return PersonFile(
        token=_token(main.platform, main.listing_key, case.text_key),
        files=(main, *others),
        council=_council(session, case_id, main.shown.rpps if main.shown.status == "linked" else ""),
    )


def _same_person(session: Session, case_id: int, rpps: str) -> list[int]:
    """Confirmed cases of listings whose newest identification is this number, oldest first."""
    newest = select(func.max(Identification.id)).group_by(Identification.listing_id)
    listings = select(Identification.listing_id).where(
        Identification.id.in_(newest), Identification.status == "linked", Identification.rpps == rpps
    )
    query = select(Case.id).join(Listing, Listing.id == Case.listing_id)
    query = query.where(Case.listing_id.in_(listings), Case.id != case_id).order_by(Case.id)
    found = list(session.scalars(query))
    states = cases.statuses(session, found)
    return [number for number in found if states[number] is CaseStatus.CONFIRMED][: MOST_CASES - 1]


def _council(session: Session, case_id: int, rpps: str) -> Confirmed | None:
    """The newest answer for this case, or for this person."""
    about = CouncilAnswer.case_id == case_id
    query = select(CouncilAnswer).where(or_(about, CouncilAnswer.rpps == rpps) if rpps else about)
    answer = session.scalars(query.order_by(CouncilAnswer.answered_on.desc(), CouncilAnswer.id.desc()).limit(1)).first()
    if answer is None:
        return None
    return Confirmed(answer.council, answer.practice, answer.answered_on, answer.how)


def _token(platform: str, key: str, text_key: str) -> str:
    name = f"vigie-reference/1\n{platform}\n{key}\n{text_key}"
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(digest).decode("ascii")[:TOKEN_LENGTH]
