"""The commands of the schedule: run-due, worker, stop, start, runs. They read arguments, call jobs and print."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ledger import Busy, Ledger
from ledger.frontier import pull_switch, release_switch
from ledger.lock import exclusive
from monitor import console, schedule
from monitor.settings import load_settings

HomeOption = Annotated[Path | None, typer.Option("--home", help="Where evidence and ledger live (VIGIE_HOME).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


def run_due(home: HomeOption = None, json: JsonOption = False) -> None:
    """Do what is due: crawl, read, seal. For cron or a timer; may be called at any time, also while it runs."""
    settings = load_settings(home=home)

    def say(done: schedule.Done) -> None:
        if json:
            console.say_json(done.as_json())
        else:
            why = done.detail.get("reason") or done.detail.get("stopped") or ""
            console.out.print(f"{done.state:8} {done.job} {why}".rstrip(), markup=False, highlight=False)
            for alarm in done.detail.get("alarms", ()):
                console.out.print(f"         ! {alarm}", markup=False, highlight=False)

    try:
        with exclusive(settings.home, "run-due"):
            done = schedule.run_due(settings, say)
    except Busy as error:
        say(schedule.Done("run-due", "busy", {"reason": str(error)}))
        return
    if any(one.state == "failed" for one in done):
        raise SystemExit(1)


def worker(
    once: Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")] = False,
    home: HomeOption = None,
) -> None:
    """Take jobs from the queue of a team's PostgreSQL, on as many machines as wanted, until stopped."""
    from monitor.worker import work

    work(load_settings(home=home), once=once)


def stop(
    reason: Annotated[str, typer.Option("--why", help="Shown by every run that stops.")] = "stopped by hand",
    home: HomeOption = None,
) -> None:
    """Stop every crawl within one request, on every machine of the ledger, until `vigie start`."""
    settings = load_settings(home=home)
    with Ledger.open(settings.home, settings.database_url).session() as session:
        pull_switch(session, settings.home, reason.strip() or "stopped by hand", datetime.now(UTC))
    console.out.print("stopped: nothing is asked until « vigie start »", markup=False)


def start(home: HomeOption = None) -> None:
    """Let crawls go on after `vigie stop`."""
    settings = load_settings(home=home)
    with Ledger.open(settings.home, settings.database_url, create=False).session() as session:
        was = release_switch(session, settings.home)
    console.out.print("crawls may go on" if was else "nothing was stopped", markup=False)


def runs(
    show: Annotated[int | None, typer.Option(help="One run in full.")] = None,
    release: Annotated[int | None, typer.Option(help="Let the passages of a held run be read.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write an SVG of the runs to this file.")] = None,
    platform: Annotated[str | None, typer.Option(help="Only this platform.")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """What the watchmen said of each run; release a run that they hold."""
    from monitor.runs import lines, release_run, reports, svg, whole

    settings = load_settings(home=home)
    ledger = Ledger.open(settings.home, settings.database_url, create=False)
    if release is not None:
        release_run(ledger, release)
        console.out.print(f"run {release}: released", markup=False)
        return
    found = reports(ledger, platform)
    if plot is not None:
        plot.write_text(svg(found), "utf-8")
    if show is not None:
        console.say_json(whole(found, show)) if json else console.table(f"Run {show}", lines(found, show))
        return
    for one in found:
        if json:
            console.say_json(one.as_json())
        else:
            sys.stdout.write(one.line() + "\n")


def register(app: typer.Typer) -> None:
    """Put the commands on the `vigie` command."""
    app.command("run-due")(run_due)
    for command in (worker, stop, start, runs):
        app.command()(command)
