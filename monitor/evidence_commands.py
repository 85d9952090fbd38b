"""The commands of the evidence: seal, custody, fixity, copy, erase, purge. They read arguments, call jobs and print."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger import Ledger
from ledger.custody import check_chain, lines
from ledger.erasure import ErasedReport
from ledger.erasure import erase as erase_captures
from ledger.fixity import FixityReport, check_fixity
from ledger.lock import exclusive
from ledger.sealing.check import check_seals
from ledger.working import copy_out
from monitor import console, evidence
from monitor.archives import ask_archives
from monitor.settings import Settings, load_settings
from reference.errors import VigieError

HomeOption = Annotated[Path | None, typer.Option("--home", help="Where evidence and ledger live (VIGIE_HOME).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, which stays in the custody log.")]
WhoOption = Annotated[str, typer.Option("--who", help="Who does it, as the custody log will say.")]


class NoReason(VigieError):
    """What is done to evidence has a reason, or is not done."""


class NoArchive(VigieError):
    """No outside archive is configured."""


class CannotWriteLog(VigieError):
    """The file for the custody log cannot be written."""


def _opened(settings: Settings) -> Ledger:
    return Ledger.open(settings.home, settings.database_url, create=False)


def _say(title: str, figures: dict[str, Any], json: bool) -> None:
    if json:
        console.say_json(figures)
    else:
        console.table(title, [(name, str(value)) for name, value in figures.items()])


def _reason(why: str) -> str:
    if not why.strip():
        raise NoReason("--why needs words: they are all that will explain it later")
    return why.strip()


def seal(
    now: Annotated[bool, typer.Option("--now", help="Ask for every missing stamp, also before its turn.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Seal what is not sealed yet and ask the authorities for the stamps that are due; status 1 when a file differs."""
    settings = load_settings(home=home)
    with exclusive(settings.home, "seal"):
        report = evidence.seal_and_stamp(_opened(settings), settings, everything=now)
    _say("Seals", report.as_json(), json)
    if report.files.differing:
        raise SystemExit(1)


def custody(
    out: Annotated[Path | None, typer.Option("--out", help="Write the log to this file, one line an event.")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Walk the custody log and the seals, and say whether they hold: status 1 when they do not."""
    ledger = _opened(load_settings(home=home))
    if out is not None:
        try:
            with out.open("wb") as file, ledger.session() as session:
                file.writelines(lines(session))
        except OSError as error:
            raise CannotWriteLog(f"{out}: {error.strerror}") from error
    chain, seals = check_chain(ledger), check_seals(ledger)
    faults = [f"event {fault.sequence}: {fault.what}" for fault in chain.faults] + list(seals.faults)
    _say(
        "Custody",
        {"events": chain.events, "head": chain.head, "seals": seals.seals, "faults": faults},
        json,
    )
    if not chain.holds or seals.faults:
        raise SystemExit(1)


def _fixity_figures(report: FixityReport) -> dict[str, Any]:
    missing = sum(damage.missing for damage in report.damages)
    return {
        "files": report.files,
        "bytes": report.bytes,
        "damaged": len(report.damages) - missing,
        "missing": missing,
        "seconds": round(report.seconds, 2),
        "faults": [f"{one.kind} {one.number}: {one.reason}" for one in report.damages[:20]],
    }


def fixity(
    due: Annotated[bool, typer.Option("--due", help="Only when the last check is VIGIE_FIXITY_DAYS old.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Hash the whole evidence store again and record the result: status 1 when something is damaged or missing."""
    settings = load_settings(home=home)
    with exclusive(settings.home, "fixity"), console.progress("fixity", json) as advance:
        ledger = _opened(settings)
        report = evidence.fixity_if_due(ledger, settings) if due else check_fixity(ledger, "operator", advance)
    if report is None:
        _say("Fixity", {"due": False}, json)
        return
    _say("Fixity", _fixity_figures(report), json)
    if report.damages:
        raise SystemExit(1)


def copy(
    capture: Annotated[int, typer.Argument(help="Number of the capture.")],
    out: Annotated[Path, typer.Option("--out", help="Folder that receives the working copy.")],
    why: WhyOption,
    who: WhoOption = "operator",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Hand out a working copy of one capture, with who has it and why in the custody log."""
    reason = _reason(why)
    settings = load_settings(home=home)
    path = copy_out(_opened(settings), capture, out, reason=reason, actor=who)
    _say("Copy", {"capture": capture, "path": str(path)}, json)


def _erased(report: ErasedReport) -> dict[str, Any]:
    return {"erased": report.erased, "files": report.files, "bytes": report.bytes, "texts": report.texts}


def erase(
    captures: Annotated[list[int], typer.Argument(help="Numbers of the captures.")],
    why: WhyOption,
    who: WhoOption = "operator",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Remove the stored bytes of captures for good; hash, reason, seal and chain stay."""
    reason = _reason(why)
    settings = load_settings(home=home)
    with exclusive(settings.home, "erase"):
        report = erase_captures(_opened(settings), captures, reason=reason, actor=who)
    _say("Erased", _erased(report), json)


def purge(home: HomeOption = None, json: JsonOption = False) -> None:
    """Erase captures older than VIGIE_KEEP_DAYS that no case needs, finish erasures, drop working copies."""
    settings = load_settings(home=home)
    with exclusive(settings.home, "purge"):
        report = evidence.purge(_opened(settings), settings)
    _say("Purged", _erased(report), json)


def archive(
    case: Annotated[int | None, typer.Option(help="Number of the case; without it, every confirmed case.")] = None,
    now: Annotated[bool, typer.Option("--now", help="Ask also before the turn of what failed.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the outside archives of the configuration to keep the page of a case; status 1 when one did not."""
    settings = load_settings(home=home)
    if not settings.archives:
        raise NoArchive("no archive is configured (VIGIE_ARCHIVES): nothing was asked of anybody")
    with exclusive(settings.home, "archive"):
        report = ask_archives(_opened(settings), settings, case_id=case, everything=now)
    _say("Archive", asdict(report), json)
    if report.failed:
        raise SystemExit(1)


def register(app: typer.Typer) -> None:
    """Put the commands on the `vigie` command."""
    for command in (seal, custody, fixity, copy, erase, purge, archive):
        app.command()(command)
