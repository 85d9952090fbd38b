"""The leaves: what a seal says of each piece of evidence (`docs/evidence-format.md`, section 3). It seals nothing.

A kind of evidence is one `Source`: adding one to `SOURCES` has its rows sealed, checked for fixity and erased as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, null, select

from ledger.canonical import canonical_bytes, canonical_text, sha256_hex, utc_text
from ledger.clean_tables import CleanCapture, CleanCaptureFile
from ledger.evidence_tables import CAPTURE, CLEAN_CAPTURE, SealLeaf
from ledger.models import Capture
from ledger.store import PIECE

LEAF_FORMAT = "vigie-leaf/1"
LONGEST_URL = 255  # characters as JSON writes it; a longer address stands by its hash: a proof stays under 2,000 bytes
Facts = Mapping[str, Any]
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Source:
    """One kind of evidence. `rows` selects its id, its crawl's id or NULL, and what `facts` needs of a row."""

    kind: str
    rows: Callable[[], Rows]
    id_column: Any
    run_column: Any  # None: it belongs to no crawl
    facts: Callable[[Any], Facts]
    addresses: Callable[[], Rows]  # (id, SHA-256 in the evidence store, size), in the order of ids
    suffix: str = ".warc.gz"


def url_facts(url: str) -> Facts:
    """The address, or its hash when it is long."""
    if len(canonical_text(url)) - 2 <= LONGEST_URL:
        return {"url": url}
    return {"url_sha256": sha256_hex(url.encode("utf-8", "surrogatepass"))}


def _capture_facts(row: Any) -> Facts:
    return {
        "body_sha256": row.body_sha256,
        "body_size": row.body_size,
        "captured_at": utc_text(row.captured_at),
        "method": row.method,
        "outcome": row.outcome,
        "provenance": row.provenance,
        "revisit_of": row.revisit_of_id,
        "run": row.crawl_id,
        "status": row.status,
        "warc_sha256": row.warc_sha256,
        "warc_size": row.warc_size,
        **url_facts(row.url),
    }


def _capture_rows() -> Rows:
    return select(
        Capture.id,
        Capture.crawl_id,
        Capture.url,
        Capture.method,
        Capture.captured_at,
        Capture.status,
        Capture.outcome,
        Capture.body_sha256,
        Capture.body_size,
        Capture.warc_sha256,
        Capture.warc_size,
        Capture.revisit_of_id,
        Capture.provenance,
    )


def _capture_addresses() -> Rows:
    stored = select(Capture.id, Capture.warc_sha256, Capture.warc_size).where(Capture.warc_sha256.is_not(None))
    return stored.order_by(Capture.id)


def _clean_facts(row: Any) -> Facts:
    return {"captured_at": utc_text(row.captured_at), "facts_sha256": row.facts_sha256, **url_facts(row.url)}


def _clean_rows() -> Rows:
    return select(
        CleanCapture.id, null().label("crawl_id"), CleanCapture.url, CleanCapture.captured_at, CleanCapture.facts_sha256
    )


def _clean_addresses() -> Rows:
    stored = select(CleanCapture.id, CleanCaptureFile.sha256, CleanCaptureFile.size)
    files = stored.join(CleanCaptureFile, CleanCaptureFile.clean_capture_id == CleanCapture.id)
    return files.order_by(CleanCapture.id, CleanCaptureFile.position)


SOURCES: dict[str, Source] = {
    CAPTURE: Source(CAPTURE, _capture_rows, Capture.id, Capture.crawl_id, _capture_facts, _capture_addresses),
    CLEAN_CAPTURE: Source(
        CLEAN_CAPTURE, _clean_rows, CleanCapture.id, None, _clean_facts, _clean_addresses, suffix=PIECE
    ),
}


def leaf_bytes(source: Source, row: Any, salt: str) -> bytes:
    """The canonical bytes of one leaf."""
    return canonical_bytes(leaf_value(source, row, salt))


def leaf_value(source: Source, row: Any, salt: str) -> dict[str, Any]:
    """One leaf as the object that a proof shows."""
    return {"format": LEAF_FORMAT, "kind": source.kind, "id": row[0], "salt": salt, **source.facts(row)}


def unsealed(source: Source) -> Rows:
    """The rows of this kind that stand in no seal yet, in the order of their numbers."""
    sealed = select(SealLeaf.position).where(SealLeaf.subject_id == source.id_column, SealLeaf.kind == source.kind)
    return source.rows().where(~sealed.exists()).order_by(source.id_column)
