"""Read stored captures again with today's parsers, offline. What an earlier parser said stays beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from crawler.outcomes import Outcome
from crawler.parsers import parser_of, parsers
from crawler.reading import Unreadable
from crawler.recording import record_listing
from ledger import Ledger
from ledger.evidence_tables import CAPTURE, Erasure
from ledger.models import Capture, Crawl
from reference.errors import VigieError

BATCH = 200


@dataclass(frozen=True)
class ReplayReport:
    """Captures read again, rows added, and what could not be read, with the first reasons."""

    captures: int
    passages_added: int
    unreadable: int
    evidence_failures: int
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The report as one object for machines."""
        return asdict(self)


def replay(ledger: Ledger, *, crawl_id: int | None = None, platform: str | None = None) -> ReplayReport:
    """Re-read every stored page, of one run or platform if named. Missing or damaged evidence is counted and told."""
    if platform is not None:
        parser_of(platform)
    query = (
        select(Capture, Crawl.platform)
        .join(Crawl, Crawl.id == Capture.crawl_id)
        .where(Capture.outcome == str(Outcome.PAGE), Capture.warc_sha256.is_not(None))
        .where(~select(Erasure.size).where(Erasure.kind == CAPTURE, Erasure.subject_id == Capture.id).exists())
        .order_by(Capture.id)
    )
    if crawl_id is not None:
        query = query.where(Capture.crawl_id == crawl_id)
    if platform is not None:
        query = query.where(Crawl.platform == platform)
    seen = added = unreadable = failures = 0
    problems: list[str] = []
    after = 0
    while True:
        with ledger.session() as session:
            batch = session.execute(query.where(Capture.id > after).limit(BATCH)).all()
            if not batch:
                break
            for capture, owner in batch:
                after = capture.id
                if owner not in parsers():
                    continue
                seen += 1
                parser = parser_of(owner)
                try:
                    for found in parser.parse(ledger.store.exchange(str(capture.warc_sha256))):
                        added += record_listing(session, found, capture.id, parser.version).passages
                except Unreadable:
                    unreadable += 1
                except VigieError as error:
                    failures += 1
                    problems.append(str(error))
    return ReplayReport(seen, added, unreadable, failures, tuple(problems[:10]))
