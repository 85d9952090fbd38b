"""The commands after a letter: what was sent, what came back, what is waited for. They count nothing themselves."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ledger.lock import exclusive
from ledger.sendings import answer as keep_answer
from ledger.sendings import send, waited
from monitor import console
from monitor.letter_commands import BadAnswer, CaseArgument, HomeOption, JsonOption, WhoOption, day, opened
from monitor.settings import load_settings
from reference import load_reference

OnOption = Annotated[str, typer.Option("--on", help="The day (2026-03-01); today when absent.")]


def sent(
    case: CaseArgument,
    route: Annotated[str, typer.Option("--route", help="The route of the letter.")],
    to: Annotated[str, typer.Option("--to", help="The addressee, as on the envelope.")],
    how: Annotated[str, typer.Option("--how", help="How: registered letter, form, e-mail…")],
    on: OnOption = "",
    tracking: Annotated[str, typer.Option("--tracking", help="Number of the registered letter.")] = "",
    letter: Annotated[Path | None, typer.Option("--letter", help="The PDF that left: its SHA-256 is kept.")] = None,
    who: WhoOption = "operator",
    home: HomeOption = None,
) -> None:
    """Keep that a letter left: what, to whom, how, when."""
    reference = load_reference()
    if route not in reference.routes:
        raise BadAnswer(f"{route}: a route is one of {', '.join(reference.routes)}")
    if not to.strip() or not how.strip():
        raise BadAnswer("--to and --how need words")
    try:
        digest = hashlib.sha256(letter.read_bytes()).hexdigest() if letter else ""
    except OSError as error:
        raise BadAnswer(f"{letter}: {error.strerror}") from error
    settings = load_settings(home=home)
    with exclusive(settings.home, "sent"), opened(settings).session() as session:
        row = send(
            session,
            case,
            route=route,
            addressee=" ".join(to.split()),
            method=how.strip(),
            tracking=tracking.strip(),
            sent_on=day(on),
            letter_sha256=digest,
            actor=who,
        )
        number = row.id
    console.out.print(f"letter {number}: kept", markup=False, highlight=False)


def answer(
    number: Annotated[int, typer.Argument(help="Number of the letter, as « vigie sent » gave it.")],
    step: Annotated[str, typer.Argument(help="received, registered, acknowledged, summoned, transmitted, decided…")],
    on: OnOption = "",
    note: Annotated[str, typer.Option("--note", help="What it says: reference, outcome, sanction…")] = "",
    who: WhoOption = "operator",
    home: HomeOption = None,
) -> None:
    """Keep what happened to a letter: acknowledgement, conciliation, decision, appeal, withdrawal of the wording…"""
    settings = load_settings(home=home)
    steps = load_reference().steps
    with exclusive(settings.home, "answer"), opened(settings).session() as session:
        keep_answer(session, number, step, day(on), note=note.strip(), actor=who, steps=steps)
    console.out.print(f"letter {number}: {steps[step].label}", markup=False, highlight=False)


def deadlines(
    case: Annotated[int | None, typer.Option("--case", help="Only this case.")] = None,
    within: Annotated[int | None, typer.Option("--within", min=0, help="Only what ends within so many days.")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List what is waited for, the first to end first: the reminders of the day. Exit status 1 when one has run out."""
    reference, today = load_reference(), datetime.now(UTC).date()
    with opened(load_settings(home=home)).session() as session:
        found = waited(session, reference.deadlines.values(), reference.steps, case)
    kept = [one for one in found if within is None or one.late(today) >= -within]
    for one in kept:
        late = one.late(today)
        article = reference.articles[one.article].citation
        if json:
            figures = {"letter": one.sending_id, "case": one.case_id, "route": one.route, "deadline": one.deadline}
            more = {"since": one.since, "due": one.due, "late": late, "kind": one.kind, "verified": one.verified}
            console.say_json(figures | more)
            continue
        state = f"en retard de {late} j" if late > 0 else f"dans {-late} j"
        source = article if one.kind == "law" else "rappel de l’organisation"
        source += "" if one.verified or one.kind == "house" else ", à vérifier"
        line = f"{one.due}  {state:18} letter {one.sending_id}, case {one.case_id}: {one.label} ({source})"
        console.out.print(line, markup=False, highlight=False)
    if any(one.late(today) > 0 for one in kept):
        raise SystemExit(1)


def register(app: typer.Typer) -> None:
    """Put the commands on the application."""
    app.command()(sent)
    app.command()(answer)
    app.command()(deadlines)
