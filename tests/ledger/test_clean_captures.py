"""Clean captures in the ledger, on both databases: insert-only rows, intact files, seals, fixity, erasure, proof."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from ledger import EvidenceDamaged, EvidenceMissing, Ledger, fixity
from ledger.clean_captures import (
    Target,
    clean_capture,
    clean_captures_of,
    files_of,
    images_of,
    keep,
    proof_of_case,
    target_of,
    watched,
)
from ledger.clean_facts import CODES, COMPLETE, INCOMPLETE, Fact, Piece, Taken, facts_json
from ledger.clean_schedule import Why, next_due
from ledger.clean_tables import CLEAN_TABLES, CleanCapture
from ledger.erasure import erase
from ledger.models import Capture, Case, Event
from ledger.sealing.check import check_seals
from ledger.sealing.seals import make_seals
from ledger.store import PIECE
from ledger.wording import Wording

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
WORDS = "Pas de CMU"


def taken(at: datetime = AT, profile: str = "a" * 32, **more: Any) -> Taken:
    facts = tuple(Fact(code, "proved", "vu", {"n": number}) for number, code in enumerate(CODES))
    base = Taken(
        url="https://exemple.fr/",
        final_url="https://exemple.fr/",
        started_at=at,
        ended_at=at + timedelta(seconds=4),
        outcome="page",
        reason="",
        status=200,
        profile=profile,
        browser="Chrome/1",
        software="vigie 0.1.0",
        facts=facts,
        pieces=(
            Piece("image", "page-01.png", "image/png", b"top"),
            Piece("image", "page-02.png", "image/png", b"bottom"),
            Piece("text", "texte.txt", "text/plain; charset=utf-8", WORDS.encode()),
        ),
        visible_text=f"Dr Gabarit\n{WORDS} au cabinet",
    )
    return replace(base, **more)


@pytest.fixture
def target(ledger: Ledger, rows_in: Callable[..., Any]) -> Target:
    """A flagged case and the page to visit for it."""
    with ledger.session() as session:
        rows = rows_in(session)
        listing = rows.listing()
        case = rows.case(listing, rows.passage(listing, rows.capture(), WORDS))
        found = target_of(session, case.id)
    assert found is not None
    return found


def test_a_clean_capture_is_kept_with_its_files_and_events(ledger: Ledger, target: Target) -> None:
    kept = keep(ledger, target, taken(), "operator")
    assert (kept.grade, kept.gaps, kept.wording) == (COMPLETE, (), Wording.STAYED)
    files = files_of(ledger.store, kept)
    assert [file.kind for file, _ in files] == ["facts", "image", "image", "text"]
    assert images_of(ledger.store, kept) == [b"top", b"bottom"]
    facts = json.loads(files[0][1])
    assert [one["number"] for one in facts["facts"]] == [f"N{number}" for number in range(1, 21)]
    assert {one["sha256"] for one in facts["files"]} == {file.sha256 for file, _ in files[1:]}
    with ledger.session() as session:
        assert clean_capture(session, kept.id) == kept
        assert clean_captures_of(session, target.case_id) == [kept]
        kinds = list(session.scalars(select(Event.kind).order_by(Event.id)))
        assert kinds == ["collected", "wording_stayed", "clean_capture_pending"]
        with pytest.raises(EvidenceMissing):
            clean_capture(session, 99)


def test_a_gap_makes_it_incomplete_and_says_so_in_french(ledger: Ledger, target: Target) -> None:
    facts = list(taken().facts)
    facts[12] = Fact("clock", "not established", "aucun serveur de temps n’est configuré")
    kept = keep(ledger, target, taken(facts=tuple(facts), lacks=("le PDF de la page manque",)), "vigie")
    assert kept.grade == INCOMPLETE
    assert kept.gaps == (
        "le PDF de la page manque",
        "N13, écart de l’horloge : aucun serveur de temps n’est configuré",
    )
    told = json.loads(files_of(ledger.store, kept)[0][1])
    assert (told["grade"], told["gaps"]) == ("incomplète", list(kept.gaps))
    assert "pas un constat" in told["notice"]


def test_no_fact_may_be_left_out_or_left_unexplained(ledger: Ledger, target: Target) -> None:
    facts = taken().facts
    for wrong in (facts[:-1], (*facts[:-1], Fact("end", "proved", " ")), (*facts[:-1], Fact("end", "perhaps", "vu"))):
        with pytest.raises(ValueError, match="fact"):
            keep(ledger, target, taken(facts=wrong), "vigie")
    with ledger.session() as session:
        assert clean_captures_of(session, target.case_id) == []


def test_rows_of_clean_captures_are_insert_only(ledger: Ledger, target: Target) -> None:
    keep(ledger, target, taken(), "vigie")
    for table, column in zip(CLEAN_TABLES, ("url", "name"), strict=True):
        for statement in (f"UPDATE {table} SET {column} = ''", f"DELETE FROM {table}"):
            with pytest.raises(IntegrityError, match="insert-only"), ledger.engine.begin() as connection:
                connection.execute(text(statement))


def test_the_second_visit_makes_the_proof_present(ledger: Ledger, target: Target) -> None:
    keep(ledger, target, taken(), "vigie")
    with ledger.session() as session:
        assert proof_of_case(session, target.case_id).state == "pending"
        following = next_due(watched(session, [target.case_id])[0])
    assert following is not None
    assert following.why is Why.SECOND
    later = taken(following.since, profile="b" * 32, visible_text="Dr Gabarit reçoit tout le monde")
    assert keep(ledger, target, later, "vigie").wording is Wording.WITHDRAWN  # the first visit had shown it
    with ledger.session() as session:
        assert proof_of_case(session, target.case_id).state == "present"
        last = session.scalars(select(Event).order_by(Event.id.desc()).limit(2)).all()
    assert [one.kind for one in last] == ["clean_capture_present", "wording_withdrawn"]


@pytest.mark.parametrize(
    ("outcome", "wording"),
    [("timed_out", Wording.UNKNOWN), ("blocked", Wording.UNKNOWN), ("not_found", Wording.NOT_SHOWN)],
)
def test_a_page_not_had_says_nothing_of_the_wording(
    ledger: Ledger, target: Target, outcome: str, wording: Wording
) -> None:
    kept = keep(ledger, target, taken(outcome=outcome, pieces=(), lacks=("la page manque",)), "vigie")
    assert (kept.wording, kept.grade) == (wording, INCOMPLETE)


def test_no_alteration_of_a_file_is_passed_over(ledger: Ledger, target: Target) -> None:
    kept = keep(ledger, target, taken(), "vigie")
    path = ledger.store.path(kept.files[1].sha256, PIECE)
    path.chmod(0o644)
    path.write_bytes(b"other")
    with pytest.raises(EvidenceDamaged):
        images_of(ledger.store, kept)
    damages = fixity.examine(ledger).damages
    assert [(one.kind, one.number) for one in damages] == [("clean_capture", kept.id)]


def test_clean_captures_are_sealed_and_erased_like_captures(ledger: Ledger, target: Target) -> None:
    kept = keep(ledger, target, taken(), "vigie")
    with ledger.session() as session:
        rows = session.execute(text("SELECT count(*) FROM capture")).scalar_one()
    made = make_seals(ledger, "vigie 0.1.0")
    assert sum(seal.count for seal in made) == rows + 1
    assert not check_seals(ledger).faults
    report = erase(ledger, [kept.id], reason="effacement demandé", actor="operator", kind="clean_capture")
    assert (report.erased, report.files) == (1, len(kept.files))
    assert not check_seals(ledger).faults
    with pytest.raises(EvidenceMissing):
        images_of(ledger.store, kept)
    with ledger.session() as session:
        assert session.scalars(select(CleanCapture.facts_sha256)).one() == kept.facts_sha256


def test_the_page_to_visit_is_the_one_people_read(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    with ledger.session() as session:
        rows = rows_in(session)
        listing = rows.listing()
        case: Case = rows.case(listing, rows.passage(listing, rows.capture(1), WORDS))
        of_data = target_of(session, case.id)
        assert of_data is not None
        assert (of_data.url, of_data.seen) == (listing.url, False)  # only collected from an answer that is no page
        page = Capture(
            crawl_id=rows.crawl.id,
            url="https://exemple.fr/honoraires",
            captured_at=AT,
            outcome="page",
            status=200,
            content_type="text/html",
        )
        rows.passage(listing, rows.add(page), WORDS)
        of_page = target_of(session, case.id)
        assert of_page is not None
        assert (of_page.url, of_page.seen) == (page.url, True)
        assert target_of(session, 99) is None


def test_the_same_visit_gives_the_same_facts_file() -> None:
    assert facts_json(taken()) == facts_json(taken())
