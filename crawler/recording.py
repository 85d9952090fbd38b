"""Write what was captured and what was read into the ledger: the one way for live crawls, imports and replays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.items import FoundListing
from crawler.outcomes import Outcome
from ledger import EvidenceStore, text_key
from ledger.events import COLLECTED, record
from ledger.models import Capture, Crawl, Listing, ListingView, Passage
from ledger.warc import Exchange, to_warc_gz

MAX_LOCATOR = 2000  # characters
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def plain(text: str) -> str:
    """Text that every database takes: NUL and halves of surrogate pairs, which JSON can hold, become U+FFFD.

    One character for one, so that offsets stay as they are.
    """
    return _UNSTORABLE.sub("\ufffd", text)


def _plain(value: Any) -> Any:
    """The same for every text inside a JSON value."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {plain(str(key)): _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True)
class Recorded:
    """How many rows an answer added."""

    listings: int = 0
    passages: int = 0


def _same_before(
    session: Session, store: EvidenceStore, exchange: Exchange, provenance: str, known: Capture | None
) -> Capture | None:
    """A full capture of this address, `known` or the last, that holds the same answer, came the same way and is still
    there.

    A live answer never leans on an imported file; a redirect is always kept, for its place is in a header.
    """
    if 300 <= exchange.status < 400 or exchange.method != "GET":
        return None
    place = (exchange.url, exchange.method, provenance)
    if known is not None and (known.url, known.method, known.provenance) == place and _holds(known, store, exchange):
        return known
    query = (
        select(Capture)
        .where(Capture.url == exchange.url, Capture.method == exchange.method, Capture.warc_sha256.is_not(None))
        .where(Capture.provenance == provenance)
        .order_by(Capture.id.desc())
        .limit(1)
    )
    last = session.scalars(query).first()
    return last if last is not None and _holds(last, store, exchange) else None


def _holds(capture: Capture, store: EvidenceStore, exchange: Exchange) -> bool:
    """True when the stored bytes of that capture are there, and are this answer's."""
    now = (exchange.body_sha256, exchange.status, exchange.content_type[:120])
    if (capture.body_sha256, capture.status, capture.content_type) != now or not capture.warc_sha256:
        return False
    return store.path(capture.warc_sha256).exists()


def record_capture(
    session: Session,
    store: EvidenceStore,
    crawl_id: int,
    exchange: Exchange,
    outcome: Outcome,
    reason: str,
    provenance: str = "live",
    known: Capture | None = None,
) -> Capture:
    """Keep the exchange as evidence and add its row. Unchanged content costs a small row that points at the first.

    `known`: a capture that may hold the same answer, looked at before the ledger is asked for one.
    """
    before = _same_before(session, store, exchange, provenance, known)
    warc = None if before else to_warc_gz(exchange)
    capture = Capture(
        crawl_id=crawl_id,
        url=exchange.url,
        method=exchange.method,
        captured_at=exchange.captured_at,
        status=exchange.status,
        outcome=str(outcome),
        reason=reason,
        content_type=exchange.content_type[:120],
        body_sha256=exchange.body_sha256,
        body_size=len(exchange.body),
        warc_sha256=store.put(warc) if warc else None,
        warc_size=len(warc) if warc else 0,
        ip_address=exchange.ip_address,
        revisit_of_id=before.id if before else None,
        provenance=provenance,
    )
    session.add(capture)
    session.flush()
    if capture.warc_sha256:
        record(session, COLLECTED, "capture", capture.id, "vigie", sha256=capture.warc_sha256)
    else:
        record(session, COLLECTED, "capture", capture.id, "vigie", revisit_of=capture.revisit_of_id)
    return capture


def record_unanswered(session: Session, crawl_id: int, url: str, method: str, outcome: Outcome, reason: str) -> Capture:
    """Add the row of a request that got no answer, or was not made: there are no bytes to keep."""
    capture = Capture(
        crawl_id=crawl_id,
        url=url,
        method=method,
        captured_at=datetime.now(UTC),
        outcome=str(outcome),
        reason=" ".join(reason.split()),
    )
    session.add(capture)
    session.flush()
    record(session, COLLECTED, "capture", capture.id, "vigie", outcome=str(outcome))
    return capture


def record_not_modified(session: Session, crawl_id: int, exchange: Exchange, known: Capture) -> Capture:
    """The server says that the page is as it was (304): a row that points at the capture holding the bytes."""
    capture = Capture(
        crawl_id=crawl_id,
        url=exchange.url,
        method=exchange.method,
        captured_at=exchange.captured_at,
        status=exchange.status,
        outcome=str(Outcome.PAGE),
        reason="not modified (304)",
        content_type=known.content_type,
        body_sha256=known.body_sha256,
        body_size=0,
        ip_address=exchange.ip_address,
        revisit_of_id=known.revisit_of_id or known.id,
    )
    session.add(capture)
    session.flush()
    record(session, COLLECTED, "capture", capture.id, "vigie", revisit_of=capture.revisit_of_id)
    return capture


def evidence_of(session: Session, capture_id: int) -> int:
    """The capture that holds the bytes: itself, or the one it is an unchanged revisit of."""
    capture = session.get_one(Capture, capture_id)
    return capture.revisit_of_id or capture.id


def _listing(session: Session, found: FoundListing, capture_id: int) -> Listing:
    query = select(Listing).where(Listing.platform == found.platform, Listing.key == found.key)
    listing = session.scalars(query).first()
    if listing is None:
        listing = Listing(platform=found.platform, key=found.key, url=found.url, first_capture_id=capture_id)
        session.add(listing)
        session.flush()
    return listing


def _add_view(session: Session, found: FoundListing, listing: Listing, capture_id: int, version: str) -> None:
    shown = found.shown
    if shown is None:
        return
    known = select(ListingView.id).where(
        ListingView.listing_id == listing.id,
        ListingView.capture_id == capture_id,
        ListingView.parser_version == version,
    )
    if session.scalar(known) is None:
        session.add(
            ListingView(
                listing_id=listing.id,
                capture_id=capture_id,
                parser_version=version,
                display_name=shown.display_name[:300],
                is_organisation=shown.is_organisation,
                profession=shown.profession[:120],
                speciality=shown.speciality[:200],
                street=shown.street[:300],
                postcode=shown.postcode[:10],
                city=shown.city[:120],
                phone=shown.phone[:40],
                rpps=shown.rpps[:20],
                adeli=shown.adeli[:20],
                signals=dict(shown.signals),
            )
        )


def record_listing(session: Session, found: FoundListing, capture_id: int, version: str) -> Recorded:
    """Add what one answer says about one listing. Calling it again for the same capture and parser adds nothing."""
    holder = evidence_of(session, capture_id)
    shown = replace(found.shown, **_plain(vars(found.shown))) if found.shown else None
    found = replace(found, key=plain(found.key), url=plain(found.url), shown=shown)
    known_before = session.scalar(
        select(Listing.id).where(Listing.platform == found.platform, Listing.key == found.key)
    )
    listing = _listing(session, found, holder)
    _add_view(session, found, listing, holder, version)
    query = select(Passage.locator).where(
        Passage.capture_id == holder, Passage.listing_id == listing.id, Passage.parser_version == version
    )
    seen = set(session.scalars(query))
    added = 0
    for passage in found.passages:
        locator = plain(passage.locator[:MAX_LOCATOR])
        if locator in seen or not passage.text.strip():
            continue
        seen.add(locator)
        text = plain(passage.text)
        session.add(
            Passage(
                listing_id=listing.id,
                capture_id=holder,
                parser_version=version,
                field=passage.field,
                locator=locator,
                text=text,
                text_key=text_key(text),
            )
        )
        added += 1
    session.flush()
    return Recorded(int(known_before is None), added)


def open_crawl(session: Session, platform: str, kind: str, software: str, **settings: object) -> Crawl:
    """Add the row of a run that begins."""
    crawl = Crawl(
        platform=platform,
        kind=kind,
        started_at=datetime.now(UTC),
        software=software,
        user_agent=str(settings.pop("user_agent", "")),
        settings=settings,
    )
    session.add(crawl)
    session.flush()
    return crawl
