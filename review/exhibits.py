"""Routes: a stored capture as text, as an inert page, as its file. Crawled HTML never reaches the desk's own origin."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from ledger import events
from ledger.errors import DamagedCapture, EvidenceDamaged, EvidenceMissing, TooLarge
from ledger.models import Capture, Crawl
from ledger.warc import Exchange
from reference.errors import VigieError
from review.bench import Id
from review.desk import Desk, Refused, SignedIn, TheDesk
from review.neutral import LARGEST, REPLAY_POLICY, neutral_html
from review.pictures import seal_of

WHY = "relecture"  # what the custody log says of a visit to the desk
SHOWN = 200_000  # characters of the stored text on the page; the file has it all
_HTML = ("text/html", "application/xhtml+xml")
router = APIRouter(prefix="/captures")


class NothingReceived(VigieError):
    """The capture has no bytes of its own nor of an earlier one."""


@dataclass(frozen=True)
class Stored:
    """A capture and the one whose bytes it shares: itself, or the earlier one that it found unchanged."""

    capture: Capture
    source: Capture
    platform: str


_SAID: tuple[tuple[type[VigieError], str], ...] = (
    (NothingReceived, "Aucun octet n’a été reçu lors de cette capture."),
    (EvidenceMissing, "Le fichier de cette capture manque dans le magasin de preuves."),
    (EvidenceDamaged, "Le fichier de cette capture ne correspond plus à son empreinte : il a été altéré."),
    (DamagedCapture, "Le contenu de cette capture ne peut pas être lu."),
    (TooLarge, "Le contenu de cette capture est trop volumineux pour être affiché."),
)


@router.get("/{capture_id}")
def capture_page(request: Request, desk: TheDesk, person: SignedIn, capture_id: Id) -> Response:
    """The facts of a capture, its stored text escaped, and the frame of its replay; the view is an event."""
    with desk.ledger.session() as session:
        stored = _stored(session, capture_id)
        events.record(session, "capture.viewed", "capture", capture_id, person.login, reason=WHY)
        text, problem = "", ""
        try:
            exchange = _exchange(desk, stored)
            text = exchange.text
            replayable = _is_html(exchange) and len(text) <= LARGEST
        except VigieError as error:
            problem, replayable = _said(error), False
        return desk.page(
            request,
            "capture.html",
            person=person,
            stored=stored,
            sealed=seal_of(session, capture_id),
            text=text[:SHOWN],
            cut=len(text) > SHOWN,
            problem=problem,
            replayable=replayable,
        )


@router.get("/{capture_id}/rejeu")
def replay(desk: TheDesk, person: SignedIn, capture_id: Id) -> Response:
    """The captured HTML made inert, in an opaque origin that reaches nothing; seeing it is an event."""
    with desk.ledger.session() as session:
        stored = _stored(session, capture_id)
        try:
            exchange = _exchange(desk, stored)
            text = exchange.text if _is_html(exchange) else ""
        except VigieError as error:
            raise Refused(409, "Preuve indisponible", _said(error)) from error
        if text:
            events.record(session, "capture.viewed", "capture", capture_id, person.login, reason=WHY, form="rejeu")
    if not text or len(text) > LARGEST:
        raise Refused(404, "Pas de rejeu", "Cette capture n’est pas une page que l’on puisse rejouer.")
    headers = {"Content-Security-Policy": REPLAY_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(neutral_html(text), headers=headers)


@router.get("/{capture_id}/capture.warc.gz")
def download(desk: TheDesk, person: SignedIn, capture_id: Id) -> Response:
    """The stored file as it is, re-hashed on the way out; the download is an event."""
    with desk.ledger.session() as session:
        stored = _stored(session, capture_id)
        address = stored.source.warc_sha256
        if not address:
            raise Refused(404, "Capture sans contenu", "Aucun octet n’a été reçu lors de cette capture.")
        try:
            data = desk.ledger.store.read(address)
        except VigieError as error:
            raise Refused(409, "Preuve indisponible", _said(error)) from error
        told = {"sha256": address, "reason": WHY}
        events.record(session, "capture.downloaded", "capture", capture_id, person.login, **told)
    name = f"capture-{stored.source.id}-{address[:12]}.warc.gz"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="application/gzip", headers=headers)


def _stored(session: Session, capture_id: int) -> Stored:
    capture = session.get(Capture, capture_id)
    if capture is None:
        raise Refused(404, "Capture introuvable", f"Il n’y a pas de capture nº {capture_id}.")
    source = capture
    if not capture.warc_sha256 and capture.revisit_of_id is not None:
        source = session.get_one(Capture, capture.revisit_of_id)
    platform = session.get_one(Crawl, capture.crawl_id).platform
    session.expunge_all()  # read-only from here on, and still readable after the session ends
    return Stored(capture, source, platform)


def _exchange(desk: Desk, stored: Stored) -> Exchange:
    if not stored.source.warc_sha256:
        raise NothingReceived("no bytes came")
    return desk.ledger.store.exchange(stored.source.warc_sha256)


def _said(error: VigieError) -> str:
    """What a reviewer reads of a failure of the store."""
    return next((words for kind, words in _SAID if isinstance(error, kind)), "Cette capture ne peut pas être lue.")


def _is_html(exchange: Exchange) -> bool:
    return exchange.content_type in _HTML
