"""`vigie list`: the ledger's rows as plain objects, streamed in the order they were written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from ledger import Ledger
from ledger.cases import statuses
from ledger.clean_tables import CleanCapture
from ledger.models import Base, Capture, Case, Crawl, Finding, Listing, Passage
from reference.errors import VigieError

KINDS: dict[str, type[Base]] = {
    "crawls": Crawl,
    "captures": Capture,
    "listings": Listing,
    "passages": Passage,
    "findings": Finding,
    "cases": Case,
    "clean_captures": CleanCapture,
}


class UnknownKind(VigieError):
    """There is no such kind of row."""


def rows(ledger: Ledger, what: str) -> Iterator[dict[str, Any]]:
    """Every row of that kind, one dict a row; a case carries its computed status. Raises `UnknownKind`."""
    if what not in KINDS:
        raise UnknownKind(f"{what}: no such kind; there are {', '.join(KINDS)}")
    model = KINDS[what]
    with ledger.session() as session:
        state = {case: str(status) for case, status in statuses(session).items()} if model is Case else {}
        names = [column.key for column in model.__mapper__.column_attrs]
        for row in session.scalars(
            select(model).order_by(model.__mapper__.primary_key[0]).execution_options(yield_per=500)
        ):
            entry = {name: getattr(row, name) for name in names}
            if model is Case:
                entry["status"] = state[entry["id"]]
            yield entry
