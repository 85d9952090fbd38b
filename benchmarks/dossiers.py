"""Dossiers by the thousand: refused or whole, nothing in them that may not leave, and the time of twenty exhibits.

`python -m benchmarks.dossiers [CASES] [EXPORTS]`: random cases first (default 1000), then exports with canaries
(default 10000; a PDF is made for one in a hundred, the texts and facts of all are searched).
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/reports"))

import reports_world as world
from pypdf import PdfReader
from sqlalchemy import update

from ledger import Ledger
from ledger.models import Reviewer
from reference import load_reference
from reports import DossierRefused, write_dossier
from reports.assembly import assemble
from reports.custody import custody_lines
from reports.exhibits import Exhibit
from reports.facts import Contents, facts
from reports.lint import NAMES
from reports.model import page_model
from reports.package import said

CANARY = "Canari-Interdit"
SHARES = os.cpu_count() or 1  # processes; a case is drawn from its number, so their count changes no figure


def random_world(rng: random.Random, folder: Path, template: bytes) -> world.World:
    """A case that may be whole or lack something."""
    folder.mkdir()
    (folder / "ledger.sqlite").write_bytes(template)
    ledger = Ledger.open(folder)
    reference = load_reference()
    profession = rng.choice([*reference.professions, "inconnue"])
    return world.build(
        ledger,
        verdicts=rng.choice([("confirm",) * 2, ("confirm", "dismiss", "confirm"), ("confirm",), ("dismiss",) * 2]),
        status=rng.choice(["linked"] * 4 + ["none", "ambiguous", "organisation"]),
        profession=profession,
        postcode=rng.choice(["69003", "75011", "20000", "97400", "", "00000"]),
        others=[f"Dr {CANARY}-confrere"] if rng.random() < 0.5 else (),
        provenance=rng.choice(["live", "live", "import:page.html"]),
        at=world.T0 - timedelta(days=rng.randrange(2500)),
        benefits=rng.choice([("C2S",), ("AME",), ("C2S", "AME"), ("ACS",)]),
    )


def random_cases(count: int, shares: ProcessPoolExecutor) -> None:
    """Every case is written whole, or refused with what is missing."""
    with tempfile.TemporaryDirectory() as folder:
        Ledger.open(Path(folder)).close()
        template = (Path(folder) / "ledger.sqlite").read_bytes()  # migrated once
    parts = shares.map(_some_cases, [range(count)[share::SHARES] for share in range(SHARES)], [template] * SHARES)
    written, refused, bad = (sum(figures) for figures in zip(*parts, strict=True))
    print(f"{count} random cases, {len(NAMES)} named checks: {written} whole, {refused} refused, {bad} neither")


def _some_cases(numbers: range, template: bytes) -> tuple[int, int, int]:
    """(whole, refused, neither) of these cases; each is drawn from its own number."""
    written, refused, bad = 0, 0, 0
    for number in numbers:
        with tempfile.TemporaryDirectory() as folder:
            made = random_world(random.Random(number), Path(folder) / "home", template)
            try:
                found = write_dossier(made.ledger, made.case_id, Path(folder) / "out", actor="x", now=world.NOW)
                written += 1
                bad += bool(found.gaps) or not found.complete
            except DossierRefused as error:
                refused += 1
                bad += not error.gaps
            made.ledger.close()
    return written, refused, bad


def exports(count: int, shares: ProcessPoolExecutor) -> None:
    """Canaries in names, logins, other listings and reviews: how many are told."""
    told = sum(shares.map(_some_exports, [range(count)[share::SHARES] for share in range(SHARES)]))
    print(f"{count} exports: {told} forbidden strings")


def _some_exports(numbers: range) -> int:
    """How many of these exports tell a canary; a PDF is made for one in a hundred."""
    told, reference = 0, load_reference()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "home")
        made = world.build(ledger, others=[f"Dr {CANARY}", f"signé {CANARY}"])
        for number in numbers:
            with ledger.session() as session:
                names = {"login": f"{CANARY}{number % 7}", "display_name": f"{CANARY} {number}"}
                session.execute(update(Reviewer).where(Reviewer.id == 1).values(**names))
            if number % 100 == 0:
                out = Path(folder) / f"out{number}"
                one = write_dossier(ledger, made.case_id, out, actor=CANARY, now=world.NOW + timedelta(days=number))
                text = " ".join(page.extract_text() for page in PdfReader(one.pdf_path).pages)
            else:
                text = _told(ledger, made.case_id, reference, random.Random(number))
            told += CANARY in text
        ledger.close()
    return told


def _told(ledger: Ledger, case_id: int, reference: Any, rng: random.Random) -> str:
    """What a dossier would say, without its PDF."""
    assembly = assemble(ledger, case_id, reference)
    exhibits = tuple(Exhibit(one.number, one.captures, ()) for one in assembly.planned)
    lines = custody_lines(ledger, [one.id for one in assembly.captures], [case_id])
    at = world.NOW + timedelta(seconds=rng.randrange(10**6))
    contents = Contents("VIGIE-2026-ESSAI", at, "vigie", assembly, exhibits, {}, lines, ())
    return said(page_model(contents, reference)) + facts(contents).decode()


def twenty_exhibits() -> None:
    """One dossier of twenty different pages."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "home")
        made = world.build(ledger)
        for number in range(1, 20):
            page = world.page([world.WORDING, f"Fermé le {number}. " * 2000])
            again = world.capture(ledger, world.exchange(page, world.T0 + timedelta(days=number)))
            world.passage(ledger, made.listing_id, again, world.WORDING, trigger=world.TRIGGER)
        began = time.monotonic()
        write_dossier(ledger, made.case_id, Path(folder) / "out", actor="x", now=world.NOW)
        print(f"dossier of 20 exhibits: {time.monotonic() - began:.1f} s")
        ledger.close()


def main(cases: int = 1000, canaries: int = 10_000) -> None:
    """Everything, with its figures."""
    twenty_exhibits()
    with ProcessPoolExecutor(SHARES) as shares:
        random_cases(cases, shares)
        exports(canaries, shares)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
