"""`vigie letter`, `council`, `sent`, `answer`, `deadlines`: status, one line on bad input, nothing half-written."""

from __future__ import annotations

import errno
import hashlib
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))

from letters_world import prepared

from ledger import Ledger
from ledger.models import Event
from ledger.sending_tables import CouncilAnswer, Sending, SendingStep
from monitor import cli
from monitor.cli import app

YESTERDAY = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
TOMORROW = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()
SENT = ["sent", "1", "--route", "complaint", "--to", "Conseil départemental", "--how", "lettre recommandée"]


def run(ledger: Ledger, *words: str) -> tuple[int, str]:
    """Exit status and what was printed."""
    done = CliRunner().invoke(app, [*words, "--home", str(ledger.home)], catch_exceptions=False)
    return done.exit_code, done.output


def fails(ledger: Ledger, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that the command ends with, as an operator meets it: status 2."""
    return ends(capsys, *words, "--home", str(ledger.home))


def ends(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The same, wherever the home is."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["vigie", *words])
        cli.main()
    assert ended.value.code == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.strip()]
    return line


def rows(ledger: Ledger) -> tuple[int, ...]:
    """How much is kept, of everything these commands write."""
    with ledger.session() as session:
        return tuple(
            session.scalar(select(func.count()).select_from(one)) or 0
            for one in (Sending, SendingStep, CouncilAnswer, Event)
        )


def test_a_letter_is_written_with_its_text(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    prepared(sqlite_ledger)
    status, said = run(sqlite_ledger, "letter", "1", "--route", "cpam", "--out", str(tmp_path / "out"), "--json")
    told = json.loads(said)
    assert (status, told["missing"]) == (0, [])
    assert hashlib.sha256(Path(told["pdf"]).read_bytes()).hexdigest() == told["sha256"]
    assert "Association Exemple" in Path(told["text"]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["letter", "1", "--route", "telegram"], "no route of that name: telegram"),
        (["letter", "99", "--route", "cpam"], "aucun cas ne porte le numéro 99"),
        (["letter", "1", "--route", "complaint"], "lettre refusée"),
        (["letter", "1", "--route", "mandate", "--mandate", "absent.yaml"], "absent.yaml"),
    ],
)
def test_a_letter_that_cannot_be_is_one_line_and_no_file(
    sqlite_ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    prepared(sqlite_ledger, confirmed=False)
    before = rows(sqlite_ledger)
    assert said in fails(sqlite_ledger, capsys, *words, "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []
    assert rows(sqlite_ledger) == before


def test_a_folder_that_takes_no_file(sqlite_ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(sqlite_ledger)
    (tmp_path / "out").write_text("a file")
    before = rows(sqlite_ledger)
    fails(sqlite_ledger, capsys, "letter", "1", "--route", "cpam", "--out", str(tmp_path / "out"))
    assert rows(sqlite_ledger) == before


COUNCIL = ["council", "1", "--confirm", "chirurgiens_dentistes/69", "--practice", "liberal", "--how", "annuaire"]


def test_a_council_is_kept(sqlite_ledger: Ledger) -> None:
    prepared(sqlite_ledger, confirmed=False)
    status, said = run(sqlite_ledger, *COUNCIL, "--on", "2026-03-01")
    assert status == 0 and "Rhône" in said
    with sqlite_ledger.session() as session:
        kept = session.scalars(select(CouncilAnswer)).one()
        assert (kept.council, kept.practice, kept.answered_on) == (
            "chirurgiens_dentistes/69",
            "liberal",
            date(2026, 3, 1),
        )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--confirm": "boulangers/69"}, "no council of that key"),
        ({"--confirm": "medecins/999"}, "no council of that key"),
        ({"--practice": "weekend"}, "a practice is one of"),
        ({"--how": "  "}, "--how needs words"),
        ({"--on": "hier"}, "a day is written as 2026-03-01"),
        ({"--on": TOMORROW}, "has not come yet"),
        ({"case": "77"}, "there is no case 77"),
    ],
)
def test_an_answer_of_an_order_that_cannot_be_kept(
    sqlite_ledger: Ledger, capsys: pytest.CaptureFixture[str], change: dict[str, str], said: str
) -> None:
    prepared(sqlite_ledger, confirmed=False)
    words = [*COUNCIL, "--on", "2026-03-01"]
    for name, value in change.items():
        words[1 if name == "case" else words.index(name) + 1] = value
    before = rows(sqlite_ledger)
    assert said in fails(sqlite_ledger, capsys, *words)
    assert rows(sqlite_ledger) == before


def test_what_was_sent_and_what_came_back(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    prepared(sqlite_ledger)
    (tmp_path / "letter.pdf").write_bytes(b"%PDF")
    more = ["--on", "2026-03-02", "--tracking", "1A 000", "--letter", str(tmp_path / "letter.pdf")]
    assert run(sqlite_ledger, *SENT, *more) == (0, "letter 1: kept\n")
    assert run(sqlite_ledger, "answer", "1", "received", "--on", "2026-03-04")[0] == 0
    status, said = run(sqlite_ledger, "deadlines", "--json")
    first = json.loads(said.splitlines()[0])
    assert (first["letter"], first["case"], first["route"], first["since"]) == (1, 1, "complaint", "2026-03-04")
    assert (status == 1) == (first["late"] > 0)
    assert run(sqlite_ledger, "deadlines", "--case", "9") == (0, "")
    assert run(sqlite_ledger, "answer", "1", "withdrawn_complaint", "--on", "2026-03-05", "--note", "retiré")[0] == 0
    assert run(sqlite_ledger, "deadlines") == (0, "")
    with sqlite_ledger.session() as session:
        sending = session.scalars(select(Sending)).one()
        assert (sending.tracking, sending.letter_sha256) == ("1A 000", hashlib.sha256(b"%PDF").hexdigest())
        assert sending.dossier_id is not None


def test_deadlines_end_with_1_when_a_time_has_run_out(sqlite_ledger: Ledger) -> None:
    prepared(sqlite_ledger)
    run(sqlite_ledger, *SENT, "--on", "2020-01-06")
    run(sqlite_ledger, "answer", "1", "received", "--on", "2020-01-07")
    status, said = run(sqlite_ledger, "deadlines", "--within", "7")
    assert status == 1 and "en retard de" in said and "letter 1, case 1" in said
    run(sqlite_ledger, *SENT, "--on", YESTERDAY)
    assert run(sqlite_ledger, "deadlines", "--within", "0")[1].count("letter 2") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*SENT[:2], "--route", "telegram", *SENT[4:]], "a route is one of"),
        ([*SENT[:5], " ", *SENT[6:]], "--to and --how need words"),
        (["sent", "88", *SENT[2:]], "there is no case 88"),
        ([*SENT, "--on", "2026-13-01"], "a day is written as 2026-03-01"),
        ([*SENT, "--on", TOMORROW], "has not come yet"),
        ([*SENT, "--letter", "/nowhere/letter.pdf"], "/nowhere/letter.pdf"),
        (["answer", "7", "received"], "there is no letter 7"),
        (["answer", "1", "applauded", "--on", "2026-03-04"], "a step is one of"),
        (["answer", "1", "sent", "--on", "2026-03-04"], "a step is one of"),
        (["answer", "1", "received", "--on", "2026-03-01"], "left on 2026-03-02"),
        (["answer", "1", "decided", "--on", "2026-03-04"], "has no « transmitted » before it"),
    ],
)
def test_what_cannot_have_happened(
    sqlite_ledger: Ledger, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    prepared(sqlite_ledger)
    run(sqlite_ledger, *SENT, "--on", "2026-03-02")
    before = rows(sqlite_ledger)
    assert said in fails(sqlite_ledger, capsys, *words)
    assert rows(sqlite_ledger) == before


@pytest.mark.parametrize("words", [["deadlines"], SENT, COUNCIL, ["answer", "1", "received"]])
def test_a_home_without_a_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert ends(capsys, *words, "--home", str(tmp_path / "nothing"))


def test_a_full_disk_leaves_neither_half_of_a_letter(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(sqlite_ledger)
    before, whole = rows(sqlite_ledger), Path.open

    def full(path: Path, *words: str, **more: str) -> object:
        if path.suffix == ".txt" and "x" in "".join(words):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return whole(path, *words, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    fails(sqlite_ledger, capsys, "letter", "1", "--route", "cpam", "--out", str(tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == [] and rows(sqlite_ledger) == before
