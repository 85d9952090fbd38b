"""Inclusion proofs: that one capture, or one event, stands under a seal, without a word about its neighbours."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.custody import lines
from ledger.errors import ChainBroken, Unsealed
from ledger.evidence_tables import CAPTURE, EventLink, Seal, SealLeaf
from ledger.sealing.leaves import SOURCES, leaf_bytes, leaf_value
from ledger.sealing.merkle import leaf_hash, paths

PROOF_FORMAT = "vigie-inclusion/1"
Proof = dict[str, Any]  # docs/evidence-format.md, section 6; its canonical bytes are the file


def evidence_proofs(session: Session, ids: Iterable[int], kind: str = CAPTURE) -> dict[int, Proof]:
    """The proof of each of these captures, by number. Raises `Unsealed`, or `ChainBroken` when a row has changed."""
    wanted = sorted(set(ids))
    by_seal: dict[int, list[SealLeaf]] = defaultdict(list)
    for leaf in session.scalars(select(SealLeaf).where(SealLeaf.kind == kind, SealLeaf.subject_id.in_(wanted))):
        by_seal[leaf.seal_number].append(leaf)
    missing = set(wanted) - {leaf.subject_id for leaves in by_seal.values() for leaf in leaves}
    if missing:
        raise Unsealed(f"{kind} {min(missing)} stands in no seal yet: run vigie seal")
    proofs = {}
    for number, leaves in by_seal.items():
        proofs.update(_under_one_seal(session, session.get_one(Seal, number), leaves))
    return proofs


def _under_one_seal(session: Session, seal: Seal, leaves: Sequence[SealLeaf]) -> dict[int, Proof]:
    query = select(SealLeaf.hash).where(SealLeaf.seal_number == seal.number).order_by(SealLeaf.position)
    hashes = [bytes.fromhex(text) for text in session.scalars(query)]
    found = {}
    for leaf, path in zip(leaves, paths(hashes, [leaf.position for leaf in leaves]), strict=True):
        found[leaf.subject_id] = _proof(seal, "captures", _leaf_value(session, leaf), leaf.position, len(hashes), path)
    return found


def _leaf_value(session: Session, leaf: SealLeaf) -> dict[str, Any]:
    """The leaf made again from its row, which must still have the hash that was sealed."""
    source = SOURCES[leaf.kind]
    row = session.execute(source.rows().where(source.id_column == leaf.subject_id)).first()
    if row is None or leaf_hash(leaf_bytes(source, row, leaf.salt)).hex() != leaf.hash:
        raise ChainBroken(f"{leaf.kind} {leaf.subject_id} is not what seal {leaf.seal_number} says")
    return leaf_value(source, row, leaf.salt)


def event_proofs(session: Session, event_ids: Iterable[int]) -> dict[int, Proof]:
    """The proof of each of these events, by the event's number. Raises `Unsealed` or `ChainBroken`."""
    query = select(EventLink.sequence, EventLink.event_id).where(EventLink.event_id.in_(sorted(set(event_ids))))
    waiting = {row[0]: row[1] for row in session.execute(query.order_by(EventLink.sequence))}
    proofs: dict[int, Proof] = {}
    while waiting:
        first = min(waiting)
        sealed = select(Seal).where(Seal.log_last >= first).order_by(Seal.number).limit(1)
        seal = session.scalars(sealed).first()
        if seal is None:
            raise Unsealed(f"event {waiting[first]} stands in no seal yet: run vigie seal")
        log = json.loads(seal.content)["log"]
        under = [sequence for sequence in waiting if log["first"] <= sequence <= log["last"]]
        written = list(lines(session, log["first"], log["last"]))
        places = [sequence - log["first"] for sequence in under]
        hashes = [leaf_hash(line) for line in written]
        for sequence, place, path in zip(under, places, paths(hashes, places), strict=True):
            value = json.loads(written[place])
            proofs[waiting.pop(sequence)] = _proof(seal, "log", value, place, len(written), path)
    return proofs


def _proof(seal: Seal, tree: str, leaf: dict[str, Any], index: int, count: int, path: Sequence[bytes]) -> Proof:
    return {
        "count": count,
        "format": PROOF_FORMAT,
        "index": index,
        "leaf": leaf,
        "path": b"".join(path).hex(),
        "seal": seal.number,
        "seal_sha256": seal.sha256,
        "tree": tree,
    }
