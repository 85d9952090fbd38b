"""Make seals: what was captured and logged goes under a root chained to the seal before. It stamps nothing.

A seal, its leaves and its event are one transaction: there is no moment at which a seal half exists.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ledger.canonical import canonical_bytes, sha256_hex, utc_text
from ledger.chaining import SEAL_LOCK, head, hold
from ledger.custody import lines
from ledger.database import Ledger
from ledger.events import (
    CALENDAR_COMPLETE,
    CALENDAR_FAILED,
    CALENDAR_PENDING,
    SEALED,
    STAMP_FAILED,
    STAMPED,
    record,
)
from ledger.evidence_tables import EventLink, Seal, SealLeaf
from ledger.models import Event
from ledger.sealing.leaves import SOURCES, leaf_bytes, unsealed
from ledger.sealing.merkle import leaf_hash, root

SEAL_FORMAT = "vigie-seal/1"
PORTION = 5_000  # leaves inserted with one statement
OF_SEALING = (
    *(SEALED, STAMPED, STAMP_FAILED, "seal_absent", "seal_pending", "seal_present"),
    *(CALENDAR_PENDING, CALENDAR_COMPLETE, CALENDAR_FAILED),
)


@dataclass(frozen=True)
class SealMade:
    """A seal that was made: its number, its run, how many pieces of evidence and events stand under it, its hash."""

    number: int
    crawl_id: int | None
    count: int
    events: int
    sha256: str


@dataclass(frozen=True)
class _Leaf:
    kind: str
    subject_id: int
    salt: str
    hash: bytes


def make_seals(ledger: Ledger, software: str, *, crawl_id: int | None = None, actor: str = "vigie") -> list[SealMade]:
    """Seal everything that is not sealed yet, one seal a run, or the given run alone; then the log, if it has news.

    Nothing to seal makes no seal. Raises `LedgerUnavailable` or `StoreFull`; the seals made before stand.
    """
    made = []
    for run in [crawl_id] if crawl_id is not None else _runs_to_seal(ledger):
        with ledger.session() as session:
            hold(session, SEAL_LOCK)
            leaves = list(_leaves(session, run))
            if leaves:
                made.append(_seal(session, software, run, leaves, actor))
    if crawl_id is None:
        with ledger.session() as session:
            hold(session, SEAL_LOCK)
            if _log_has_news(session):
                made.append(_seal(session, software, None, [], actor))
    return made


def _runs_to_seal(ledger: Ledger) -> list[int | None]:
    """The runs that hold something unsealed, oldest first, then `None` if something belongs to no run."""
    runs: set[int | None] = set()
    with ledger.session() as session:
        for source in SOURCES.values():
            waiting = unsealed(source).subquery()
            if source.run_column is None:
                runs |= {None} if session.execute(select(waiting).limit(1)).first() else set()
            else:
                runs |= set(session.scalars(select(waiting.c[source.run_column.key]).distinct()))
    return sorted(runs, key=lambda run: (run is None, run or 0))


def _leaves(session: Session, run: int | None) -> Iterator[_Leaf]:
    """The leaves of one run that are in no seal yet, in the order of the tree: kind, then number."""
    for kind, source in sorted(SOURCES.items()):
        query = unsealed(source)
        if source.run_column is not None:
            query = query.where(source.run_column.is_(None) if run is None else source.run_column == run)
        elif run is not None:
            continue
        for row in session.execute(query):
            salt = secrets.token_hex(16)
            yield _Leaf(kind, row[0], salt, leaf_hash(leaf_bytes(source, row, salt)))


def _last(session: Session) -> Seal | None:
    return session.scalars(select(Seal).order_by(Seal.number.desc()).limit(1)).first()


def _log_has_news(session: Session) -> bool:
    """True when the last seal was followed by events that are not about sealing: else seals would breed seals."""
    last = _last(session)
    query = (
        select(EventLink.sequence)
        .join(Event, Event.id == EventLink.event_id)
        .where(EventLink.sequence > (last.log_last if last else 0), Event.kind.not_in(OF_SEALING))
    )
    return session.execute(query.limit(1)).first() is not None


def _log(session: Session, first: int) -> dict[str, Any] | None:
    """What a seal says of the events from `first` on."""
    last, newest = head(session)
    if last < first:
        return None
    hashes = [leaf_hash(line) for line in lines(session, first, last)]
    return {"count": len(hashes), "first": first, "head": newest, "last": last, "root": root(hashes).hex()}


def _seal(session: Session, software: str, run: int | None, leaves: list[_Leaf], actor: str) -> SealMade:
    before = _last(session)
    log = _log(session, before.log_last + 1 if before else 1)
    now = datetime.now(UTC)
    number = before.number + 1 if before else 1
    content = canonical_bytes(
        {
            "count": len(leaves),
            "format": SEAL_FORMAT,
            "log": log,
            "made": utc_text(now),
            "number": number,
            "previous": sha256_hex(before.content.encode("ascii")) if before else None,
            "root": root([leaf.hash for leaf in leaves]).hex(),
            "run": run,
            "software": software,
        }
    )
    digest = sha256_hex(content)
    session.add(
        Seal(
            number=number,
            crawl_id=run,
            made_at=now,
            content=content.decode("ascii"),
            sha256=digest,
            count=len(leaves),
            log_last=log["last"] if log else (before.log_last if before else 0),
        )
    )
    session.flush()
    for start in range(0, len(leaves), PORTION):
        portion = enumerate(leaves[start : start + PORTION], start)
        session.execute(insert(SealLeaf), [_row(number, position, leaf) for position, leaf in portion])
    record(session, SEALED, "seal", number, actor, sha256=digest, count=len(leaves), run=run)
    return SealMade(number, run, len(leaves), log["count"] if log else 0, digest)


def _row(number: int, position: int, leaf: _Leaf) -> dict[str, Any]:
    return {
        "seal_number": number,
        "position": position,
        "kind": leaf.kind,
        "subject_id": leaf.subject_id,
        "salt": leaf.salt,
        "hash": leaf.hash.hex(),
    }
