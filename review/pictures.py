"""What browser captures and seals say beside a case; the image of the page. It drives no browser, checks no seal.

A visit of the page after the first verdict could tell a blind reader that the case was kept: the pages of dismissed
cases are visited no more. So whoever has not decided sees the visits before the first verdict, and those alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger import events
from ledger.clean_captures import KeptCapture, clean_captures_of
from ledger.clean_tables import CleanCapture, CleanCaptureFile
from ledger.evidence_tables import CAPTURE, Seal, SealLeaf, Stamp
from ledger.models import Verdict
from ledger.store import PIECE
from ledger.wording import Wording
from reference.errors import VigieError
from review.desk import Person, Refused, SignedIn, TheDesk
from review.standing import standing

BIGGEST_ID = 2**31 - 1
IMAGE, PNG = "image", "image/png"
PICTURE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
WHY = "relecture"  # what the custody log says of a look
Id = Annotated[int, Path(ge=1, le=BIGGEST_ID)]
Place = Annotated[int, Path(ge=0, le=1000)]
router = APIRouter()
SAID = {
    Wording.STAYED: "la formule y est affichée, mot pour mot",
    Wording.HIDDEN: "la formule est dans la page, mais n’y est pas affichée",
    Wording.CHANGED: "la formule y est affichée en d’autres termes",
    Wording.WITHDRAWN: "la formule n’y est plus",
    Wording.NOT_SHOWN: "la formule n’y est pas affichée",
    Wording.UNKNOWN: "la page n’a pas été obtenue",
}


@dataclass(frozen=True)
class Visit:
    """One visit of the page in a fresh browser. `images` are the places of its strips, from top to bottom."""

    id: int
    at: datetime
    said: str
    complete: bool
    gaps: tuple[str, ...]
    images: tuple[int, ...]


@dataclass(frozen=True)
class Sealed:
    """The seal that covers a capture, and the authorities that stamped it, with their times."""

    number: int
    at: datetime
    stamps: tuple[tuple[str, datetime], ...]


def visits_of(session: Session, case_id: int, *, sighted: bool) -> tuple[Visit, ...]:
    """The visits of the case's page that this person may know of, the newest first."""
    horizon = None if sighted else _first_verdict(session, case_id)
    kept = clean_captures_of(session, case_id)
    return tuple(_visit(one) for one in reversed(kept) if horizon is None or one.captured_at < horizon)


def seal_of(session: Session, capture_id: int) -> Sealed | None:
    """The seal over that capture; None while it waits for one."""
    rows = session.execute(
        select(Seal.number, Seal.made_at, Stamp.authority, Stamp.stamped_at)
        .join(SealLeaf, SealLeaf.seal_number == Seal.number)
        .join(Stamp, Stamp.seal_number == Seal.number, isouter=True)
        .where(SealLeaf.kind == CAPTURE, SealLeaf.subject_id == capture_id)
        .order_by(Stamp.stamped_at)
    ).all()
    if not rows:
        return None
    return Sealed(rows[0].number, rows[0].made_at, tuple((row[2], row[3]) for row in rows if row[2] is not None))


@router.get("/visites/{visit_id}/image/{place}")
def picture(desk: TheDesk, person: SignedIn, visit_id: Id, place: Place) -> Response:
    """One strip of the page image, as it was taken, hashed again on the way out; the look is an event."""
    with desk.ledger.session() as session:
        row = session.get(CleanCapture, visit_id)
        held = session.get(CleanCaptureFile, (visit_id, place))
        if row is None or held is None or held.kind != IMAGE or not _may_see(session, person, row):
            raise Refused(404, "Image introuvable", "Il n’y a pas d’image à cette adresse.", person)
        try:
            data = desk.ledger.store.read(held.sha256, PIECE)
        except VigieError as error:
            said = "L’image manque dans le magasin de preuves, ou elle y a été altérée."
            raise Refused(409, "Preuve indisponible", said, person) from error
        told = {"place": place, "sha256": held.sha256, "reason": WHY}
        events.record(session, "picture.viewed", "clean_capture", visit_id, person.login, **told)
    return Response(data, media_type=PNG, headers={"Content-Security-Policy": PICTURE_POLICY})


def _may_see(session: Session, person: Person, row: CleanCapture) -> bool:
    stand = standing(session, row.case_id, person.id)
    if stand is None:
        return False
    horizon = None if stand.sighted else _first_verdict(session, row.case_id)
    return horizon is None or row.captured_at < horizon


def _first_verdict(session: Session, case_id: int) -> datetime | None:
    first: datetime | None = session.scalar(select(func.min(Verdict.decided_at)).where(Verdict.case_id == case_id))
    return first


def _visit(kept: KeptCapture) -> Visit:
    images: Sequence[int] = [place for place, file in enumerate(kept.files) if file.kind == IMAGE]
    return Visit(kept.id, kept.captured_at, SAID[kept.wording], kept.grade == "complete", kept.gaps, tuple(images))
