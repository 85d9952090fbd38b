"""Gather from the ledger, as plain values, everything one dossier tells. It reads rows and judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger import cases
from ledger.cases import CaseStatus
from ledger.identities import IdentityState, identity_state
from ledger.models import (
    Capture,
    Case,
    Crawl,
    Event,
    Finding,
    Identification,
    Listing,
    ListingView,
    Passage,
    Verdict,
)
from reference.errors import VigieError

MOST_ACCEPTANCES = 10
PROOF_KINDS = {"seal": "Scellement horodaté", "clean_capture": "Capture dans un navigateur vierge"}


class NoSuchCase(VigieError):
    """The ledger holds no case of that number."""


@dataclass(frozen=True)
class Seen:
    """One capture, with where its bytes are: its own, or those of the capture that it repeats unchanged."""

    id: int
    url: str
    method: str
    captured_at: datetime
    status: int | None
    outcome: str
    content_type: str
    body_sha256: str
    body_size: int
    warc_sha256: str  # empty: no bytes came
    ip_address: str
    provenance: str
    software: str
    user_agent: str
    unchanged_since: int | None


@dataclass(frozen=True)
class Wording:
    """A passage and what the reader says of it."""

    passage_id: int
    capture_id: int
    field: str
    locator: str
    text: str
    parser_version: str
    stance: str
    benefits: tuple[str, ...]
    trigger: str
    start: int
    end: int
    reasons: tuple[str, ...]
    reader_version: str


@dataclass(frozen=True)
class Shown:
    """The practitioner as the page shows them, and what the matcher concluded."""

    capture_id: int | None
    display_name: str = ""
    is_organisation: bool = False
    profession: str = ""
    speciality: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    phone: str = ""
    rpps_shown: str = ""
    adeli_shown: str = ""
    status: str = "none"
    rpps: str = ""
    reasons: tuple[str, ...] = ()
    matcher_version: str = ""


@dataclass(frozen=True)
class Vote:
    """One person's verdict under a letter: the name stays in the ledger."""

    letter: str
    decided_at: datetime
    decision: str
    reason: str
    stance: str


@dataclass(frozen=True)
class Proof:
    """The recorded state of one kind of proof: absent, pending or present."""

    kind: str
    label: str
    state: str
    at: datetime | None
    note: str


@dataclass(frozen=True)
class CaseFile:
    """Everything the dossier of one case tells, before any evidence is read."""

    case_id: int
    status: CaseStatus
    opened_at: datetime
    platform: str
    listing_key: str
    listing_url: str
    known_since: datetime
    key: Wording
    sightings: tuple[Wording, ...]  # every passage with the same wording, oldest first
    acceptances: tuple[Wording, ...]
    shown: Shown
    confirmed: IdentityState  # who people say it is
    votes: tuple[Vote, ...]
    proofs: tuple[Proof, ...]
    captures: dict[int, Seen]
    unchanged: tuple[int, ...]  # captures whose bytes repeat a sighting
    later: int | None  # the newest answer of the same page after the last sighting


def gather(session: Session, case_id: int) -> CaseFile:
    """The whole file of a case. Raises `NoSuchCase`."""
    case = session.get(Case, case_id)
    if case is None:
        raise NoSuchCase(f"aucun cas ne porte le numéro {case_id}")
    listing = session.get_one(Listing, case.listing_id)
    finding = session.get_one(Finding, case.finding_id)
    key = _wording(session.get_one(Passage, finding.passage_id), finding)
    sightings = tuple(_wording(passage, finding) for passage in cases.passages_of(session, case))
    acceptances = _acceptances(session, listing.id)
    shown = _shown(session, listing.id)
    seen_in = {key.capture_id, *(wording.capture_id for wording in sightings)}
    unchanged = tuple(
        session.scalars(select(Capture.id).where(Capture.revisit_of_id.in_(seen_in)).order_by(Capture.id))
    )
    later = _later(session, key.capture_id, {*seen_in, *unchanged})
    wanted = {*seen_in, *unchanged, *(wording.capture_id for wording in acceptances)}
    wanted.update(number for number in (shown.capture_id, later) if number is not None)
    captures = _captures(session, wanted)
    return CaseFile(
        case_id=case.id,
        status=cases.status_of(session, case.id),
        opened_at=case.opened_at,
        platform=listing.platform,
        listing_key=listing.key,
        listing_url=listing.url,
        known_since=session.get_one(Capture, listing.first_capture_id).captured_at,
        key=key,
        sightings=sightings,
        acceptances=acceptances,
        shown=shown,
        confirmed=identity_state(session, case.id),
        votes=_votes(session, case.id),
        proofs=_proofs(session, case.id, wanted),
        captures=captures,
        unchanged=unchanged,
        later=later,
    )


def _wording(passage: Passage, finding: Finding) -> Wording:
    return Wording(
        passage_id=passage.id,
        capture_id=passage.capture_id,
        field=passage.field,
        locator=passage.locator,
        text=passage.text,
        parser_version=passage.parser_version,
        stance=finding.stance,
        benefits=tuple(finding.benefits),
        trigger=finding.trigger,
        start=finding.start,
        end=finding.end,
        reasons=tuple(finding.reasons),
        reader_version=finding.version,
    )


def _captures(session: Session, ids: Iterable[int]) -> dict[int, Seen]:
    """Those captures in one query; a repeated page takes the bytes of the capture that it repeats."""
    first = Capture.__table__.alias("first")
    query = (
        select(Capture, Crawl.software, Crawl.user_agent, first.c.warc_sha256, first.c.body_sha256, first.c.body_size)
        .join(Crawl, Crawl.id == Capture.crawl_id)
        .outerjoin(first, first.c.id == Capture.revisit_of_id)
        .where(Capture.id.in_(sorted(ids)))
    )
    found = {}
    for capture, software, user_agent, first_warc, first_body, first_size in session.execute(query):
        own = capture.warc_sha256 is not None
        found[capture.id] = Seen(
            id=capture.id,
            url=capture.url,
            method=capture.method,
            captured_at=capture.captured_at,
            status=capture.status,
            outcome=capture.outcome,
            content_type=capture.content_type,
            body_sha256=capture.body_sha256 or first_body or "",
            body_size=capture.body_size if own else (first_size or 0),
            warc_sha256=capture.warc_sha256 or first_warc or "",
            ip_address=capture.ip_address,
            provenance=capture.provenance,
            software=software,
            user_agent=user_agent,
            unchanged_since=capture.revisit_of_id,
        )
    return found


def _acceptances(session: Session, listing_id: int) -> tuple[Wording, ...]:
    """What the same listing says in favour of the protected patients, by the newest reading of each passage."""
    newest = (
        select(func.max(Finding.id))
        .join(Passage, Passage.id == Finding.passage_id)
        .where(Passage.listing_id == listing_id)
        .group_by(Finding.passage_id)
    )
    query = (
        select(Passage, Finding)
        .join(Finding, Finding.passage_id == Passage.id)
        .where(Finding.id.in_(newest), Finding.stance == "acceptance")
        .order_by(Passage.id.desc())
    )
    kept: dict[str, Wording] = {}
    for passage, finding in session.execute(query):
        if passage.text_key not in kept and len(kept) < MOST_ACCEPTANCES:
            kept[passage.text_key] = _wording(passage, finding)
    return tuple(kept.values())


def _shown(session: Session, listing_id: int) -> Shown:
    """The newest identification with the view it read; without one, the newest view and no identity."""
    answer = session.scalars(
        select(Identification)
        .where(Identification.listing_id == listing_id)
        .order_by(Identification.id.desc())
        .limit(1)
    ).first()
    view = session.get_one(ListingView, answer.view_id) if answer else cases.latest_view(session, listing_id)
    if view is None:
        return Shown(None, reasons=("La page ne montre aucun professionnel.",))
    return Shown(
        capture_id=view.capture_id,
        display_name=view.display_name,
        is_organisation=view.is_organisation,
        profession=view.profession,
        speciality=view.speciality,
        street=view.street,
        postcode=view.postcode,
        city=view.city,
        phone=view.phone,
        rpps_shown=view.rpps,
        adeli_shown=view.adeli,
        status=answer.status if answer else "none",
        rpps=answer.rpps if answer else "",
        reasons=tuple(answer.reasons) if answer else ("L’identité n’a pas encore été recherchée.",),
        matcher_version=answer.version if answer else "",
    )


def _votes(session: Session, case_id: int) -> tuple[Vote, ...]:
    """The verdicts in the order they were given, under letters."""
    given = session.scalars(select(Verdict).where(Verdict.case_id == case_id).order_by(Verdict.decided_at, Verdict.id))
    return tuple(
        Vote(chr(ord("A") + number), vote.decided_at, vote.decision, vote.reason, vote.stance)
        for number, vote in enumerate(given)
    )


def _later(session: Session, key_capture: int, known: set[int]) -> int | None:
    """The newest page that the same address answered after the last time the wording was seen there."""
    url = session.get_one(Capture, key_capture).url
    last = session.scalar(select(func.max(Capture.captured_at)).where(Capture.id.in_(known)))
    query = (
        select(Capture.id)
        .where(Capture.url == url, Capture.outcome == "page", Capture.captured_at > last)
        .order_by(Capture.captured_at.desc(), Capture.id.desc())
    )
    return session.scalars(query.limit(1)).first()


def _proofs(session: Session, case_id: int, captures: set[int]) -> tuple[Proof, ...]:
    """The last recorded state of each kind of proof; no record at all is « absent » too, and says so."""
    kinds = {f"{kind}_{state}": (kind, state) for kind in PROOF_KINDS for state in ("absent", "pending", "present")}
    crawls = select(Capture.crawl_id).where(Capture.id.in_(captures))
    events: Sequence[Event] = session.scalars(
        select(Event)
        .where(Event.kind.in_(kinds))
        .where(
            ((Event.subject == "case") & (Event.subject_id == case_id))
            | ((Event.subject == "capture") & Event.subject_id.in_(captures))
            | ((Event.subject == "crawl") & Event.subject_id.in_(crawls))
        )
        .order_by(Event.at, Event.id)
    ).all()
    last = {kinds[event.kind][0]: event for event in events}
    proofs = []
    for kind, label in PROOF_KINDS.items():
        event = last.get(kind)
        if event is None:
            proofs.append(Proof(kind, label, "absent", None, ""))
        else:
            note = str(event.detail.get("reason", ""))
            proofs.append(Proof(kind, label, kinds[event.kind][1], event.at, note))
    return tuple(proofs)
