"""`vigie export`: captures leave as a bag or as a WACZ, sealed first, and the custody log says so."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crawler.settings import SOFTWARE
from ledger import Ledger
from ledger.bundle.export import Order, captures_of_case, export_bag, export_wacz
from ledger.bundle.gather import clean_exhibits
from ledger.lock import exclusive
from monitor import console, evidence
from monitor.settings import load_settings
from monitor.signing import means_of
from reference.errors import VigieError


class Form(StrEnum):
    """How captures leave."""

    BAG = "bag"
    WACZ = "wacz"


class BadExport(VigieError):
    """What was asked for cannot be exported."""


def export(
    out: Annotated[Path, typer.Option("--out", help="Folder that receives it.")],
    why: Annotated[str, typer.Option("--why", help="The reason, which stays in the custody log.")],
    capture: Annotated[int | None, typer.Option(help="Number of the capture.")] = None,
    case: Annotated[int | None, typer.Option(help="Number of the case: every capture that holds its wording.")] = None,
    form: Annotated[
        Form, typer.Option("--as", help="bag: BagIt folder and ZIP; wacz: one file for a viewer.")
    ] = Form.BAG,
    who: Annotated[str, typer.Option("--who", help="Who does it, as the custody log will say.")] = "operator",
    home: Annotated[Path | None, typer.Option("--home", help="Where evidence and ledger live (VIGIE_HOME).")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Export a capture, or the captures of a case, with seals, time stamps, proofs and the verifier."""
    if (capture is None) == (case is None):
        raise BadExport("name either --capture or --case")
    if not why.strip():
        raise BadExport("--why needs words: they are all that will explain it later")
    settings = load_settings(home=home)
    with exclusive(settings.home, "export"):
        ledger = Ledger.open(settings.home, settings.database_url, create=False)
        means = means_of(settings)
        numbers = (capture,) if capture is not None else captures_of_case(ledger, case or 0)
        subject, number = ("capture", capture) if capture is not None else ("case", case)
        evidence.seal_and_stamp(ledger, settings)
        order = Order(subject, number or 0, numbers, who, why.strip(), SOFTWARE)
        if form is Form.BAG:
            clean = clean_exhibits(ledger, [case]) if case is not None else []
            written = export_bag(ledger, order, out, means, clean=clean)
        else:
            written = export_wacz(ledger, order, out)
    figures = {
        "path": str(written.path),
        "zip": str(written.zip_path) if written.zip_path else None,
        "sha256": written.sha256,
        "captures": written.captures,
        "clean_captures": list(written.clean),
    }
    if json:
        console.say_json(figures)
    else:
        console.table("Export", [(name, str(value)) for name, value in figures.items()])
