"""`vigie export --case`: the clean captures of the case go along, with what each is worth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import bundle_world as world
import pytest

from benchmarks.export_crashes import furnish, leave
from ledger import EvidenceDamaged, Ledger
from ledger.bundle.folder import PARTIAL, staging
from ledger.erasure import erase
from ledger.verifying import verify
from ledger.verifying.paths import verify_path


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("furnished") / "home"
    furnish(home)
    return home


@pytest.fixture
def ledger(furnished: Path, tmp_path: Path) -> Iterator[Ledger]:
    """A home with one case, its two pages and one clean capture."""
    shutil.copytree(furnished, tmp_path / "home")
    opened = Ledger.open(tmp_path / "home")
    yield opened
    opened.close()


def states(path: Path) -> dict[str, str]:
    return {check.name: check.state for check in verify_path(path).checks}


def clean_entry(folder: Path) -> dict[str, object]:
    entries = json.loads((folder / "data/evidence.json").read_bytes())["captures"]
    (found,) = [entry for entry in entries if entry["kind"] == "clean_capture"]
    return dict(found)


def test_the_export_of_a_case_carries_its_clean_captures_and_their_grades(ledger: Ledger, tmp_path: Path) -> None:
    told = json.loads(leave(ledger.home, tmp_path / "out"))
    assert (told["captures"], told["clean_captures"]) == (2, ["complète"])
    folder = Path(told["path"])
    entry = clean_entry(folder)
    assert entry["grade"] == "complète" and entry["seal"] == 2
    names = {path.name for path in (folder / "data/exhibits/clean-000001").iterdir()}
    assert names == {"facts.json", "page-01.png", "texte.txt"}
    assert "failed" not in states(Path(told["zip"])).values()
    assert states(folder)["inclusion"] == states(folder)["warc"] == states(folder)["custody"] == "passed"


def test_a_grade_that_the_facts_do_not_give_is_found(ledger: Ledger, tmp_path: Path) -> None:
    folder = Path(json.loads(leave(ledger.home, tmp_path / "out"))["path"])
    path = folder / "data/evidence.json"
    path.write_bytes(path.read_bytes().replace(world.canonical("complète")[:-1], world.canonical("incomplète")[:-1]))
    assert {check.name: check.state for check in verify.Bundle(str(folder)).run("zip warc")}["warc"] == "failed"


def test_an_erased_clean_capture_stays_behind_and_a_damaged_one_refuses(ledger: Ledger, tmp_path: Path) -> None:
    (image,) = [path for path in ledger.store.root.rglob("*.bin") if path.read_bytes() == b"image"]
    image.chmod(0o600)
    image.write_bytes(b"autre")
    with pytest.raises(EvidenceDamaged):
        leave(ledger.home, tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    erase(ledger, [1], reason="demande d’effacement", actor="operator", kind="clean_capture")
    told = json.loads(leave(ledger.home, tmp_path / "out"))
    assert told["clean_captures"] == [] and "failed" not in states(Path(told["zip"])).values()


def test_what_a_dead_process_left_is_cleared_and_what_a_living_one_makes_is_not(tmp_path: Path) -> None:
    dead = tmp_path / f"{PARTIAL}mort"
    dead.mkdir()
    (dead / "reste").write_bytes(b"x")
    (tmp_path / f"{PARTIAL}mort.zip").write_bytes(b"x")
    (tmp_path / f"{PARTIAL}lien").symlink_to(tmp_path / "ailleurs")
    with staging(tmp_path) as living:
        assert list(tmp_path.iterdir()) == [living.folder]
        with staging(tmp_path):
            assert living.folder.is_dir()
