"""Count what the ledger holds, in a fixed number of queries whatever its size. It judges nothing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from ledger import Ledger, cases
from ledger.models import Capture, Crawl, Dossier, Finding, Listing, Passage, Verdict


def statistics(ledger: Ledger) -> dict[str, Any]:
    """What `vigie stats` shows.

    `findings` counts the readings of the reader that wrote last, by stance; `cases` counts every status, zero
    included; the rest are plain counts.
    """
    with ledger.session() as session:
        version = session.scalar(select(Finding.version).order_by(Finding.id.desc()).limit(1))
        by_stance = _by(session, Finding.stance, Finding.version == version) if version else {}
        states = dict.fromkeys((str(status) for status in cases.CaseStatus), 0)
        for status in cases.statuses(session).values():
            states[str(status)] += 1
        dossiers = {bool(complete): count for complete, count in _pairs(session, Dossier.complete)}
        totals = session.execute(
            select(*(select(func.count(model.id)).scalar_subquery() for model in (Listing, Passage, Verdict)))
        ).one()
        return {
            "crawls": _by(session, Crawl.kind),
            "captures": _by(session, Capture.outcome),
            "listings": totals[0],
            "passages": totals[1],
            "reader": version or "",
            "findings": by_stance,
            "cases": states,
            "verdicts": totals[2],
            "dossiers": {"complete": dossiers.get(True, 0), "incomplete": dossiers.get(False, 0)},
        }


def _pairs(session: Session, column: Any, *where: ColumnElement[bool]) -> list[tuple[Any, int]]:
    query = select(column, func.count()).where(*where).group_by(column).order_by(column)
    return [(value, count) for value, count in session.execute(query)]


def _by(session: Session, column: Any, *where: ColumnElement[bool]) -> dict[str, int]:
    return {str(value): count for value, count in _pairs(session, column, *where)}
