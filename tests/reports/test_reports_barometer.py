"""The counts are those of the listings, small groups stay untold, and nobody is named."""

from __future__ import annotations

import csv
import io
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import reports_world as world
from pypdf import PdfReader
from sqlalchemy import insert
from survey_world import PLAN, fill

from ledger import Ledger
from ledger.models import Capture, Case, Finding, ListingView, Reviewer, Verdict
from reference import load_reference
from reports.barometer import COLUMNS, as_parquet, rows, tiles, write_barometer
from reports.intervals import ReaderError, reader_error, rogan_gladen, wilson
from reports.survey import CONFIRMED, FLAGGED, Survey, survey

REFERENCE = load_reference()
SURE = ReaderError(1.0, 10_000, 1.0, 10_000, "essai")
ROOT = Path(__file__).parents[2]


def shares(found: Survey, dimension: str, stance: str = FLAGGED) -> dict[str, tuple[int, int] | None]:
    return {
        group.code: None
        if group.withheld
        else (group.listings, next(one.count for one in group.measures if one.stance == stance))
        for group in found.of(dimension)
    }


def test_the_counts_are_those_of_the_listings(ledger: Ledger) -> None:
    fill(ledger, PLAN)
    found = survey(ledger, REFERENCE, SURE)
    assert shares(found, "all") == {"all": (125, 32)} and shares(found, "all", "acceptance") == {"all": (125, 8)}
    assert shares(found, "benefit") == {"C2S": (40, 32)}
    assert shares(found, "platform") == {"doctolib": (95, 2), "practice_site": (30, 30)}
    assert shares(found, "profession") == {
        "chirurgien_dentiste": (50, 2),
        "medecin_generaliste": (60, 30),
        "unknown": (15, 0),
    }
    assert shares(found, "month") == {"2026-03": (50, 2), "2026-04": (75, 30)}
    assert found.first == datetime(2026, 3, 5, 12, tzinfo=UTC) and found.reader == "r1"


def test_a_small_group_is_withheld_and_cannot_be_deduced(sqlite_ledger: Ledger) -> None:
    fill(sqlite_ledger, PLAN)
    found = survey(sqlite_ledger, REFERENCE, SURE)
    # 10 listings in the Ain are too few, and the smallest other group goes with them, else a subtraction tells them.
    assert shares(found, "department") == {"01": None, "69": (50, 2), "75": (50, 20), "unknown": None}
    for row in rows(found):
        if row[1] == "01":
            assert row[3] is True and set(row[4:]) == {None}


def test_eleven_are_told_and_ten_are_not(sqlite_ledger: Ledger) -> None:
    fill(
        sqlite_ledger,
        [
            ("doctolib", "", "69003", 3, 11, "none"),
            ("doctolib", "", "01000", 3, 10, "none"),
            ("doctolib", "", "02000", 3, 9, "none"),
        ],
    )
    assert shares(survey(sqlite_ledger, REFERENCE, SURE), "department") == {"69": (11, 0), "01": None, "02": None}


def test_months_changes_and_unchanged_visits(sqlite_ledger: Ledger) -> None:
    fill(sqlite_ledger, [("doctolib", "", "69003", 3, 12, "refusal")])
    with sqlite_ledger.session() as session:
        for number in range(1, 13):
            at = datetime(2026, 4, 2, tzinfo=UTC)
            same = number > 3  # the first three change their page, the others are found unchanged
            capture = Capture(
                crawl_id=1,
                url="u",
                captured_at=at,
                outcome="page",
                status=304 if same else 200,
                revisit_of_id=number if same else None,
            )
            session.add(capture)
            session.flush()
            if not same:
                session.add(ListingView(listing_id=number, capture_id=capture.id, parser_version="1", postcode="69003"))
    found = survey(sqlite_ledger, REFERENCE, SURE)
    assert shares(found, "month") == {"2026-03": (12, 12), "2026-04": (12, 9)}
    assert [(one.month, one.seen, one.came, one.gone) for one in found.changes] == [("2026-04", 12, 0, 3)]


def test_an_older_reader_is_not_mixed_in(sqlite_ledger: Ledger) -> None:
    fill(sqlite_ledger, [("doctolib", "", "69003", 3, 12, "refusal")])
    with sqlite_ledger.session() as session:
        session.execute(
            insert(Finding),
            [
                {"passage_id": n, "version": "r2", "created_at": world.T0, "stance": "none", "flagged": False}
                for n in range(1, 13)
            ],
        )
    found = survey(sqlite_ledger, REFERENCE, SURE)
    assert found.reader == "r2" and shares(found, "all") == {"all": (12, 0)}


def test_what_people_confirmed_is_counted_apart(sqlite_ledger: Ledger) -> None:
    fill(sqlite_ledger, [("doctolib", "", "69003", 3, 20, "refusal")])
    with sqlite_ledger.session() as session:
        for number in (1, 2, 3):
            session.add(
                Reviewer(id=number, login=str(number), display_name="x", password_hash="x", created_at=world.T0)
            )
            session.add(Case(id=number, listing_id=number, text_key=str(number), opened_at=world.T0, finding_id=number))
        session.flush()
        for case, person in ((1, 1), (1, 2), (2, 1)):
            session.add(Verdict(case_id=case, reviewer_id=person, decided_at=world.T0, decision="confirm", reason="r"))
    found = survey(sqlite_ledger, REFERENCE, SURE)
    assert shares(found, "all", CONFIRMED) == {"all": (20, 1)}
    assert (found.cases["confirmed"], found.cases["second"], found.cases["open"]) == (1, 1, 1)


def test_the_files_agree_and_name_nobody(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    fill(sqlite_ledger, PLAN)
    found = survey(sqlite_ledger, REFERENCE, reader_error())
    written = write_barometer(found, REFERENCE, tmp_path / "out", world.NOW)
    table = list(csv.DictReader(io.StringIO(written.csv_path.read_text(encoding="utf-8"), newline="")))
    with duckdb.connect() as base:
        parquet = base.execute("SELECT * FROM read_parquet(?)", [str(written.parquet_path)]).fetchall()
    assert (
        parquet == list(rows(found)) and len(table) == len(parquet) and list(table[0]) == [name for name, _ in COLUMNS]
    )
    reader = PdfReader(written.pdf_path)
    said = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert "borne inférieure" in said and "non un taux de discrimination" in said and "125 fiches" in said
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1<" in metadata and "<pdfaid:conformance>A<" in metadata
    for path in (tmp_path / "out").iterdir():
        assert b"Nomm" not in path.read_bytes() or path.suffix == ".pdf"
    assert "Personne-Nommée" not in said
    again = write_barometer(found, REFERENCE, tmp_path / "again", world.NOW)
    assert again.pdf_path.read_bytes() == written.pdf_path.read_bytes()


def test_an_empty_ledger_gives_an_empty_barometer(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    found = survey(sqlite_ledger, REFERENCE, reader_error())
    written = write_barometer(found, REFERENCE, tmp_path, world.NOW)
    assert found.groups == () and as_parquet([])[:4] == b"PAR1"
    assert "Trop peu de fiches" in PdfReader(written.pdf_path).pages[0].extract_text()


def test_each_department_has_its_tile() -> None:
    held = tiles()
    assert set(held) == {code for code, one in REFERENCE.departments.items() if one.kind == "department"}
    assert len(set(held.values())) == 101


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 100, 0.0018, 0.0545),
        (15, 148, 0.0624, 0.1605),
    ],
)
def test_wilson(count: int, total: int, low: float, high: float) -> None:
    found = wilson(count, total)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_the_correction_gives_back_the_truth_and_its_interval_covers_it() -> None:
    error = ReaderError(0.9, 1000, 0.98, 3000, "essai")
    assert rogan_gladen(1072, 10_000, error).value == pytest.approx(0.0992, abs=1e-3)
    assert rogan_gladen(0, 50, error).value == 0.0
    rng, truth, covered = random.Random(7), 0.08, 0
    for _ in range(300):
        shown = sum(
            rng.random() < (error.sensitivity if rng.random() < truth else 1 - error.specificity) for _ in range(800)
        )
        measured = ReaderError(
            sum(rng.random() < error.sensitivity for _ in range(1000)) / 1000,
            1000,
            sum(rng.random() < error.specificity for _ in range(3000)) / 3000,
            3000,
            "essai",
        )
        share = rogan_gladen(shown, 800, measured)
        covered += share.low <= truth <= share.high
    assert covered >= 0.92 * 300


def test_no_share_of_nothing() -> None:
    for count, total in ((0, 0), (2, 1), (-1, 5)):
        with pytest.raises(ValueError, match="no share"):
            wilson(count, total)
    with pytest.raises(ValueError, match="chance"):
        rogan_gladen(1, 2, ReaderError(0.5, 10, 0.5, 10, "essai"))


def test_the_reader_error_is_that_of_the_model_card() -> None:
    card = (ROOT / "docs/model-card.md").read_text(encoding="utf-8")
    recall = float(re.search(r"\| flag recall \| ([\d.]+)", card)[1])  # type: ignore[index]
    alarms, passages = re.search(r"\| false alarms on (\d+) harmless passages \| ([\d.]+)", card).groups()[::-1]  # type: ignore[union-attr]
    error = reader_error()
    assert error.sensitivity == pytest.approx(recall, abs=0.001)
    assert 1 - error.specificity == pytest.approx(float(alarms) / float(passages), abs=0.001)
