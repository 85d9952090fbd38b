"""`vigie capture` and `vigie copy-clean`: visit pages in a clean browser, say which are due, hand out the files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger import Ledger
from ledger.lock import exclusive
from monitor import console
from monitor.settings import load_settings
from reference.errors import VigieError

if TYPE_CHECKING:  # a browser's modules are not loaded for every other command
    from ledger.clean_captures import KeptCapture
    from monitor.clean_captures import VisitReport

HomeOption = Annotated[Path | None, typer.Option("--home", help="Where evidence and ledger live (VIGIE_HOME).")]


class NothingAsked(VigieError):
    """Neither a case nor --due was given, or both."""


def capture(
    cases: Annotated[list[int] | None, typer.Argument(help="Numbers of cases to visit now.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Visit every page that is due.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what is due; ask nothing of any site.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Visit at most this many.")] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", help="HOST:PORT on a loopback or private address that may be visited. Repeatable."
        ),
    ] = None,
    delay: Annotated[float | None, typer.Option(min=0, help="Seconds of pause, for --allow-host only.")] = None,
    home: HomeOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Visit the pages of cases in a clean browser profile: image, PDF, document, text, traffic, certificates, facts.

    Two visits at least 24 hours apart come before a dossier; --due takes each when its time has come."""
    from monitor.clean_captures import Ways, visit_cases, visit_due

    if sum((bool(cases), due, plan)) != 1:
        raise NothingAsked("name a case, or say --due, or --plan")
    if delay is not None and not allow_host:
        raise NothingAsked("--delay goes with --allow-host: it shortens the pause for those hosts and for no other")
    settings = load_settings(home=home)
    with exclusive(settings.home, "capture"):
        ledger = Ledger.open(settings.home, settings.database_url, create=False)
        if plan:
            _say_plan(ledger, json)
            return
        ways = Ways.of(settings, allow_host or (), delay)
        with console.progress("capture", json) as advance:
            done: list[KeptCapture] = []

            def told(kept: KeptCapture) -> None:
                done.append(kept)
                advance(len(done), None)
                if json:
                    console.say_json(as_json(kept))

            if cases:
                report = visit_cases(ledger, ways, cases[:limit], actor="operator", on_visit=told)
            else:
                report = visit_due(ledger, ways, limit=limit, actor="operator", on_visit=told)
    if not json:
        _say(report)


def copy_clean(
    number: Annotated[int, typer.Argument(help="Number of the clean capture.")],
    out: Annotated[Path, typer.Option("--out", help="Folder that receives the files.")],
    why: Annotated[str, typer.Option("--why", help="The reason, which stays in the custody log.")],
    who: Annotated[str, typer.Option("--who", help="Who does it, as the custody log will say.")] = "operator",
    home: HomeOption = None,
) -> None:
    """Copy the files of a clean capture out of the evidence store; who received them and why is recorded."""
    from ledger.clean_captures import copy_out

    if not why.strip():
        raise NothingAsked("--why needs words: they are all that will explain it later")
    settings = load_settings(home=home)
    with exclusive(settings.home, "copy-clean"):
        ledger = Ledger.open(settings.home, settings.database_url, create=False)
        kept = copy_out(ledger, number, out, reason=why.strip(), actor=who)
    console.out.print(f"{len(kept.files)} files in {out}", markup=False, highlight=False)


def as_json(kept: KeptCapture) -> dict[str, Any]:
    """A clean capture as one object for machines."""
    from ledger.clean_facts import GRADES

    return {**asdict(kept), "grade": GRADES[kept.grade], "wording": str(kept.wording)}


def _say_plan(ledger: Ledger, json: bool) -> None:
    from crawler.browser import find_chromium
    from monitor.clean_captures import due_now

    for one in due_now(ledger):
        if json:
            console.say_json({**asdict(one.due), "since": one.due.since.isoformat(), "url": one.target.url})
        else:
            moment = f"{one.due.since:%Y-%m-%d %H:%M} UTC"
            line = f"case {one.due.case_id}: {one.due.why}, due since {moment}, {one.target.url}"
            console.out.print(line, markup=False, highlight=False, soft_wrap=True)
    if not json and find_chromium() is None:
        console.out.print("no Chromium is installed: nothing can be visited until `make setup` has found one")


def _say(report: VisitReport) -> None:
    from ledger.clean_facts import GRADES

    for kept in report.visits:
        rows = [
            ("Page", kept.url),
            ("Outcome", f"{kept.outcome}{f' ({kept.reason})' if kept.reason else ''}"),
            ("Wording", str(kept.wording)),
            ("Grade", GRADES[kept.grade]),
            *[("  gap", gap) for gap in kept.gaps],
            *[(file.name, f"{file.sha256} ({file.size} bytes)") for file in kept.files],
        ]
        console.table(f"Clean capture {kept.id} of case {kept.case_id}", rows)
    if not report.visits and not report.left:
        console.out.print("nothing is due")
    for left in report.left:
        console.out.print(f"case {left.planned.due.case_id}: left for another run, {left.reason}", markup=False)
