"""The `vigie` command: it reads arguments, calls jobs and prints. Exit status: 0 done, 1 no, 2 an error in one line."""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger import Ledger
from ledger.lock import exclusive
from monitor import (
    capture_commands,
    console,
    evidence,
    evidence_commands,
    export_commands,
    import_commands,
    learning,
    letter_commands,
    person_commands,
    registry_commands,
    schedule,
    schedule_commands,
    sending_commands,
    stats_commands,
    verify_commands,
)
from monitor.authorities import authorities_of
from monitor.settings import Settings, desk_secret, load_settings
from monitor.signing import means_of
from reference.errors import VigieError

app = typer.Typer(
    name="vigie",
    help="Find wording that refuses patients covered by C2S, ACS or AME on public listings, and keep it as evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

HomeOption = Annotated[Path | None, typer.Option("--home", help="Where evidence and ledger live (VIGIE_HOME).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
HostOption = Annotated[
    list[str] | None,
    typer.Option("--allow-host", help="HOST:PORT on a loopback or private address that may be crawled. Repeatable."),
]


class BadArguments(VigieError):
    """What was typed cannot be carried out."""


def open_ledger(settings: Settings, *, create: bool = True) -> Ledger:
    """The ledger of this installation, migrated up to date."""
    return Ledger.open(settings.home, settings.database_url, create=create)


@app.command()
def demo(
    home: HomeOption = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the desk at the end.")] = True,
    listings: Annotated[int, typer.Option(min=20, max=100_000, help="Size of the practice platform.")] = 300,
    seed: Annotated[int, typer.Option(help="The same seed makes the same world.")] = 1,
    port: Annotated[int, typer.Option(help="Port of the desk; 0 takes a free one.")] = 8080,
    json: JsonOption = False,
) -> None:
    """Walk the whole path on a practice platform with invented people: crawl, read, decide, write a dossier."""
    from monitor.demo import free_home, run_demo, serve_demo

    settings = load_settings(home=home or free_home(Path("var/demo")))
    with exclusive(settings.home, "demo"):
        report = run_demo(settings, listings=listings, seed=seed, quiet=json)
        if json:
            console.say_json(report.as_json())
        else:
            report.print()
        if serve:
            serve_demo(settings, report, port)


@app.command()
def crawl(
    platform: Annotated[str, typer.Argument(help="doctolib, maiia, keldoc, ordoclic, avecmondoc or practice_site.")],
    start: Annotated[list[str] | None, typer.Option("--start", help="Address to begin at. Repeatable.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after this many listings.")] = None,
    allow_host: HostOption = None,
    delay: Annotated[float | None, typer.Option(min=0, help="Seconds between requests, for --allow-host only.")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Fetch a platform's public pages, politely, and keep each as evidence; the same command goes on after a crash."""
    from crawler.run import CrawlSpec
    from crawler.run import crawl as run_crawl

    settings = load_settings(home=home)
    authorities_of(settings)
    with exclusive(settings.home, f"crawl {platform}"):
        open_ledger(settings).close()
        spec = CrawlSpec(
            home=settings.home,
            database_url=settings.database_url,
            platform=platform,
            start_urls=tuple(start or ()),
            limit=limit,
            allow_hosts=tuple(allow_host or ()),
            delay_seconds=delay,
            contact=settings.contact,
            agreements=schedule.agreements_of(settings),
        )
        with console.progress(f"crawl {platform}", json) as advance:
            report = run_crawl(spec, lambda step: advance(step.captures, None))
        ledger = open_ledger(settings)
        schedule.tell(ledger, settings, platform, str(report.crawl_id), report.alarms)
        evidence.seal_and_stamp(ledger, settings)
    figures = report.as_json()
    if json:
        console.say_json(figures)
    else:
        console.table(f"Crawl {report.crawl_id}", [(name, str(value)) for name, value in figures.items()])


app.command("import")(import_commands.import_)


@app.command()
def replay(
    platform: Annotated[str | None, typer.Option(help="Only this platform.")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Re-read stored captures with today's parsers, without the network."""
    from crawler.replay import replay as run_replay

    settings = load_settings(home=home)
    with exclusive(settings.home, "replay"):
        report = run_replay(open_ledger(settings), platform=platform)
    if json:
        console.say_json(report.as_json())
    else:
        console.table("Replay", [(name, str(value)) for name, value in report.as_json().items()])


@app.command()
def detect(home: HomeOption = None, json: JsonOption = False) -> None:
    """Read the passages not read yet by today's reader and open cases for flagged wording."""
    from dataclasses import asdict

    from detection import load_reader
    from monitor import jobs

    settings = load_settings(home=home)
    with exclusive(settings.home, "detect"), console.progress("detect", json) as advance:
        report = jobs.detect(open_ledger(settings), load_reader(), advance)
    if json:
        console.say_json(asdict(report))
    else:
        console.table("Detection", [(name, str(value)) for name, value in asdict(report).items()])


@app.command()
def classify(
    file: Annotated[Path | None, typer.Argument(help="JSONL of {id, text, field}; standard input when absent.")] = None,
) -> None:
    """Read passages from JSONL and write one reading a line, in the same order. Touches no ledger."""
    from monitor.classify import classify_lines

    if file is None:
        errors = classify_lines(sys.stdin.buffer, sys.stdout, "standard input")
    else:
        try:
            source = file.open("rb")
        except OSError as error:
            raise BadArguments(f"{file}: {error.strerror}") from error
        with source:
            errors = classify_lines(source, sys.stdout, str(file))
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise BadArguments(errors[0] + more)


app.command()(learning.train)
app.command()(learning.evaluate)
evidence_commands.register(app)
schedule_commands.register(app)
letter_commands.register(app)
sending_commands.register(app)
stats_commands.register(app)
app.command()(verify_commands.verify)
app.command()(export_commands.export)
app.command()(capture_commands.capture)
app.command()(capture_commands.copy_clean)
app.add_typer(registry_commands.app, name="registry")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on the loopback address.")] = 8080,
    home: HomeOption = None,
) -> None:
    """Serve the review desk on http://127.0.0.1:PORT."""
    from monitor.desk import serve_desk

    settings = load_settings(home=home)
    serve_desk(open_ledger(settings), desk_secret(settings.home), port)


@app.command()
def dossier(
    case: Annotated[int, typer.Argument(help="Number of the case.")],
    out: Annotated[Path, typer.Option("--out", help="Folder that receives the dossier.")],
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="Write a dossier « à compléter », marked so on each page.")
    ] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write the dossier of a confirmed case, or say why it cannot be written."""
    from reports import write_dossier
    from review.decide import settle_due

    settings = load_settings(home=home)
    with exclusive(settings.home, "dossier"):
        ledger, means = open_ledger(settings, create=False), means_of(settings)
        with ledger.session() as session:
            settle_due(session)  # a decision whose time to be taken back is over counts, also when the desk is closed
        evidence.seal_and_stamp(ledger, settings)  # what leaves is sealed first
        written = write_dossier(ledger, case, out, allow_incomplete=allow_incomplete, actor="operator", means=means)
    figures = {
        "path": str(written.path),
        "zip": str(written.zip_path),
        "pdf": str(written.pdf_path),
        "complete": written.complete,
        "gaps": list(written.gaps),
        "manifest_sha256": written.manifest_sha256,
        "cases": list(written.cases),
        "checks": written.checks,
    }
    if json:
        console.say_json(figures)
    else:
        console.table(f"Dossier {case}", [(name, str(value)) for name, value in figures.items()])


@app.command()
def dossiers(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder that receives them; « dossiers » in the home when absent.")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write the dossiers that editors asked for at the desk; what is refused says why, there and here."""
    from monitor.dossiers import write_requested

    settings = load_settings(home=home)
    report = write_requested(open_ledger(settings, create=False), settings, out)
    if json:
        console.say_json(report.as_json())
        return
    for path in report.written:
        console.out.print(path, markup=False, highlight=False, soft_wrap=True)
    for case, gaps in report.refused.items():
        console.out.print(f"case {case}: refused: {' ; '.join(gaps)}", markup=False, highlight=False, soft_wrap=True)
    if not (report.written or report.refused):
        console.out.print("dossiers: none was asked for", markup=False, highlight=False)


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(help="crawls, captures, listings, passages, findings, cases, clean_captures or instructive."),
    ],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write what the ledger holds, one row a line (JSON with --json).

    « instructive » is the open cases, those first whose reading is least sure."""
    from monitor.inventory import rows
    from monitor.teaching import most_instructive

    ledger = open_ledger(load_settings(home=home), create=False)
    found: Iterable[dict[str, Any]] = (
        ({"case": case, "confidence": sure} for case, sure in most_instructive(ledger))
        if what == "instructive"
        else rows(ledger, what)
    )
    for row in found:
        if json:
            console.say_json(row)
        else:
            sys.stdout.write("\t".join(" ".join(str(value).split()) for value in row.values()) + "\n")


app.add_typer(person_commands.app)


@app.command()
def upgrade(home: HomeOption = None) -> None:
    """Bring the ledger's tables up to this version; a ledger of a newer version is refused and left as it is."""
    open_ledger(load_settings(home=home)).close()
    console.out.print("ledger: up to date")


@app.command()
def doctor(home: HomeOption = None, json: JsonOption = False) -> None:
    """Check what this installation needs: exit status 1 when something is missing or damaged."""
    from monitor.doctor import examine

    checks = examine(load_settings(home=home))
    for check in checks:
        if json:
            console.say_json({"check": check.name, "state": check.state, "detail": check.detail})
        else:
            console.out.print(f"{check.state:8} {check.name}: {check.detail}", markup=False, highlight=False)
    if any(check.state == "failed" for check in checks):
        raise SystemExit(1)


def main() -> None:
    """Run the command; an operational failure becomes one line and status 2, a programming error crashes loudly."""
    logging.basicConfig(level=logging.WARNING, format="vigie: %(message)s")
    try:
        app()
    except VigieError as error:
        console.fail(str(error))
    except KeyboardInterrupt:
        console.fail("interrupted; what was done is kept", 130)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT):
            raise
        console.fail(f"{error.filename or 'disk'}: {error.strerror}")
