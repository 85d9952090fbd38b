"""`vigie registry`: what it prints, its exit status, and one clear line for what cannot be done."""

from __future__ import annotations

import json
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path

import pytest

from identity import Registry
from identity.generator import World, write_extraction
from identity.registry import FOLDER
from monitor import cli
from monitor.matching import match_lines


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a small register."""
    folder = tmp_path_factory.mktemp("home")
    path = write_extraction(folder / "files", World(seed=4, persons=300), date(2026, 1, 5))
    assert run("registry", "load", str(path), "--home", str(folder)) == 0
    return folder


def run(*arguments: str) -> int:
    """The exit status of `vigie` with these arguments."""
    try:
        cli.app(list(arguments), standalone_mode=False)
    except cli.VigieError:
        return 2
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_load_tells_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_extraction(tmp_path / "files", World(seed=4, persons=50), date(2026, 1, 5))
    assert run("registry", "load", str(path), "--home", str(tmp_path), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["day"], told["kind"], told["already"]) == ("2026-01-05", "full", False)
    assert run("registry", "states", "--home", str(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["persons"] == told["persons"]


def test_a_bad_file_is_one_line_and_status_two(home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "PS_LibreAcces_Personne_activite_202602010700.txt"
    bad.write_text("nom|prenom|\n", "utf-8")
    before = (home / FOLDER / "current").read_text("utf-8")
    assert run("registry", "load", str(bad), "--home", str(home)) == 2
    assert run("registry", "load", str(tmp_path / "absent.txt"), "--home", str(home)) == 2
    assert (home / FOLDER / "current").read_text("utf-8") == before
    assert run("registry", "match", "--home", str(tmp_path)) == 2


def test_every_line_is_answered_in_order(home: Path) -> None:
    lines = [
        b'{"id": 1, "display_name": "Cabinet du Lac"}',
        b"{not json",
        b"",
        b'{"id": "b", "display_name": 7}',
        b'{"id": "c", "display_name": null, "captured_on": "2026-02-01T10:00:00Z"}',
        b'{"id": "d", "captured_on": "yesterday"}',
        b'{"display_name": "Dr X"}',
        b'{"id": "e", "display_name": "Dr \\ud800 Petit", "rpps": "\\ud800"}',
        b'\xff\xfe{"id": 3}',
    ]
    sink = StringIO()
    errors = match_lines(BytesIO(b"\n".join(lines)), sink, "input", Registry(home / FOLDER))
    said = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert [line["id"] for line in said] == [1, None, "b", "c", "d", None, "e", None]
    assert [line.get("status") for line in said][:1] == ["organisation"]
    assert [error.split(":")[1] for error in errors] == ["2", "4", "6", "7", "9"]
    sink.getvalue().encode("utf-8")
    assert set(said[0]) == {
        "id", "status", "rpps", "score", "margin", "reasons", "runner_up", "registry_date", "version",
    }  # fmt: skip


def test_match_ends_with_status_two_when_a_line_is_wrong(home: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.jsonl"
    good.write_text('{"id": 1, "display_name": "Dr Ange Gabarit"}\n', "utf-8")
    assert run("registry", "match", str(good), "--home", str(home)) == 0
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": 1}\n[]\n', "utf-8")
    assert run("registry", "match", str(bad), "--home", str(home)) == 2
    assert run("registry", "match", str(tmp_path / "absent"), "--home", str(home)) == 2
