"""`vigie registry`: load the register of professionals, and say which registered person a listing shows."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from identity import Registry, load_extraction
from identity.registry import FOLDER
from ledger.lock import exclusive
from monitor import console
from monitor.settings import load_settings
from reference.errors import VigieError

app = typer.Typer(help="The register of professionals (RPPS): load it, match listings with it.", no_args_is_help=True)

HomeOption = Annotated[Path | None, typer.Option("--home", help="Where evidence and ledger live (VIGIE_HOME).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


class BadRegistryArguments(VigieError):
    """What was typed cannot be carried out."""


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="PS_LibreAcces_Personne_activite_*.txt, or the zip that holds it.")],
    skills: Annotated[
        Path | None, typer.Option("--skills", help="PS_LibreAcces_SavoirFaire_*.txt; found beside FILE when absent.")
    ] = None,
    date: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the file; else its name tells."),
    ] = None,
    difference: Annotated[
        bool, typer.Option("--difference", help="FILE holds only the persons that changed, each with all their rows.")
    ] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Load an extraction as a new dated state; the states before are kept, and a faulty file changes nothing."""
    settings = load_settings(home=home)
    with exclusive(settings.home, "registry load"), console.progress("registry load", json) as advance:
        steps = iter(range(1, 10))
        report = load_extraction(
            file,
            settings.home / FOLDER,
            skills=skills,
            day=date.date() if date else None,
            difference=difference,
            tell=lambda _step: advance(next(steps), 4),
        )
    if json:
        console.say_json(asdict(report))
    else:
        console.table(f"Register of {report.day}", [(name, str(value)) for name, value in asdict(report).items()])


@app.command()
def match(
    file: Annotated[Path | None, typer.Argument(help="JSONL of listings; standard input when absent.")] = None,
    home: HomeOption = None,
) -> None:
    """Read listings from JSONL and write who each shows, one answer a line, in the same order."""
    from monitor.matching import match_lines

    settings = load_settings(home=home)
    registry = Registry(settings.home / FOLDER)
    if file is None:
        errors = match_lines(sys.stdin.buffer, sys.stdout, "standard input", registry)
    else:
        try:
            source = file.open("rb")
        except OSError as error:
            raise BadRegistryArguments(f"{file}: {error.strerror}") from error
        with source:
            errors = match_lines(source, sys.stdout, str(file), registry)
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise BadRegistryArguments(errors[0] + more)


@app.command()
def states(home: HomeOption = None, json: JsonOption = False) -> None:
    """Say which states of the register are loaded."""
    for state in Registry(load_settings(home=home).home / FOLDER).states:
        if json:
            console.say_json(asdict(state))
        else:
            sys.stdout.write(f"{state.day}\t{state.kind}\t{state.rows}\t{state.persons}\t{state.file}\n")
