"""Routes around the case: search, saved views, bulk assignment, inbox, feed, dashboard. They decide no case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import delete, func, select

from ledger import docket, dossier_requests, events, identities
from ledger.desk import ReadMark, SavedView
from ledger.models import Reviewer
from review import brake, gate, inbox, pipeline, queue, search
from review.desk import Desk, Person, Refused, SignedIn, TheDesk, address_of
from review.rights import IDENTIFYING, VOTING
from review.standing import standing

router = APIRouter()
BIGGEST_ID = 2**31 - 1
Id = Annotated[int, Path(ge=1, le=BIGGEST_ID)]
Key = Annotated[str, Path(min_length=20, max_length=100, pattern=r"^[\w-]+$")]
MOST_VIEWS = 30  # kept by one person
MOST_ASSIGNED = 500  # cases at once


@router.get("/recherche")
def search_page(
    request: Request, desk: TheDesk, person: SignedIn, avant: Annotated[int, Query(ge=0, le=BIGGEST_ID)] = 0
) -> Response:
    """Cases by words and filters, and the searches the person keeps."""
    return _search_page(request, desk, person, search.Search.of(request.query_params), before=avant)


@router.get("/recherche.csv")
def export(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """The same search as a file for a spreadsheet; the export is an event."""
    wanted = search.Search.of(request.query_params)
    with desk.ledger.session() as session:
        docket.describe(session, desk.reference)
        rows = search.find(session, wanted, person, limit=search.EXPORTED)
        events.record(
            session, "search.exported", "reviewer", person.id, person.login, rows=len(rows), query=wanted.query
        )
    headers = {"Content-Disposition": 'attachment; filename="vigie-cas.csv"'}
    return Response(search.as_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/vues")
def keep_view(
    desk: TheDesk,
    person: SignedIn,
    name: Annotated[str, Form(max_length=200)] = "",
    query: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Keep a search under a name; the same name takes the new search."""
    wanted = search.Search.of(dict(parse_qsl(query)))
    name = name.strip()[:60]
    with desk.ledger.session() as session:
        mine = SavedView.reviewer_id == person.id
        count = session.scalar(select(func.count()).where(mine)) or 0
        if not name or len(wanted.query) > 600 or count >= MOST_VIEWS:
            raise Refused(400, "Vue refusée", f"Une vue a un nom, et l’on en garde {MOST_VIEWS} au plus.", person)
        session.execute(delete(SavedView).where(mine, SavedView.name == name))
        now = datetime.now(UTC)
        session.add(SavedView(reviewer_id=person.id, name=name, query=wanted.query, created_at=now))
    return RedirectResponse(f"/recherche?{wanted.query}", 303)


@router.post("/vues/{view_id}/supprimer")
def drop_view(desk: TheDesk, person: SignedIn, view_id: Id) -> Response:
    """Forget one of one's own saved searches."""
    with desk.ledger.session() as session:
        own = delete(SavedView).where(SavedView.id == view_id, SavedView.reviewer_id == person.id)
        if session.execute(own.returning(SavedView.id)).first() is None:
            raise Refused(404, "Vue introuvable", "Cette vue n’est pas à vous, ou elle n’existe plus.", person)
    return RedirectResponse("/recherche", 303)


@router.post("/attribution")
def assign(
    request: Request,
    desk: TheDesk,
    person: SignedIn,
    reviewer_id: Annotated[int, Form(ge=1, le=BIGGEST_ID)] = 1,
    query: Annotated[str, Form(max_length=4000)] = "",
    number: Annotated[int, Form(ge=1, le=MOST_ASSIGNED)] = 20,
) -> Response:
    """Keep seats for one voter on the cases of a search: those with a free seat, conflicts of interest avoided."""
    wanted = search.Search.of(dict(parse_qsl(query)))
    with desk.ledger.session() as session:
        voter = session.get(Reviewer, reviewer_id)
        if voter is None or voter.disabled_at is not None or voter.role not in VOTING:
            raise Refused(400, "Attribution refusée", "Choisissez une personne qui donne des avis.", person)
        ids = search.matching(session, wanted, search.EXPORTED)
        seats = queue.Seats(session, voter.id, voter.role, desk.gate)
        given = seats.grant(ids, person.login, number)
        events.record(session, "cases.assigned", "reviewer", voter.id, person.login, cases=given, query=wanted.query)
    said = f"{len(given)} cas confiés à {voter.display_name}." if given else "Aucun de ces cas n’a de place libre."
    return _search_page(request, desk, person, wanted, said=said)


@router.get("/nouveautes")
def inbox_page(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """What came back or changed."""
    with desk.ledger.session() as session:
        told = inbox.news(session, person.id, person.role)
    return desk.page(request, "inbox.html", person=person, told=told, feed="")


@router.post("/nouveautes/lu")
def mark_read(desk: TheDesk, person: SignedIn) -> Response:
    """Everything up to now is read."""
    with desk.ledger.session() as session:
        inbox.mark_read(session, person.id, datetime.now(UTC))
    return RedirectResponse("/nouveautes", 303)


@router.post("/nouveautes/flux")
def new_feed(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """A new secret address for the person's feed; the former one is void."""
    token = gate.new_token()
    with desk.ledger.session() as session:
        inbox.mark_read(session, person.id, inbox.read_mark(session, person.id))
        session.flush()
        session.get_one(ReadMark, person.id).feed_sha256 = gate.token_hash(token)
        events.record(session, "feed.opened", "reviewer", person.id, person.login)
        told = inbox.news(session, person.id, person.role)
    feed = f"{request.base_url}flux/{token}"
    return desk.page(request, "inbox.html", person=person, told=told, feed=feed)


@router.get("/flux/{key}")
def feed(request: Request, desk: TheDesk, key: Key) -> Response:
    """A person's news as Atom, for whoever holds the secret address; guessing is slowed."""
    with desk.ledger.session() as session:
        held = session.scalar(select(ReadMark).where(ReadMark.feed_sha256 == gate.token_hash(key)))
        person = session.get(Reviewer, held.reviewer_id) if held else None
        told = inbox.news(session, person.id, person.role) if person and person.disabled_at is None else None
    if told is None:
        if brake.take(desk.ledger, brake.door_limits("feed", address_of(request))).wait:
            raise Refused(429, "Trop d’essais", "Réessayez plus tard.")
        raise Refused(404, "Flux introuvable", "Cette adresse de flux n’est plus valable.")
    body = inbox.atom(told, str(request.base_url), gate.token_hash(key)[:12])
    return Response(body, media_type="application/atom+xml; charset=utf-8")


@router.get("/tableau")
def dashboard(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """From pages seen to dossiers sent, for those who do not vote."""
    with desk.ledger.session() as session:
        return desk.page(request, "dashboard.html", person=person, stages=pipeline.stages(session))


@router.get("/dossiers")
def dossiers(request: Request, desk: TheDesk, person: SignedIn) -> Response:
    """Confirmed cases: who confirmed the identity and when, and where the dossier stands."""
    with desk.ledger.session() as session:
        docket.describe(session, desk.reference)
        rows = search.find(session, search.Search(etat="confirmed"), person, limit=200)
        ids = [row.case_id for row in rows]
        asked, said = dossier_requests.states(session, ids), identities.words_of(session, ids)
        known = identities.identity_states(session, ids)
    for case_id, state in known.items():
        if not _may_know(person, state, said.get(case_id, ())):
            known[case_id], said[case_id] = identities.IdentityState(identities.IdentityStatus.OPEN), ()
    return desk.page(request, "dossiers.html", person=person, rows=rows, asked=asked, said=said, known=known)


@router.post("/cas/{case_id}/dossier")
def request_dossier(desk: TheDesk, person: SignedIn, case_id: Id) -> Response:
    """Ask for the dossier of a confirmed case; the job of `monitor.dossiers` writes it."""
    with desk.ledger.session() as session:
        if standing(session, case_id, person.id) is None:
            raise Refused(404, "Cas introuvable", f"Il n’y a pas de cas nº {case_id}.", person)
        confirmed = search.find(session, search.Search(etat="confirmed"), person, before=case_id + 1, limit=1)
        if [row.case_id for row in confirmed] != [case_id]:
            raise Refused(409, "Pas de dossier", "Seul un cas confirmé donne lieu à un dossier.", person)
        dossier_requests.ask(session, case_id, person.login)
    return RedirectResponse("/dossiers", 303)


def _may_know(person: Person, state: identities.IdentityState, said: Sequence[identities.Word]) -> bool:
    """Whether the words on an identity may be shown: never to one who may still give theirs without having read it."""
    settled = state.status in (identities.IdentityStatus.CONFIRMED, identities.IdentityStatus.SPLIT)
    return settled or person.role not in IDENTIFYING or any(one.reviewer_id == person.id for one in said)


def _search_page(
    request: Request, desk: Desk, person: Person, wanted: search.Search, *, before: int = 0, said: str = ""
) -> Response:
    with desk.ledger.session() as session:
        docket.describe(session, desk.reference, limit=200)
        rows = search.find(session, wanted, person, before, search.PAGE + 1)
        views = list(
            session.scalars(select(SavedView).where(SavedView.reviewer_id == person.id).order_by(SavedView.name))
        )
        voters: list[Reviewer] = []
        if person.role == "administrator":
            able = Reviewer.role.in_(VOTING), Reviewer.disabled_at.is_(None)
            voters = list(session.scalars(select(Reviewer).where(*able).order_by(Reviewer.login)))
    return desk.page(
        request,
        "search.html",
        person=person,
        search=wanted,
        rows=rows[: search.PAGE],
        more=rows[search.PAGE - 1].case_id if len(rows) > search.PAGE else 0,
        views=views,
        voters=voters,
        said=said,
    )
