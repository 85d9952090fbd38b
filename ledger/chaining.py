"""Give every event its place in the custody chain, in the transaction that adds it. It checks no chain.

The place is taken at commit, after everything else was written: a transaction waits for the chain only when it has
nothing else left to wait for, so that two can never wait for each other.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import event, insert, inspect, select, text
from sqlalchemy.orm import Session, SessionTransaction, UOWTransaction

from ledger.canonical import canonical_bytes, sha256_hex, utc_text
from ledger.evidence_tables import EventLink
from ledger.models import Event

EVENT_FORMAT = "vigie-event/1"
CHAIN_LOCK, SEAL_LOCK = 0x76696701, 0x76696702  # PostgreSQL's advisory locks: any numbers nobody else uses here
_UNCHAINED = "events without a place in the chain"


class LedgerSession(Session):
    """The session of the ledger: what it commits is chained."""


def plain_json(value: Any) -> Any:
    """`value` as JSON gives it back: text keys, lists for tuples. Raises `TypeError` or `ValueError` for no JSON."""
    return json.loads(json.dumps(value, allow_nan=False))


def event_line(
    *,
    sequence: int,
    previous: str | None,
    salt: str,
    number: int,
    at: datetime,
    kind: str,
    actor: str,
    subject: str,
    subject_id: int,
    detail: Mapping[str, Any],
) -> bytes:
    """The canonical line of one event (`docs/evidence-format.md`, section 7)."""
    return canonical_bytes(
        {
            "actor": actor,
            "at": utc_text(at),
            "detail": plain_json(detail),
            "event": number,
            "format": EVENT_FORMAT,
            "kind": kind,
            "previous": previous,
            "salt": salt,
            "sequence": sequence,
            "subject": subject,
            "subject_id": subject_id,
        }
    )


def hold(session: Session, key: int) -> None:
    """Wait until no other transaction holds `key`, and hold it to the end of this one (SQLite: the whole database)."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        return
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        driver.execute("BEGIN IMMEDIATE")


def head(session: Session) -> tuple[int, str | None]:
    """Sequence and hash of the last event of the chain; `(0, None)` when it is empty."""
    last = session.execute(
        select(EventLink.sequence, EventLink.hash).order_by(EventLink.sequence.desc()).limit(1)
    ).first()
    return (last[0], last[1]) if last else (0, None)


def chain(session: Session, events: Sequence[Event]) -> None:
    """Append these stored events to the chain, in the order of their numbers."""
    if not events:
        return
    hold(session, CHAIN_LOCK)
    sequence, previous = head(session)
    links = []
    for one in sorted(events, key=lambda row: row.id):
        sequence += 1
        salt = secrets.token_hex(16)
        line = event_line(
            sequence=sequence,
            previous=previous,
            salt=salt,
            number=one.id,
            at=one.at,
            kind=one.kind,
            actor=one.actor,
            subject=one.subject,
            subject_id=one.subject_id,
            detail=one.detail,
        )
        previous = sha256_hex(line)
        links.append({"sequence": sequence, "event_id": one.id, "salt": salt, "hash": previous})
    session.connection().execute(insert(EventLink), links)


@event.listens_for(LedgerSession, "after_flush")
def _gather(session: Session, _context: UOWTransaction) -> None:
    session.info.setdefault(_UNCHAINED, []).extend(row for row in session.new if isinstance(row, Event))


@event.listens_for(LedgerSession, "before_commit")
def _chain_before_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint may still be undone: the outer commit decides
    session.flush()
    waiting: list[Event] = session.info.pop(_UNCHAINED, [])
    chain(session, [row for row in waiting if inspect(row).persistent])


@event.listens_for(LedgerSession, "after_soft_rollback")
def _forget(session: Session, undone: SessionTransaction) -> None:
    if undone.parent is None:  # not a savepoint: what came before one still stands
        session.info.pop(_UNCHAINED, None)
