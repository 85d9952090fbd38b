"""Compare the ledger's seals with its rows: Vigie's own watch. A stranger's check shares no code with this one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.canonical import canonical_bytes, sha256_hex
from ledger.custody import lines
from ledger.database import Ledger
from ledger.errors import ChainBroken
from ledger.evidence_tables import EventLink, Seal, SealLeaf
from ledger.sealing.leaves import SOURCES, leaf_bytes
from ledger.sealing.merkle import leaf_hash, root


@dataclass(frozen=True)
class SealsReport:
    """How many seals were compared, and one line for each fault."""

    seals: int
    faults: tuple[str, ...]


def check_seals(ledger: Ledger) -> SealsReport:
    """Every seal against the one before it, its leaves against the rows of today, its log against the chain."""
    faults: list[str] = []
    previous: str | None = None
    log_last = count = 0
    with ledger.session() as session:
        for seal in session.scalars(select(Seal).order_by(Seal.number)):
            count += 1
            found = list(_faults(session, seal, count, previous, log_last))
            faults.extend(f"seal {seal.number}: {what}" for what in found)
            previous, log_last = sha256_hex(seal.content.encode("ascii", "replace")), seal.log_last
    return SealsReport(count, tuple(faults))


def _faults(session: Session, seal: Seal, number: int, previous: str | None, log_last: int) -> Iterator[str]:
    content = seal.content.encode("utf-8")
    try:
        value: dict[str, Any] = json.loads(content)
    except ValueError:
        yield "its content is no JSON"
        return
    if canonical_bytes(value) != content or sha256_hex(content) != seal.sha256:
        yield "its content was changed"
        return
    if (value["number"], seal.number) != (number, number):
        yield f"number {number} is missing"
    if value["previous"] != previous:
        yield "it does not name the seal before it"
    yield from _leaf_faults(session, seal, value)
    yield from _log_faults(session, value["log"], log_last)


def _leaf_faults(session: Session, seal: Seal, value: dict[str, Any]) -> Iterator[str]:
    """Leaves made again from the rows of today, kind by kind."""
    query = select(SealLeaf).where(SealLeaf.seal_number == seal.number).order_by(SealLeaf.position)
    leaves = list(session.scalars(query.execution_options(yield_per=5000)))
    if [leaf.position for leaf in leaves] != list(range(value["count"])):
        yield "leaves are missing"
    if root([bytes.fromhex(leaf.hash) for leaf in leaves]).hex() != value["root"]:
        yield "its leaves do not have its root"
    for kind, source in SOURCES.items():
        salts = {leaf.subject_id: leaf for leaf in leaves if leaf.kind == kind}
        rows = source.rows().join(SealLeaf, (SealLeaf.subject_id == source.id_column) & (SealLeaf.kind == kind))
        for row in session.execute(rows.where(SealLeaf.seal_number == seal.number)):
            leaf = salts.pop(row[0])
            if leaf_hash(leaf_bytes(source, row, leaf.salt)).hex() != leaf.hash:
                yield f"{kind} {row[0]} was changed"
        for gone in salts:
            yield f"{kind} {gone} was removed"


def _log_faults(session: Session, log: dict[str, Any] | None, log_last: int) -> Iterator[str]:
    if log is None:
        return
    if log["first"] != log_last + 1 or log["count"] != log["last"] - log["first"] + 1:
        yield "its part of the log does not follow the part before"
    if session.scalar(select(EventLink.hash).where(EventLink.sequence == log["last"])) != log["head"]:
        yield "the log does not have the head it names"
    try:
        hashes = [leaf_hash(line) for line in lines(session, log["first"], log["last"])]
    except ChainBroken as error:
        yield str(error)
    else:
        if root(hashes).hex() != log["root"]:
            yield "the log does not have the root it names"
