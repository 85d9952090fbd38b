"""Rows of the ledger in as few words as a test allows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session

from ledger import events, text_key
from ledger.models import Capture, Case, Crawl, Finding, Listing, ListingView, Passage, Reviewer, Verdict

# pytest imports each file by its path: the stranger who checks, and the crashes that `make bench` counts in full.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

NOW = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
Row = TypeVar("Row")


class Rows:
    """Adds rows to one session; days count from 1 March 2026."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.crawl = self.add(Crawl(platform="doctolib", kind="live", started_at=NOW, software="vigie 0.1.0"))

    def add(self, row: Row) -> Row:
        """`row`, with its id."""
        self.session.add(row)
        self.session.flush()
        return row

    def capture(self, day: int = 0) -> Capture:
        at = NOW + timedelta(days=day)
        return self.add(
            Capture(crawl_id=self.crawl.id, url="https://exemple.fr/", captured_at=at, outcome="page", status=200)
        )

    def listing(self, key: str = "ange-gabarit") -> Listing:
        first = self.capture()
        return self.add(Listing(platform="doctolib", key=key, url="https://exemple.fr/", first_capture_id=first.id))

    def view(self, listing: Listing, capture: Capture, name: str, version: str = "1") -> ListingView:
        return self.add(
            ListingView(listing_id=listing.id, capture_id=capture.id, parser_version=version, display_name=name)
        )

    def passage(self, listing: Listing, capture: Capture, text: str, locator: str = "/bio") -> Passage:
        return self.add(
            Passage(
                listing_id=listing.id,
                capture_id=capture.id,
                parser_version="1",
                field="bio",
                locator=locator,
                text=text,
                text_key=text_key(text),
            )
        )

    def case(self, listing: Listing, passage: Passage) -> Case:
        finding = self.add(Finding(passage_id=passage.id, version="r1", created_at=NOW, stance="refusal", flagged=True))
        return self.add(Case(listing_id=listing.id, text_key=passage.text_key, opened_at=NOW, finding_id=finding.id))

    def reviewer(self, login: str) -> Reviewer:
        return self.add(Reviewer(login=login, display_name=login.title(), password_hash="x", created_at=NOW))

    def verdict(self, case: Case, reviewer: Reviewer, decision: str) -> Verdict:
        return self.add(
            Verdict(case_id=case.id, reviewer_id=reviewer.id, decided_at=NOW, decision=decision, reason="r")
        )

    def one_of_each(self) -> None:
        """A chain from crawl to verdict, and an event."""
        listing, capture = self.listing(), self.capture()
        self.view(listing, capture, "Dr Ange Gabarit")
        case = self.case(listing, self.passage(listing, capture, "Pas de CMU"))
        self.verdict(case, self.reviewer("alix"), "confirm")
        events.record(self.session, "case_opened", "case", case.id, "vigie", finding=case.finding_id)


@pytest.fixture
def rows_in() -> Callable[[Session], Rows]:
    """`Rows` for a session."""
    return Rows
