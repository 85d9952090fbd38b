"""The pages of a listing are read together, and each state of the register gives one answer, written once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from identity import load_extraction
from identity.generator import Extra, Place, World, write_extraction
from identity.generator.people import with_key
from identity.registry import FOLDER
from ledger import Ledger, text_key
from ledger.identities import IdentityMatch
from ledger.models import Capture, Case, Crawl, Finding, Identification, Listing, ListingView, Passage
from monitor.identifying import identify, merged_views
from monitor.naming import lookup_of

NUMBER = with_key("9800000077")
PLACE = Place("12", "", "R", "Rue", "de la Gare", "59000", "Lille", "", "")
YSALINE = Extra(NUMBER, "Ysaline", "QUERVAUX", "10", "Médecin", "Ophtalmologie", PLACE)
NOW = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
Views = list[tuple[str, int, dict[str, object]]]  # page, day, what it shows


@pytest.fixture(scope="module")
def extraction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register that knows Ysaline Quervaux."""
    folder = tmp_path_factory.mktemp("files")
    return write_extraction(folder, World(seed=3, persons=1_500), date(2026, 2, 1), extras=[YSALINE])


@pytest.fixture
def open_ledger(sqlite_ledger: Ledger) -> Iterator[Ledger]:
    """One ledger is enough: nothing here depends on the database."""
    yield sqlite_ledger


def fill(ledger: Ledger, views: Views) -> int:
    """A listing with a case, seen on several pages; returns its id."""
    with ledger.session() as session:
        crawl = Crawl(platform="practice_site", kind="live", started_at=NOW, software="vigie")
        session.add(crawl)
        session.flush()
        captures = [
            Capture(
                crawl_id=crawl.id,
                url=f"https://exemple.fr/{page}",
                captured_at=NOW + timedelta(days=day),
                outcome="page",
            )
            for page, day, _ in views
        ]
        session.add_all(captures)
        session.flush()
        listing = Listing(
            platform="practice_site", key="exemple.fr", url="https://exemple.fr/", first_capture_id=captures[0].id
        )
        session.add(listing)
        session.flush()
        for capture, (_, _, facts) in zip(captures, views, strict=True):
            session.add(ListingView(listing_id=listing.id, capture_id=capture.id, parser_version="1", **facts))
        passage = Passage(
            listing_id=listing.id, capture_id=captures[0].id, parser_version="1", field="faq", locator="/", text="x",
            text_key=text_key("x"),
        )  # fmt: skip
        session.add(passage)
        session.flush()
        finding = Finding(passage_id=passage.id, version="1", created_at=NOW, stance="refusal", flagged=True)
        session.add(finding)
        session.flush()
        session.add(Case(listing_id=listing.id, text_key=passage.text_key, opened_at=NOW, finding_id=finding.id))
        return listing.id


HOME = {"display_name": "Dr Ysaline Quervaux", "profession": "ophtalmologue"}
LEGAL = {"display_name": "Ysaline QUERVAUX", "rpps": NUMBER, "street": "12 rue de la Gare", "postcode": "59000"}


def test_the_pages_of_a_site_are_read_together(open_ledger: Ledger) -> None:
    listing = fill(open_ledger, [("", 0, HOME), ("mentions", 0, LEGAL), ("", -9, {**HOME, "profession": "dentiste"})])
    with open_ledger.session() as session:
        (merged,) = merged_views(session, [listing])
        assert (merged.shown.profession, merged.shown.rpps, merged.shown.postcode) == ("ophtalmologue", NUMBER, "59000")
        assert merged.shown.captured_on == date(2026, 3, 2)  # in Paris
        assert len(set(merged.sources.values())) == 2


def test_a_page_about_somebody_else_makes_two_people(open_ledger: Ledger) -> None:
    fill(open_ledger, [("", 1, HOME), ("equipe", 0, {**LEGAL, "display_name": "Dr Oscar Vélin"})])
    identify(open_ledger)
    with open_ledger.session() as session:
        answer = session.scalars(select(Identification)).one()
        assert (answer.status, answer.rpps) == ("ambiguous", "")
        assert "plusieurs personnes" in answer.reasons[0]


def test_a_page_about_the_house_is_left_aside(open_ledger: Ledger) -> None:
    listing = fill(open_ledger, [("", 1, HOME), ("acces", 0, {**LEGAL, "display_name": "Cabinet médical du Lac"})])
    with open_ledger.session() as session:
        shown = merged_views(session, [listing])[0].shown
        assert (shown.display_name, shown.rpps) == (HOME["display_name"], "")


def test_two_numbers_are_no_number(open_ledger: Ledger) -> None:
    fill(open_ledger, [("", 0, {**HOME, "rpps": with_key("9800000088")}), ("mentions", 0, LEGAL)])
    identify(open_ledger)
    with open_ledger.session() as session:
        answer = session.scalars(select(Identification)).one()
        assert (answer.status, answer.rpps) == ("none", "")


def test_the_register_answers_once_for_each_state(open_ledger: Ledger, extraction: Path) -> None:
    fill(open_ledger, [("", 0, HOME), ("mentions", 0, {**LEGAL, "rpps": ""})])
    assert identify(open_ledger) == 1
    assert identify(open_ledger) == 0
    load_extraction(extraction, open_ledger.home / FOLDER)
    assert identify(open_ledger) == 1
    assert identify(open_ledger) == 0
    with open_ledger.session() as session:
        alone, registered = session.scalars(select(Identification).order_by(Identification.id))
        assert (alone.status, registered.status, registered.rpps) == ("none", "linked", NUMBER)
        assert registered.version.endswith("+2026-02-01")
        kept = session.scalars(select(IdentityMatch).where(IdentityMatch.identification_id == registered.id)).one()
        assert (kept.registry_date, kept.shown["postcode"]) == ("2026-02-01", "59000")
        assert kept.score > 11


def test_the_desk_sees_the_register_beside_the_pages(open_ledger: Ledger, extraction: Path) -> None:
    listing = fill(open_ledger, [("", 0, HOME), ("mentions", 0, {**LEGAL, "rpps": ""})])
    look_up = lookup_of(open_ledger.home)
    with open_ledger.session() as session:
        without = look_up(session, listing)
        assert without is not None and (without.registry_date, without.candidates) == ("", ())
        assert without.shown[:2] == (("Nom affiché", LEGAL["display_name"]), ("Profession", "Ophtalmologue"))
        assert without.shown[-1] == ("Adresse de la page", "https://exemple.fr/")
        load_extraction(extraction, open_ledger.home / FOLDER)
        screen = look_up(session, listing)  # the register loaded meanwhile
        assert screen is not None and (screen.captured_on, screen.registry_date) == ("2026-03-02", "2026-02-01")
        first = screen.candidates[0]
        assert (first.rpps, first.name) == (NUMBER, "QUERVAUX Ysaline")
        fields = {one.field: (one.shown, one.agreement) for one in first.fields}
        assert fields["Nom"] == (LEGAL["display_name"], "concorde")
        assert fields["Lieu"] == ("12 rue de la Gare, 59000", "concorde")
        assert look_up(session, listing + 1) is None
