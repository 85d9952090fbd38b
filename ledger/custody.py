"""Read the custody log: walk its chain, and write it out line by line. It adds nothing to the log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256 as _sha256
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ledger.canonical import canonical_text
from ledger.chaining import EVENT_FORMAT
from ledger.database import Ledger
from ledger.errors import ChainBroken
from ledger.evidence_tables import EventLink
from ledger.models import Event

PORTION = 10_000  # rows fetched at once
MOST_FAULTS = 100  # told one by one; the rest is counted

_COLUMNS = {
    "sqlite": ("e.at", "e.detail"),
    "postgresql": ("to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')", "e.detail::text"),
}
_QUERY = """
SELECT l.sequence, l.salt, l.hash, l.event_id, {at}, e.kind, e.actor, e.subject, e.subject_id, {detail}
FROM event_link l LEFT JOIN event e ON e.id = l.event_id
WHERE l.sequence BETWEEN {first:d} AND {last:d} ORDER BY l.sequence
"""
_EVERY = 2**31 - 1  # beyond the last sequence number a ledger can give

Row = tuple[int, str, str, int, Any, str, str, str, int, Any]


@dataclass(frozen=True)
class ChainFault:
    """Where the chain does not hold: the sequence number (0 when there is none), and what is wrong there."""

    sequence: int
    what: str


@dataclass(frozen=True)
class ChainReport:
    """What a walk over the whole chain found. `faults` holds at most 100; `broken` counts them all."""

    events: int
    last: int
    head: str | None
    broken: int
    faults: tuple[ChainFault, ...] = field(default=())

    @property
    def holds(self) -> bool:
        """True when every event is in its place and none was changed, added beside, or taken away before the last."""
        return self.broken == 0


@lru_cache(maxsize=4096)
def _quoted(word: str) -> str:
    return json.dumps(word)


def _line(row: Row, previous: str | None, detail: str) -> bytes:
    """The line of one row, `detail` being canonical JSON text: what `ledger.chaining.event_line` makes."""
    sequence, salt, _, number, at, kind, actor, subject, subject_id, _ = row
    before = f'"{previous}"' if previous else "null"
    return (
        f'{{"actor":{_quoted(actor)},"at":"{at[:10]}T{at[11:26]}Z","detail":{detail},"event":{number},'
        f'"format":"{EVENT_FORMAT}","kind":{_quoted(kind)},"previous":{before},"salt":"{salt}","sequence":{sequence},'
        f'"subject":{_quoted(subject)},"subject_id":{subject_id}}}\n'
    ).encode()


def _true_line(row: Row, previous: str | None) -> bytes | None:
    """The line that has the recorded hash, or `None`.

    The stored text of a detail is canonical when this version wrote it. An older one is brought into shape first.
    """
    try:
        line = _line(row, previous, row[9])
        if _sha256(line).hexdigest() == row[2]:
            return line
        line = _line(row, previous, canonical_text(json.loads(row[9])))
    except (ValueError, TypeError):  # the event is gone, or a stored value was changed into what it cannot be
        return None
    return line if _sha256(line).hexdigest() == row[2] else None


def _rows(session: Session, first: int, last: int) -> Iterator[Row]:
    """Links with their events as stored, in order. Raw rows: a million of them are read in a few seconds."""
    connection = session.connection()
    at, detail = _COLUMNS[connection.dialect.name]
    query = _QUERY.format(at=at, detail=detail, first=first, last=last)
    driver: Any = connection.connection.driver_connection
    with closing(driver.cursor("custody") if connection.dialect.name == "postgresql" else driver.cursor()) as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(PORTION):
            yield from rows


def lines(session: Session, first: int = 1, last: int = _EVERY) -> Iterator[bytes]:
    """The lines `first` to `last` of the log, as they were chained. Raises `ChainBroken` at the first fault."""
    previous = session.scalar(text("SELECT hash FROM event_link WHERE sequence = :n"), {"n": first - 1})
    for row in _rows(session, first, last):
        line = _true_line(row, previous)
        if line is None:
            raise ChainBroken(f"the custody log does not hold at event {row[0]}")
        previous = row[2]
        yield line


def check_chain(ledger: Ledger) -> ChainReport:
    """Walk the whole chain and compare every line with its event."""
    faults: list[ChainFault] = []
    expected, previous, broken, seen = 1, None, 0, 0
    with ledger.session() as session:
        for row in _rows(session, 1, _EVERY):
            seen += 1
            what = ""
            if row[0] != expected:
                what = f"events {expected} to {row[0] - 1} are missing"
            elif _true_line(row, previous) is None:
                what = "the event was removed" if row[5] is None else "the event, or its place, was changed"
            if what:
                broken += 1
                faults.append(ChainFault(row[0], what))
                del faults[MOST_FAULTS:]
            expected, previous = row[0] + 1, row[2]
        loose = _loose(session)
    broken += len(loose)
    faults.extend(ChainFault(0, f"event {number} stands beside the chain") for number in loose[:MOST_FAULTS])
    return ChainReport(seen, expected - 1, previous, broken, tuple(faults))


def _loose(session: Session) -> Sequence[int]:
    """Events that no link names: written by something else than Vigie."""
    query = select(Event.id).where(~select(EventLink.sequence).where(EventLink.event_id == Event.id).exists())
    return session.scalars(query.order_by(Event.id)).all()
