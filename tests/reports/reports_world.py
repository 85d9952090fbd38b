"""A small invented world to write dossiers about: one listing, one wording, two people. Nobody in it exists."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import Ledger, text_key
from ledger.events import record
from ledger.identities import confirm_identity
from ledger.models import (
    Capture,
    Case,
    Crawl,
    Finding,
    Identification,
    Listing,
    ListingView,
    Passage,
    Reviewer,
    Verdict,
)
from ledger.warc import Exchange, to_warc_gz
from reference import load_reference

T0 = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
RPPS = "81000000018"
WORDING = "Consultations sur rendez-vous.\nLe cabinet n’accepte pas la CMU ni l’AME.\nRèglement par carte ou espèces."
TRIGGER = "n’accepte pas la CMU ni l’AME"
TOKEN = "XUQXFIRK"  # of the listing and the wording below
NAME, NUMBER = f"dossier-2026-{TOKEN}", f"VIGIE-2026-{TOKEN}"
URL = "https://annuaire.vigie-essai.fr/dentiste/lyon/camille-exemple"


@dataclass
class World:
    """The rows a test changes or looks at."""

    ledger: Ledger
    case_id: int
    capture_id: int
    listing_id: int
    warc_sha256: str


def dentist() -> str:
    """The code of a profession with an Order."""
    known = load_reference().profession_of("dentiste")
    return known.code if known else ""


def page(texts: Sequence[str], rpps: str = RPPS) -> bytes:
    """A page of a listing with these paragraphs."""
    body = "".join(f"<p class='texte'>{_escape(text)}</p>" for text in texts)
    return (
        "<!doctype html><html lang='fr'><head><meta charset='utf-8'><title>Camille Exemple</title></head>"
        f"<body><h1>Dr Camille Exemple</h1>{body}<p>RPPS : {rpps}</p></body></html>"
    ).encode("utf-8", "surrogatepass")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>\n")


def exchange(content: bytes, at: datetime, url: str = URL, kind: str = "text/html; charset=utf-8") -> Exchange:
    """An answer, compressed on the way."""
    return Exchange(
        url=url,
        method="GET",
        request_headers=(("User-Agent", "vigie-essai"),),
        request_body=b"",
        status=200,
        reason="OK",
        response_headers=(("Content-Type", kind), ("Content-Encoding", "gzip")),
        body=gzip.compress(content, mtime=0),
        captured_at=at,
        ip_address="192.0.2.7",
    )


def capture(ledger: Ledger, answer: Exchange, *, platform: str = "doctolib", provenance: str = "live") -> int:
    """Store one answer and its row; the id of the capture."""
    packed = to_warc_gz(answer)
    address = ledger.store.put(packed)
    with ledger.session() as session:
        crawl = Crawl(platform=platform, kind="live", started_at=answer.captured_at, software="vigie 0.1.0")
        session.add(crawl)
        session.flush()
        row = Capture(
            crawl_id=crawl.id,
            url=answer.url,
            captured_at=answer.captured_at,
            status=answer.status,
            outcome="page",
            content_type=answer.content_type,
            body_sha256=answer.body_sha256,
            body_size=len(answer.body),
            warc_sha256=address,
            warc_size=len(packed),
            ip_address=answer.ip_address,
            provenance=provenance,
        )
        session.add(row)
        session.flush()
        return row.id


def repeat(ledger: Ledger, of: int, at: datetime) -> int:
    """A later visit that found the page unchanged."""
    with ledger.session() as session:
        first = session.get_one(Capture, of)
        row = Capture(
            crawl_id=first.crawl_id,
            url=first.url,
            captured_at=at,
            status=304,
            outcome="page",
            body_sha256=first.body_sha256,
            revisit_of_id=of,
        )
        session.add(row)
        session.flush()
        return row.id


def passage(
    ledger: Ledger,
    listing_id: int,
    capture_id: int,
    text: str,
    *,
    stance: str = "refusal",
    trigger: str = "",
    benefits: Sequence[str] = ("C2S", "AME"),
    locator: str = "html > body > p:nth-of-type(1)",
    field: str = "payment",
) -> int:
    """A passage with its reading; the id of the finding."""
    start = text.find(trigger) if trigger else 0
    with ledger.session() as session:
        row = Passage(
            listing_id=listing_id,
            capture_id=capture_id,
            parser_version="essai/1",
            field=field,
            locator=locator,
            text=text,
            text_key=text_key(text),
        )
        session.add(row)
        session.flush()
        finding = Finding(
            passage_id=row.id,
            version="rules-essai",
            created_at=T0,
            stance=stance,
            flagged=stance in ("refusal", "restriction", "deterrence"),
            benefits=list(benefits),
            trigger=trigger,
            start=start,
            end=start + len(trigger),
            confidence=0.97,
            reasons=["Le verbe « accepter » est nié et porte sur deux aides"],
        )
        session.add(finding)
        session.flush()
        return finding.id


def build(
    ledger: Ledger,
    *,
    text: str = WORDING,
    trigger: str = TRIGGER,
    others: Sequence[str] = (),
    verdicts: Sequence[str] = ("confirm", "confirm"),
    status: str = "linked",
    at: datetime = T0,
    profession: str | None = None,
    postcode: str = "69003",
    name: str = "Dr Camille Exemple",
    content: bytes | None = None,
    url: str = URL,
    kind: str = "text/html; charset=utf-8",
    locator: str = "html > body > p:nth-of-type(1)",
    benefits: Sequence[str] = ("C2S", "AME"),
    provenance: str = "live",
    keys: int = 2,
) -> World:
    """A listing seen once, a wording on it, a case with these verdicts, an identity of this status.

    `keys` is how many of those who gave a verdict confirm the identity.
    """
    held = page([text, *others]) if content is None else content
    answer = exchange(held, at, url, kind)
    capture_id = capture(ledger, answer, provenance=provenance)
    with ledger.session() as session:
        listing = Listing(platform="doctolib", key="camille-exemple", url=url, first_capture_id=capture_id)
        session.add(listing)
        session.flush()
        listing_id = listing.id
        view = ListingView(
            listing_id=listing_id,
            capture_id=capture_id,
            parser_version="essai/1",
            display_name=name,
            profession=dentist() if profession is None else profession,
            speciality="Chirurgien-dentiste",
            street="12 rue des Essais",
            postcode=postcode,
            city="Lyon",
            rpps=RPPS,
        )
        session.add(view)
        session.flush()
        session.add(
            Identification(
                listing_id=listing_id,
                view_id=view.id,
                version="identite-essai",
                created_at=at,
                status=status,
                rpps=RPPS if status == "linked" else "",
                reasons=["Numéro affiché sur la page, non confronté au registre"],
            )
        )
    finding_id = passage(ledger, listing_id, capture_id, text, trigger=trigger, locator=locator, benefits=benefits)
    with ledger.session() as session:
        case = Case(listing_id=listing_id, text_key=text_key(text), opened_at=at, finding_id=finding_id)
        session.add(case)
        session.flush()
        case_id = case.id
        record(session, "clean_capture_absent", "case", case_id, "vigie", reason="aucun navigateur n’est installé")
        for number, decision in enumerate(verdicts):
            person = Reviewer(
                login=f"lecteur{number}",
                display_name=f"Nom-Secret {number}",
                password_hash="x",
                created_at=at,
            )
            session.add(person)
            session.flush()
            session.add(_verdict(case_id, person.id, decision, at + timedelta(hours=number + 2)))
        confirm_person(session, case_id, keys)
    return World(ledger, case_id, capture_id, listing_id, ledger.store.put(to_warc_gz(answer)))


def confirm_person(session: Session, case_id: int, keys: int = 2, rpps: str = RPPS) -> None:
    """Have the first people of the world confirm who the case is about."""
    screen = {"candidates": [{"rpps": rpps}]}
    for person in session.scalars(select(Reviewer.id).order_by(Reviewer.id).limit(keys)).all():
        confirm_identity(session, case_id, person, rpps=rpps, registry_date="2026-03-01", screen=screen)


def _verdict(case_id: int, person: int, decision: str, at: datetime) -> Verdict:
    reasons = load_reference().verdict_reasons.values()
    return Verdict(
        case_id=case_id,
        reviewer_id=person,
        decided_at=at,
        decision=decision,
        reason=next(reason.code for reason in reasons if reason.decision == decision),
        stance="refusal" if decision == "confirm" else "",
    )


def as_json(value: object) -> bytes:
    """A JSON body."""
    return json.dumps(value, ensure_ascii=False).encode()
