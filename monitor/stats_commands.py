"""`vigie stats`: the counts of the ledger, and the barometer as PDF, CSV and Parquet. It counts nothing itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor import console
from monitor.letter_commands import HomeOption, JsonOption, opened
from monitor.settings import load_settings
from reference import load_reference
from reports import statistics
from reports.barometer import write_barometer
from reports.intervals import reader_error
from reports.survey import survey


def stats(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder that receives barometre.pdf, .csv, .parquet.")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Count what the ledger holds, from pages seen to answers received; with --out, write the barometer too."""
    ledger = opened(load_settings(home=home))
    figures = statistics(ledger)
    if out is not None:
        reference = load_reference()
        written = write_barometer(survey(ledger, reference, reader_error()), reference, out)
        figures |= {"barometer": [str(written.pdf_path), str(written.csv_path), str(written.parquet_path)]}
    if json:
        console.say_json(figures)
    else:
        console.table("Ledger", [(name, str(value)) for name, value in figures.items()])


def register(app: typer.Typer) -> None:
    """Put the command on the application."""
    app.command()(stats)
