"""Invented listings by the hundred, for figures without names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import insert

from ledger import Ledger, text_key
from ledger.models import Capture, Crawl, Finding, Listing, ListingView, Passage


def fill(ledger: Ledger, plan: Sequence[tuple[str, str, str, int, int, str]]) -> None:
    """Listings as planned: platform, profession, postcode, month of 2026, how many, stance of each (C2S)."""
    tables = {model: [] for model in (Capture, Listing, ListingView, Passage, Finding)}  # type: ignore[var-annotated]
    number = 0
    for platform, profession, postcode, month, count, stance in plan:
        for _ in range(count):
            number += 1
            at = datetime(2026, month, 5, 12, tzinfo=UTC)
            text = f"Texte {number} de Personne-Nommée-{number}"
            tables[Capture].append(
                {
                    "id": number,
                    "crawl_id": 1,
                    "url": f"https://x.fr/{number}",
                    "captured_at": at,
                    "outcome": "page",
                    "status": 200,
                }
            )
            tables[Listing].append(
                {"id": number, "platform": platform, "key": str(number), "url": "u", "first_capture_id": number}
            )
            tables[ListingView].append(
                {
                    "id": number,
                    "listing_id": number,
                    "capture_id": number,
                    "parser_version": "1",
                    "display_name": f"Personne-Nommée-{number}",
                    "profession": profession,
                    "postcode": postcode,
                }
            )
            tables[Passage].append(
                {
                    "id": number,
                    "listing_id": number,
                    "capture_id": number,
                    "parser_version": "1",
                    "field": "payment",
                    "locator": "p",
                    "text": text,
                    "text_key": text_key(text),
                }
            )
            tables[Finding].append(
                {
                    "id": number,
                    "passage_id": number,
                    "version": "r1",
                    "created_at": at,
                    "stance": stance,
                    "flagged": stance in ("refusal", "restriction", "deterrence"),
                    "benefits": [] if stance == "none" else ["C2S"],
                }
            )
    with ledger.session() as session:
        session.add(
            Crawl(id=1, platform="doctolib", kind="live", started_at=datetime(2026, 1, 1, tzinfo=UTC), software="v")
        )
        session.flush()
        for model, held in tables.items():
            session.execute(insert(model), held)


PLAN = [
    ("doctolib", "chirurgien_dentiste", "69003", 3, 40, "none"),
    ("doctolib", "chirurgien_dentiste", "69003", 3, 8, "acceptance"),
    ("doctolib", "chirurgien_dentiste", "69003", 3, 2, "refusal"),
    ("doctolib", "medecin_generaliste", "75011", 4, 30, "none"),
    ("practice_site", "medecin_generaliste", "75011", 4, 20, "restriction"),
    ("practice_site", "medecin_generaliste", "01000", 4, 10, "refusal"),
    ("doctolib", "", "", 4, 15, "none"),
]
