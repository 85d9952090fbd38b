"""The frontier of one run: what is asked next, and what an answer changes, each change in the caller's transaction.

It lives in the ledger: after a crash at any moment the next run finds every address where it was. It decides nothing
about hosts (`crawler.politeness` does) and reads no page.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from scrapy import Spider
from scrapy.http import Request
from scrapy.utils.request import fingerprint
from sqlalchemy import and_, func, inspect, or_, select, update
from sqlalchemy.orm import Session

from crawler.memory import Memory
from crawler.revisits import Cycle, interval, missing
from ledger import Ledger
from ledger.frontier import Address, VisitRound, insert_or_ignore

BATCH = 200  # addresses taken from the ledger at once
MOST_AT_HAND = 4000
MOST_TRIES = 5  # in one round, for what may be better a moment later
LAST = -3  # an address wanted last waits until everything that was answered is read
STALE = 14  # days after which an unfinished round is taken up by a new one
KEPT_META = ("redirect_times", "redirect_ttl", "redirect_urls", "redirect_reasons", "dont_redirect")


def host_of(url: str) -> str:
    """The host that politeness counts by: the name, whatever the scheme and port."""
    return (urlsplit(url).hostname or "").lower()


def scope_of(starts: Iterable[str], limit: int | None) -> str:
    """The digest by which the same command knows its own unfinished round."""
    return hashlib.sha256(json.dumps([sorted(starts), limit]).encode()).hexdigest()


def open_round(session: Session, platform: str, kind: str, scope: str, now: datetime) -> tuple[VisitRound, bool]:
    """The unfinished round of the same command, or a new one; True when it goes on.

    A round « due » takes everything that is due, and what other rounds of the platform left waiting.
    """
    going = select(VisitRound).where(
        VisitRound.platform == platform,
        VisitRound.kind == kind,
        VisitRound.scope == scope,
        VisitRound.finished_at.is_(None),
    )
    last = session.scalars(going.order_by(VisitRound.id.desc()).limit(1)).first()
    if last is not None and kind != "due" and last.started_at > now - timedelta(days=STALE):
        return last, True
    new = VisitRound(platform=platform, kind=kind, scope=scope, started_at=now)
    session.add(new)
    session.flush()
    if kind == "due":
        mine = update(Address).where(Address.platform == platform)
        session.execute(mine.where(Address.stage != "settled").values(round_id=new.id, tries=0))
        due = mine.where(Address.stage == "settled", Address.due_at <= now)
        session.execute(due.values(round_id=new.id, tries=0, stage="waiting"))
        others = update(VisitRound).where(VisitRound.platform == platform, VisitRound.id != new.id)
        session.execute(others.where(VisitRound.finished_at.is_(None)).values(finished_at=now))
    elif last is not None:
        stale = update(Address).where(Address.round_id == last.id, Address.stage != "settled")
        session.execute(stale.values(round_id=new.id, tries=0))
        last.finished_at = now
    return new, False


def packed(request: Request, spider: Spider) -> dict[str, Any]:
    """A request as JSON: enough to make it again in another process."""
    whole = request.to_dict(spider=spider)
    headers = [
        [name.decode("latin-1"), value.decode("latin-1")]
        for name, values in request.headers.items()
        for value in values
    ]
    return {
        "method": request.method,
        "callback": whole["callback"],
        "errback": whole["errback"] or request.meta.get("errback"),
        "body": base64.b64encode(request.body).decode("ascii"),
        "headers": headers,
        "cb_kwargs": dict(request.cb_kwargs),
        "meta": {key: request.meta[key] for key in KEPT_META if key in request.meta},
    }


def unpacked(row: Address, spider: Spider) -> Request:
    """The request again. Its errback is kept aside (`meta["errback"]`) until the last try has failed."""
    kept = row.request
    return Request(
        row.url,
        method=kept["method"],
        callback=getattr(spider, kept["callback"]) if kept["callback"] else None,
        headers=kept["headers"],
        body=base64.b64decode(kept["body"]),
        cb_kwargs=kept["cb_kwargs"],
        priority=row.priority,
        dont_filter=True,
        meta={**kept["meta"], "address": row.id, "errback": kept["errback"]},
    )


@dataclass
class Taken:
    """An address at hand, in the order in which it is wanted."""

    rank: tuple[int, float, int]
    row: Address

    def __lt__(self, other: Taken) -> bool:
        return self.rank < other.rank


class Frontier:
    """The addresses of one round."""

    def __init__(self, ledger: Ledger, spider: Spider, round_: VisitRound, cycle: Cycle, parser_version: str) -> None:
        """Go on with `round_`. `open` counts what is left."""
        self.ledger, self.spider, self.cycle, self.parser_version = ledger, spider, cycle, parser_version
        self.platform, self.round_id, self.kind = round_.platform, round_.id, round_.kind
        self.memory: Memory | None = None
        self.left = 0
        self._heaps: dict[str, list[Taken]] = {}
        self._at_hand: set[int] = set()
        self._under_way: dict[int, Address] = {}  # their rows as this run, their only writer, last wrote them
        self._look_again = 0.0

    def open(self) -> None:
        """Count the addresses that wait."""
        with self.ledger.session() as session:
            query = select(func.count(Address.id)).where(Address.round_id == self.round_id, Address.stage != "settled")
            self.left = int(session.scalar(query) or 0)

    def add(self, session: Session, requests: Iterable[Request], root_id: int | None, now: datetime) -> list[str]:
        """Want these requests in this round, once each; their fingerprints. `root_id` None: start addresses."""
        wanted = {fingerprint(request).hex(): request for request in requests}
        known = {}
        if wanted:
            query = select(Address).where(Address.platform == self.platform, Address.fingerprint.in_(list(wanted)))
            known = {row.fingerprint: row for row in session.scalars(query)}
        new = [self._row(digest, request, root_id, now) for digest, request in wanted.items() if digest not in known]
        insert_or_ignore(session, Address, new)
        self.left += len(new)
        self._heed(str(row["host"]) for row in new)
        for digest, row in known.items():
            self._want_again(row, wanted[digest], now)
        session.flush()
        if root_id is None and self.kind == "full":
            for digest in wanted:
                self._want_reached(session, digest, now)
            self._look_again = 0.0
        return list(wanted)

    def _heed(self, hosts: Iterable[str]) -> None:
        """Look into the ledger again for hosts that have nothing at hand; the others' turn comes when they run out."""
        if any(host not in self._heaps for host in hosts):
            self._look_again = 0.0

    def _row(self, digest: str, request: Request, root_id: int | None, now: datetime) -> dict[str, Any]:
        return {
            "platform": self.platform,
            "fingerprint": digest,
            "host": host_of(request.url)[:253],
            "url": request.url,
            "request": packed(request, self.spider),
            "priority": request.priority,
            "root_id": root_id,
            "round_id": self.round_id,
            "due_at": now,
            "first_seen_at": now,
        }

    def _want_again(self, row: Address, request: Request, now: datetime) -> None:
        """A known address is wanted once a round; in a round of what is due, only when it is."""
        if row.round_id == self.round_id or (self.kind == "due" and row.stage == "settled" and row.due_at > now):
            return
        row.request, row.priority = packed(request, self.spider), request.priority
        row.round_id, row.tries, row.due_at = self.round_id, 0, now
        row.stage = "waiting" if row.stage == "settled" else row.stage
        self.left += 1
        self._heed([row.host])

    def _want_reached(self, session: Session, digest: str, now: datetime) -> None:
        """Want all that was ever reached from a start address: unchanged pages are not read for their links again."""
        root = session.scalar(
            select(Address.id).where(Address.platform == self.platform, Address.fingerprint == digest)
        )
        long_gone = and_(Address.state == "vanished", Address.misses >= 3, Address.due_at > now)
        reached = update(Address).where(Address.root_id == root, Address.round_id < self.round_id, ~long_gone)
        again = session.execute(
            reached.where(Address.stage == "settled").values(
                round_id=self.round_id, stage="waiting", tries=0, due_at=now
            )
        )
        late = session.execute(reached.where(Address.stage != "settled").values(round_id=self.round_id, tries=0))
        self.left += int(getattr(again, "rowcount", 0)) + int(getattr(late, "rowcount", 0))

    def take(self, earliest: Callable[[str, float], float], now: datetime) -> tuple[Address | None, float]:
        """The next address whose host may be asked now, or None and the moment at which one may be.

        `earliest(host, now)` tells the first moment for a host, in seconds since the epoch.
        """
        stamp = now.timestamp()
        soonest = float("inf")
        for _ in range(2):
            soonest = float("inf")
            for host, heap in list(self._heaps.items()):
                if heap[0].row.priority <= LAST and any(one.host == host for one in self._under_way.values()):
                    continue
                moment = earliest(host, stamp)
                if moment <= stamp:
                    return self._taken(host, heap), stamp
                soonest = min(soonest, moment)
            if not self._refill(stamp):
                break
        return None, min(soonest, self._look_again)

    def _taken(self, host: str, heap: list[Taken]) -> Address:
        one = heapq.heappop(heap)
        if not heap:
            del self._heaps[host]
            self._look_again = 0.0
        self._at_hand.discard(one.rank[2])
        self._under_way[one.rank[2]] = one.row
        return one.row

    def row(self, session: Session, address_id: int) -> Address | None:
        """The row of an address, part of `session`; without a query for one that is under way."""
        known = self._under_way.get(address_id)
        if known is None or inspect(known).expired_attributes:  # a transaction was undone
            return session.get(Address, address_id)
        session.add(known)
        return known

    def _refill(self, now: float) -> bool:
        """Bring further hosts' addresses to hand. False when there are none now."""
        if now < self._look_again or len(self._at_hand) >= MOST_AT_HAND:
            return False
        query = (
            select(Address)
            .where(Address.round_id == self.round_id, Address.stage != "settled")
            .where(Address.due_at <= datetime.fromtimestamp(now, UTC))
            .where(Address.id.not_in(list(self._under_way)))
            .order_by(Address.priority.desc(), Address.due_at, Address.id)
            .limit(BATCH)
        )
        if self._heaps:
            query = query.where(Address.host.not_in(list(self._heaps)))
        with self.ledger.session() as session:
            rows = session.scalars(query).all()
            if not rows:
                self._look_again = self._next_due(session, now)
        for row in rows:
            rank = (-row.priority, row.due_at.timestamp(), row.id)
            heapq.heappush(self._heaps.setdefault(row.host, []), Taken(rank, row))
            self._at_hand.add(row.id)
        return bool(rows)

    def _next_due(self, session: Session, now: float) -> float:
        """The moment at which a further address comes due, infinity when none waits for one."""
        query = select(func.min(Address.due_at)).where(
            Address.round_id == self.round_id,
            Address.stage != "settled",
            Address.due_at > datetime.fromtimestamp(now, UTC),
            Address.id.not_in(list(self._under_way)),
        )
        moment = session.scalar(query)
        return max(now + 0.05, moment.timestamp()) if moment else float("inf")

    def is_under_way(self, address_id: int) -> bool:
        """True while the address was handed out and nothing was settled."""
        return address_id in self._under_way

    def release(self, address_id: int) -> None:
        """The address is no longer under way in this process."""
        self._under_way.pop(address_id, None)
        if not self._heaps:
            self._look_again = 0.0

    # What an answer changes. Each returns nothing, changes one row, and is part of the caller's transaction.

    def fetched(self, row: Address, capture_id: int) -> None:
        """The answer is on disk and waits to be read: it will not be asked for again."""
        row.stage, row.capture_id = "fetched", capture_id

    def read(self, row: Address, reading: str, keys: list[str], now: datetime, *, problem: str = "") -> None:
        """The page was read; `reading` is the digest of what it says."""
        changed = row.visits > 0 and row.reading_sha256 != reading and row.parser_version == self.parser_version
        row.state = "unreadable" if problem else "present"
        row.reading_sha256, row.keys, row.parser_version = reading, keys, self.parser_version
        row.good_capture_id = row.capture_id
        self._visited(row, now, changed=changed)

    def unchanged(self, row: Address, now: datetime) -> None:
        """The page is what it was: nothing is read again."""
        row.state = "present"
        self._visited(row, now, changed=False)

    def moved(self, row: Address, now: datetime) -> None:
        """It led elsewhere; the place it led to is an address of its own."""
        row.state = "moved"
        self._visited(row, now, changed=False)

    def postpone(self, row: Address, until: datetime) -> None:
        """Not now: its host rests. No try is counted."""
        row.stage, row.capture_id, row.due_at = "waiting", None, until
        self._look_again = 0.0

    def may_try_again(self, row: Address, until: datetime) -> bool:
        """Count a try; True when another is left in this round, not before `until`."""
        row.tries += 1
        if row.tries >= MOST_TRIES:
            return False
        row.stage, row.capture_id, row.due_at = "waiting", None, until
        self._look_again = 0.0
        return True

    def missed(self, row: Address, state: str, now: datetime) -> bool:
        """No page this time, and no further try. True when a page that was there has vanished just now."""
        just_now = state == "vanished" and row.state != "vanished" and row.good_capture_id is not None
        row.state = state
        row.misses += 1
        row.visits += 1
        self._settled(row, now, missing(self.cycle, row.misses))
        return just_now

    def _visited(self, row: Address, now: datetime, *, changed: bool) -> None:
        row.visits += 1
        row.misses = 0
        if changed:
            row.changes += 1
            row.changed_at = now
        watched = (now - row.first_seen_at).total_seconds()
        self._settled(row, now, interval(self.cycle, row.changes, watched))

    def _settled(self, row: Address, now: datetime, seconds: float) -> None:
        row.stage, row.capture_id, row.visited_at = "settled", None, now
        row.due_at = now + timedelta(seconds=seconds)
        self.left -= 1

    def finish(self) -> bool:
        """End the round when nothing waits any more; True when it ended."""
        with self.ledger.session() as session:
            waiting = select(Address.id).where(Address.round_id == self.round_id, Address.stage != "settled")
            if session.scalar(waiting.limit(1)) is not None:
                return False
            session.get_one(VisitRound, self.round_id).finished_at = datetime.now(UTC)
        return True


def due_count(session: Session, platform: str, now: datetime) -> int:
    """How many known addresses of a platform are due."""
    query = select(func.count(Address.id)).where(
        Address.platform == platform, or_(Address.stage != "settled", Address.due_at <= now), Address.due_at <= now
    )
    return int(session.scalar(query) or 0)
