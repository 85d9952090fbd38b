"""The page as a browser showed it: both visits are told, their images cut to the page, at 300 dots an inch or less."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import reports_world as world
from pypdf import PdfReader
from visits_world import png, visit

from ledger import Ledger
from reports import write_dossier
from reports.clean_pages import ROOM, model, size_of


def test_both_visits_are_shown(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    visit(made, world.T0 + timedelta(hours=1), png(1280, 3000), "a" * 32)
    visit(made, world.T0 + timedelta(hours=30), png(1280, 900), "b" * 32)
    first = write_dossier(sqlite_ledger, made.case_id, tmp_path / "a", actor="x", now=world.NOW)
    assert first.complete
    reader = PdfReader(first.pdf_path)
    said = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert "La page dans un navigateur" in said and "Visite 1" in said and "Visite 2" in said
    assert "la formule est affichée, mot pour mot" in said
    assert sum(len(page.images) for page in reader.pages) >= 3
    again = write_dossier(sqlite_ledger, made.case_id, tmp_path / "b", actor="x", now=world.NOW)
    assert again.zip_path.read_bytes() == first.zip_path.read_bytes()


def test_an_image_too_fine_for_the_page_is_left_in_its_file(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    for hours, profile in ((1, "a"), (30, "b")):
        visit(made, world.T0 + timedelta(hours=hours), png(2600, 100), profile * 32)
    written = write_dossier(sqlite_ledger, made.case_id, tmp_path, actor="x", now=world.NOW)
    assert not any(page.images for page in PdfReader(written.pdf_path).pages)
    assert list(written.path.glob("data/exhibits/clean-*/page.png"))


def test_sizes_and_slices() -> None:
    assert size_of(png(7, 9)) == (7, 9) and size_of(b"GIF89a") == (0, 0)
    assert model(()) == ([], {}) and ROOM > 0
