"""What editors ask for at the desk is written, or refused with its gaps in view; it waits while the home is busy."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.append(str(Path(__file__).parents[1] / "reports"))  # the invented world of the dossiers
import reports_world

from ledger import Ledger, dossier_requests
from ledger.dossier_requests import RequestState, RequestStatus
from ledger.lock import exclusive
from monitor import dossiers, schedule
from monitor.cli import app
from monitor.settings import Settings


def state(ledger: Ledger, case_id: int) -> RequestState:
    with ledger.session() as session:
        return dossier_requests.states(session, [case_id])[case_id]


def ask(ledger: Ledger, case_id: int) -> bool:
    with ledger.session() as session:
        return dossier_requests.ask(session, case_id, "edith")


def test_what_is_asked_for_is_written_once(ledger: Ledger, home: Path, database_url: str | None) -> None:
    made = reports_world.build(ledger)
    settings = Settings(home=home, database_url=database_url)
    assert state(ledger, made.case_id).status is RequestStatus.NONE
    assert dossiers.write_requested(ledger, settings).written == []
    assert ask(ledger, made.case_id) and not ask(ledger, made.case_id)
    assert (state(ledger, made.case_id).status, state(ledger, made.case_id).by) == (RequestStatus.WAITING, "edith")
    (path,) = dossiers.write_requested(ledger, settings).written
    assert Path(path).parent == home / "dossiers" and (Path(path) / "data/dossier.pdf").is_file()
    now = state(ledger, made.case_id)
    assert (now.status, now.name, now.complete, now.gaps) == (RequestStatus.WRITTEN, Path(path).name, True, ())
    assert dossiers.write_requested(ledger, settings).written == []


def test_what_is_refused_says_why_and_may_be_asked_again(sqlite_ledger: Ledger, home: Path) -> None:
    made = reports_world.build(sqlite_ledger, keys=1)
    ask(sqlite_ledger, made.case_id)
    done = CliRunner().invoke(app, ["dossiers", "--home", str(home), "--json"])
    assert done.exit_code == 0
    (gaps,) = json.loads(done.stdout)["refused"].values()
    held = state(sqlite_ledger, made.case_id)
    assert (held.status, list(held.gaps)) == (RequestStatus.REFUSED, gaps)
    assert any("deux personnes" in gap for gap in gaps) and not (home / "dossiers").exists()
    with sqlite_ledger.session() as session:
        reports_world.confirm_person(session, made.case_id)
    assert ask(sqlite_ledger, made.case_id)
    assert schedule.write_dossiers(Settings(home=home)).state == "done"
    assert state(sqlite_ledger, made.case_id).status is RequestStatus.WRITTEN


def test_a_busy_home_keeps_the_request(sqlite_ledger: Ledger, home: Path) -> None:
    made = reports_world.build(sqlite_ledger)
    assert schedule.write_dossiers(Settings(home=home)).state == "nothing"
    ask(sqlite_ledger, made.case_id)
    with exclusive(home, "crawl doctolib"):
        assert schedule.write_dossiers(Settings(home=home)).state == "busy"
    assert state(sqlite_ledger, made.case_id).status is RequestStatus.WAITING


def test_a_failing_disk_keeps_the_request(sqlite_ledger: Ledger, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger import StoreFull

    made = reports_world.build(sqlite_ledger)
    ask(sqlite_ledger, made.case_id)

    def full(*_: object, **__: object) -> None:
        raise StoreFull("the disk is full")

    monkeypatch.setattr("reports.write_dossier", full)
    with pytest.raises(StoreFull):
        dossiers.write_requested(sqlite_ledger, Settings(home=home))
    assert state(sqlite_ledger, made.case_id).status is RequestStatus.WAITING
