"""The commands of letters: which council, what its Order answered, and the letter itself. They decide nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from ledger import Ledger
from ledger.councils import confirm_council
from ledger.lock import exclusive
from monitor import console
from monitor.settings import Settings, load_settings
from reference import load_reference
from reference.errors import VigieError
from reports import write_letter
from reports.legal import named_council

HomeOption = Annotated[Path | None, typer.Option("--home", help="Where evidence and ledger live (VIGIE_HOME).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
WhoOption = Annotated[str, typer.Option("--who", help="Who does it, as the custody log will say.")]
CaseArgument = Annotated[int, typer.Argument(help="Number of the case.")]


class BadAnswer(VigieError):
    """What was typed about a council, a date or a step cannot be kept."""


def opened(settings: Settings) -> Ledger:
    """The ledger of this installation, which must exist."""
    return Ledger.open(settings.home, settings.database_url, create=False)


def day(text: str) -> date:
    """A day as 2026-03-01; empty: today, by UTC. Raises `BadAnswer`."""
    try:
        found = date.fromisoformat(text) if text else datetime.now(UTC).date()
    except ValueError:
        raise BadAnswer(f"{text}: a day is written as 2026-03-01") from None
    if found > datetime.now(UTC).date():
        raise BadAnswer(f"{text}: that day has not come yet")
    return found


def letter(
    case: CaseArgument,
    route: Annotated[str, typer.Option("--route", help="complaint, mandate, cpam, ddd, national, ars, platform…")],
    out: Annotated[Path, typer.Option("--out", help="Folder that receives the letter.")],
    mandate: Annotated[Path | None, typer.Option("--mandate", help="YAML: person, address, given_on, account.")] = None,
    allow_incomplete: Annotated[
        bool,
        typer.Option("--allow-incomplete", help="Write a letter « à compléter », with the list of what is missing."),
    ] = False,
    who: WhoOption = "operator",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write a letter about a confirmed case, by route, or say what is missing before it may leave."""
    settings = load_settings(home=home)
    with exclusive(settings.home, "letter"):
        written = write_letter(
            opened(settings),
            case,
            route,
            out,
            home=settings.home,
            mandate=mandate,
            allow_incomplete=allow_incomplete,
            actor=who,
        )
    figures = {
        "pdf": str(written.pdf_path),
        "text": str(written.text_path),
        "sha256": written.sha256,
        "missing": list(written.missing),
    }
    if json:
        console.say_json(figures)
    else:
        console.table(f"Letter {route}, case {case}", [(name, str(value)) for name, value in figures.items()])


def council(
    case: CaseArgument,
    confirm: Annotated[str, typer.Option("--confirm", help="Key of the council: medecins/69, CROPP-ARA…")],
    practice: Annotated[str, typer.Option("--practice", help="liberal, salaried, hospital or unknown.")],
    how: Annotated[str, typer.Option("--how", help="How it is known: the Order's directory, its answer by e-mail…")],
    on: Annotated[str, typer.Option("--on", help="Day of the answer (2026-03-01); today when absent.")] = "",
    who: WhoOption = "operator",
    home: HomeOption = None,
) -> None:
    """Keep what the Order answered: the council where the practitioner is registered, and how they practise."""
    reference = load_reference()
    try:
        body, _, territory = named_council(reference, confirm)
    except KeyError:
        raise BadAnswer(
            f"{confirm}: no council of that key; it is ORDER/DEPARTMENT or a key of councils.yaml"
        ) from None
    if practice not in reference.practices:
        raise BadAnswer(f"{practice}: a practice is one of {', '.join(reference.practices)}")
    if not how.strip():
        raise BadAnswer("--how needs words: they are printed in the dossier as the source")
    settings = load_settings(home=home)
    with exclusive(settings.home, "council"), opened(settings).session() as session:
        try:
            confirm_council(
                session, case, council=confirm, practice=practice, answered_on=day(on), how=how.strip(), actor=who
            )
        except KeyError:
            raise BadAnswer(f"there is no case {case}") from None
    console.out.print(f"case {case}: {body}, {territory}", markup=False, highlight=False)


def register(app: typer.Typer) -> None:
    """Put the commands on the application."""
    app.command()(letter)
    app.command()(council)
