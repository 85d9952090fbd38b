"""What an answer or its failure changes in the ledger, each in one transaction: all of it is there, or none.

Listings and passages, the addresses found, the spider's memory and the address's own state are written together:
a crash leaves an address either unread or read whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scrapy.http import Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from twisted.python.failure import Failure

from crawler.items import FoundListing
from crawler.outcomes import Outcome
from crawler.politeness import MOST_REST
from crawler.recording import record_listing
from crawler.running import Running, utc_now
from ledger.events import record
from ledger.frontier import Address, VisitRound
from ledger.models import Event, Listing

STATES = {
    Outcome.NOT_FOUND: "vanished",
    Outcome.BLOCKED: "walled",
    Outcome.LOGIN: "walled",
    Outcome.CONSENT: "walled",
    Outcome.RATE_LIMITED: "walled",
    Outcome.FORBIDDEN_BY_ROBOTS: "forbidden",
    Outcome.UNREADABLE: "unreadable",
}
FIRST_WAIT = 20.0  # seconds before the second try; twice as long before each further one
AGAIN = (Outcome.RATE_LIMITED, Outcome.SERVER_ERROR, Outcome.NO_ANSWER)


@dataclass(frozen=True)
class Told:
    """What a callback made of one answer."""

    listings: tuple[FoundListing, ...]
    requests: tuple[Request, ...]
    problem: str = ""


def reading_of(told: Told) -> str:
    """The digest of what a page says, whatever else changed in its bytes."""
    said = [
        [one.key, vars(one.shown)["display_name"] if one.shown else "", sorted([p.field, p.text] for p in one.passages)]
        for one in told.listings
    ]
    asked = sorted(request.url for request in told.requests)
    return hashlib.sha256(json.dumps([said, asked], default=str).encode("utf-8", "surrogatepass")).hexdigest()


class Settler:
    """Writes down what became of each address of one run."""

    def __init__(self, run: Running) -> None:
        """Write into the run's ledger."""
        self.run = run

    def read(self, request: Request, told: Told) -> None:
        """A page was read."""
        run, book, now = self.run, self.run.book(), utc_now()
        capture_id = request.meta.get("capture_id")
        listings = [one for one in told.listings if self._is_wanted(one, capture_id)]
        added = passages = 0
        with run.ledger.session() as session:
            row = book.row(session, request.meta.get("address") or 0)
            for one in listings:
                done = record_listing(session, one, int(capture_id or 0), book.parser_version)
                added, passages = added + done.listings, passages + done.passages
                run.keys.add(one.key)
            if row is not None:
                self._come_back(session, row)
                book.add(session, told.requests, row.root_id or row.id, now)
                if row.stage != "settled":
                    self._compare(row, bool(listings))
                    book.read(row, reading_of(told), sorted({one.key for one in listings}), now, problem=told.problem)
                    run.counts["changed"] += row.changed_at == now
            self._remember(session)
        run.counts["new_listings"] += added
        run.counts["passages"] += passages
        run.counts["listings"] = len(run.keys)
        if told.problem:
            run.counts["unreadable_listings"] += 1
        if row is not None:
            book.release(row.id)

    def _row(self, session: Session, address: int) -> Address:
        """The row of an address that is under way. Raises `LookupError` when the ledger does not have it."""
        row = self.run.book().row(session, address)
        if row is None:
            raise LookupError(f"address {address} is not in the ledger")
        return row

    def _compare(self, row: Address, tells: bool) -> None:
        """Count for the watchmen: a known page read again, and one that told of listings and tells of none."""
        if row.visits and row.good_capture_id:
            self.run.counts["revisited"] += 1
            self.run.counts["emptied"] += bool(row.keys) and not tells

    def _is_wanted(self, one: FoundListing, capture_id: int | None) -> bool:
        """No evidence, no item; and none beyond the wanted number."""
        run = self.run
        if capture_id is None:
            run.counts["items_without_evidence"] += 1
            return False
        return not (run.limit and len(run.keys) >= run.limit and one.key not in run.keys)

    def unchanged(self, session: Session, row: Address) -> None:
        """A page is what it was; its listings were seen again. Part of the caller's transaction."""
        self._come_back(session, row)
        self.run.book().unchanged(row, utc_now())
        self.run.keys.update(row.keys)
        self.run.counts["listings"] = len(self.run.keys)
        self.run.counts["unchanged"] += 1

    def failed(self, request: Request, outcome: Outcome, error: BaseException) -> None:
        """No page. The address is tried again if that may help; else its errback is heard and it is settled."""
        run, book, now = self.run, self.run.book(), utc_now()
        address = request.meta.get("address")
        if address is None:
            return
        with run.ledger.session() as session:
            row = self._row(session, address)
            again = outcome in AGAIN and book.may_try_again(
                row, now + timedelta(seconds=self._rest(row.host, row.tries, now))
            )
        run.counts["tries"] += again
        if not again:
            self._give_up(request, outcome, error, self._errback(request, error), now)
        book.release(address)

    def _rest(self, host: str, tries: int, now: datetime) -> float:
        """Seconds until the next try: longer each time, and not while the host rests. At once where the operator
        shortened the pause; the gate waits for a host that is merely busy.
        """
        policy = self.run.pace.host(host)
        wait = policy.earliest(now.timestamp())[0] - now.timestamp()
        patience = FIRST_WAIT * 2**tries if policy.manners.adaptive else 0.0
        return max(patience, wait if wait < MOST_REST else 0.0)

    def _errback(self, request: Request, error: BaseException) -> Sequence[Request]:
        """What the spider wants instead."""
        name = request.meta.get("errback")
        if not name:
            return ()
        failure: Any = Failure(error)  # type: ignore[no-untyped-call]
        failure.request = request
        found: Iterable[Any] = getattr(self.run.book().spider, name)(failure) or ()
        return [one for one in found if isinstance(one, Request)]

    def _give_up(
        self, request: Request, outcome: Outcome, error: BaseException, instead: Sequence[Request], now: datetime
    ) -> None:
        with self.run.ledger.session() as session:
            row = self._row(session, request.meta["address"])
            self.run.book().add(session, instead, row.root_id or row.id, now)
            if row.stage != "settled" and self.run.book().missed(row, STATES.get(outcome, "failing"), now):
                self._vanished(session, row, str(error))
            self._remember(session)

    def postpone(self, request: Request, seconds: float) -> None:
        """Its host rests: the address waits in the ledger."""
        address = request.meta.get("address")
        if address is None:
            return
        with self.run.ledger.session() as session:
            self.run.book().postpone(self._row(session, address), utc_now() + timedelta(seconds=seconds))
        self.run.book().release(address)

    def _vanished(self, session: Session, row: Address, reason: str) -> None:
        """A page that was there is gone: a state with an event, never a deletion."""
        self.run.counts["vanished"] += 1
        for listing in self._listings(session, row):
            if _last_fate(session, listing) != "listing_vanished":
                record(session, "listing_vanished", "listing", listing, "vigie", url=row.url, reason=reason)

    def _come_back(self, session: Session, row: Address) -> None:
        if row.state == "vanished" and row.good_capture_id is not None:
            for listing in self._listings(session, row):
                if _last_fate(session, listing) == "listing_vanished":
                    record(session, "listing_back", "listing", listing, "vigie", url=row.url)

    def _listings(self, session: Session, row: Address) -> list[int]:
        query = select(Listing.id).where(Listing.platform == row.platform, Listing.key.in_(row.keys or [""]))
        return list(session.scalars(query))

    def _remember(self, session: Session) -> None:
        book = self.run.book()
        if book.memory is not None:
            book.memory.flush(session)
        taken = getattr(book.spider, "taken", None)
        if self.run.limit and taken is not None:
            session.get_one(VisitRound, book.round_id).state = {"taken": taken}


def _last_fate(session: Session, listing: int) -> str:
    """The last of « vanished » and « back » that was said of a listing, "" when neither was."""
    said = select(Event.kind).where(
        Event.subject == "listing", Event.subject_id == listing, Event.kind.in_(("listing_vanished", "listing_back"))
    )
    return session.scalar(said.order_by(Event.id.desc()).limit(1)) or ""
