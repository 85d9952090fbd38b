"""Kill `vigie export --case` at many points, and see what stands in the ledger and in the folder that receives it.

As in `benchmarks.crashes`, half of the points are lines of Vigie's code, evenly spread, and half are moments.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from benchmarks.crashes import CrashReport, count_lines, die_during, forget
from crawler.outcomes import Outcome
from crawler.recording import open_crawl, record_capture
from ledger import Ledger, text_key
from ledger.bundle.folder import PARTIAL
from ledger.clean_captures import keep, target_of
from ledger.clean_facts import CODES, Fact, Piece, Taken
from ledger.custody import check_chain
from ledger.models import Case, Event, Finding, Listing, Passage
from ledger.sealing.check import check_seals
from ledger.sealing.seals import make_seals
from ledger.verifying.paths import verify_path
from ledger.warc import Exchange
from monitor.export_commands import Form, export

URL = "https://exemple.fr/praticien"
WORDS = "Pas de CMU au cabinet"


def furnish(home: Path) -> None:
    """A home with one flagged case, two pages that hold its wording, and a clean capture; sealed."""
    with closing(Ledger.open(home)) as ledger:
        with ledger.session() as session:
            crawl = open_crawl(session, "practice_site", "live", "vigie bench").id
            now = datetime.now(UTC)
            passages = []
            listing = None
            for number in range(2):
                body = f"<p>{WORDS}</p><!-- {number} -->".encode()
                page = Exchange(URL, "GET", (), b"", 200, "", (("Content-Type", "text/html"),), body, now)
                kept = record_capture(session, ledger.store, crawl, page, Outcome.PAGE, "")
                if listing is None:
                    listing = Listing(platform="practice_site", key=URL, url=URL, first_capture_id=kept.id)
                    session.add(listing)
                    session.flush()
                passages.append(
                    Passage(listing_id=listing.id, capture_id=kept.id, parser_version="1", field="presentation",
                            locator="/p", text=WORDS, text_key=text_key(WORDS))
                )  # fmt: skip
            session.add_all(passages)
            session.flush()
            finding = Finding(passage_id=passages[0].id, version="1", created_at=now, stance="refusal", flagged=True)
            session.add(finding)
            session.flush()
            session.add(
                Case(listing_id=passages[0].listing_id, text_key=text_key(WORDS), opened_at=now, finding_id=finding.id)
            )
            session.flush()
            target = target_of(session, 1)
        if target is None:
            raise SystemExit("the case has no page")
        keep(ledger, target, _visit(), "vigie")
        make_seals(ledger, "vigie bench")


def _visit() -> Taken:
    facts = tuple(Fact(code, "proved", "vu") for code in CODES)
    at = datetime.now(UTC) - timedelta(seconds=5)
    pieces = (
        Piece("image", "page-01.png", "image/png", b"image"),
        Piece("text", "texte.txt", "text/plain", WORDS.encode()),
    )
    return Taken(URL, URL, at, at + timedelta(seconds=1), "page", "", 200, "a" * 32, "Chrome/1", "vigie bench", facts,
                 pieces=pieces, visible_text=WORDS)  # fmt: skip


def leave(home: Path, out: Path, form: Form = Form.BAG) -> str:
    """The command itself, in this process; what it said, as JSON."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        export(out=out, why="essai", case=1, form=form, who="operator", home=home, json=True)
    return said.getvalue()


def examine(home: Path, out: Path, form: Form) -> tuple[float, list[str]]:
    """What stands after the kill, and whether exporting again works: its seconds, and everything that is wrong."""
    faults = _standing(home, out)
    began = time.perf_counter()
    told = json.loads(leave(home, out, form))
    seconds = time.perf_counter() - began
    if not (Path(told["path"]).exists() and told["captures"] == 2):
        faults.append(f"the next export wrote {told}")
    if left := [path.name for path in out.iterdir() if path.name.startswith(PARTIAL)]:
        faults.append(f"left over after the next export: {left}")
    return seconds, faults + _standing(home, out)


def _standing(home: Path, out: Path) -> list[str]:
    """The ledger and its seals hold; what is visible is whole, and the custody log knows it."""
    faults = []
    with closing(Ledger.open(home)) as ledger:
        if not (chain := check_chain(ledger)).holds:
            faults.append(f"the log does not hold: {chain.faults}")
        faults.extend(check_seals(ledger).faults)
        with ledger.session() as session:
            left = {told["name"] for told in session.scalars(select(Event.detail).where(Event.kind == "exported"))}
    for path in sorted(out.iterdir()) if out.exists() else ():
        if path.name.startswith(PARTIAL):
            continue
        if path.name.removesuffix(".zip") not in left:
            faults.append(f"{path.name} is visible and the log does not know it")
        faults.extend(f"{path.name}: {check.name}" for check in verify_path(path).checks if check.state == "failed")
    return faults


def kill_exports(folder: Path, points: int) -> CrashReport:
    """Kill at so many points, each in a copy of one furnished home; every third export is a WACZ."""
    report = CrashReport()
    template = folder / "template"
    furnish(template)
    for name in ("traced", "timed"):
        shutil.copytree(template, folder / name)
    lines, whole = count_lines(
        *(lambda name=name: _quietly(folder / name, folder / f"{name}-out", Form.BAG) for name in ("traced", "timed"))  # type: ignore[misc]
    )
    chance = random.Random(2)
    for point in range(points):
        home, out = folder / f"{point}", folder / f"{point}-out"
        shutil.copytree(template, home)
        form = Form.WACZ if point % 3 == 2 else Form.BAG
        line = 1 + point * lines // points
        seconds = None if point % 2 == 0 else chance.uniform(0, whole)
        died, _ = die_during(lambda _, home=home, out=out, form=form: _quietly(home, out, form), line, seconds)  # type: ignore[misc]
        report.kills += 1
        report.landed += died
        taken, faults = examine(home, out, form)
        report.recoveries.append(taken)
        report.faults += [f"export, point {point} (line {line}, {seconds} s): {fault}" for fault in faults]
        forget(home)
        forget(out)
    return report


def _quietly(home: Path, out: Path, form: Form) -> None:
    leave(home, out, form)
