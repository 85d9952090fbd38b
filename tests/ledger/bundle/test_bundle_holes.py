"""Forgeries, consistent in every list, that once passed without an anchor: each stays found, by both verifiers."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bundle_world as world
import pytest
from attacks import Scene, edit_evidence, rebag, repack_wacz

from ledger.verifying import verify
from ledger.verifying.paths import verify_path
from ledger.verifying.wacz import verify_wacz

AT = datetime.now(UTC) - timedelta(minutes=2)
LONG = "https://annuaire.vigie-essai.fr/dentiste/1?" + "x" * 300


@pytest.fixture
def scene(tmp_path: Path, sealed: world.Made, authority: world.Authority) -> Scene:
    """An address so long that its leaf has its hash alone, and a repeat of the same page; all of it sealed."""
    page = world.Item("capture", 1, LONG, AT, world.body(1), world.warc(1, AT), "exhibits/piece-01-capture.warc.gz")
    again = world.Item("capture", 2, LONG, AT + timedelta(seconds=5), page.body, page.data, page.file, revisit_of=1)
    case = world.assemble([page, again], per_seal=2, authority=None, chance=random.Random(1))
    made = world.write(tmp_path, case)
    found = Scene(made.folder, made.zip, made, authority, authority)
    rebag(found)
    assert not failed(found.folder)
    return found


def failed(path: Path) -> set[str]:
    """The checks that failed, for both verifiers alike."""
    mine = {check.name for check in verify.Bundle(str(path)).run() if check.state == verify.FAILED}
    assert mine <= {check.name for check in verify_path(path).checks if check.state == verify.FAILED}
    return mine


def forged(scene: Scene, name: str) -> str:
    """A forged page laid into the bundle; its hash."""
    data = world.warc(1, AT, "accueille les patients C2S")
    scene.file(name).write_bytes(data)
    return world.sha256(data)


def a_twin_before_the_true_one(scene: Scene) -> None:
    """Two entries of one number: a check that keeps the last never looked at the first."""
    name = "exhibits/piece-00-capture.warc.gz"
    digest = forged(scene, name)
    edit_evidence(
        scene, lambda value: value["captures"].insert(0, value["captures"][0] | {"file": name, "sha256": digest})
    )


def a_repeat_of_a_page_taken_out_of_its_seal(scene: Scene) -> None:
    """The repeat is sealed without bytes of its own: those it took from an unsealed first page were believed."""
    digest = forged(scene, "exhibits/piece-01-capture.warc.gz")
    shutil.rmtree(scene.folder / "data/captures.wacz", ignore_errors=True)
    (scene.folder / "data/captures.wacz").unlink(missing_ok=True)
    scene.file("proofs/capture-000001.json").unlink()

    def change(value: dict[str, Any]) -> None:
        for entry in value["captures"]:
            entry["sha256"] = digest
        value["captures"][0].update(seal=None, reason="pas encore sous scellé")

    edit_evidence(scene, change)


def no_address(scene: Scene) -> None:
    """No address agreed with a leaf that has the hash of one."""
    edit_evidence(scene, lambda value: value["captures"][0].update(url=None))


def a_picture_in_a_visit_that_nobody_announced(scene: Scene) -> None:
    """What lies in the folder of a clean capture is read as part of it."""
    folder = scene.file("exhibits/clean-000009")
    folder.mkdir()
    (folder / "page-01.png").write_bytes(b"une autre image")


HOLES: dict[Callable[[Scene], None], str] = {
    a_twin_before_the_true_one: "inclusion",
    a_repeat_of_a_page_taken_out_of_its_seal: "inclusion",
    no_address: "inclusion",
    a_picture_in_a_visit_that_nobody_announced: "warc",
}


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.__name__)
def test_a_hole_stays_closed(hole: Callable[[Scene], None], scene: Scene) -> None:
    hole(scene)
    rebag(scene)
    assert failed(scene.folder) == {HOLES[hole]}


@pytest.mark.parametrize("name", ["indexes/index.cdxj", "pages/pages.jsonl"])
def test_a_viewer_is_told_no_other_day_than_the_archive_s(name: str, sealed: world.Made) -> None:
    """The index and the list of pages of a WACZ date what a viewer shows."""
    data = (sealed.folder / "data/captures.wacz").read_bytes()
    year = f"{datetime.now(UTC):%Y}".encode()
    before, after = (b" " + year, b" 2020") if name.endswith("cdxj") else (b'"ts": "' + year, b'"ts": "2020')
    changed = repack_wacz(data, name, lambda held: held.replace(before, after))
    assert changed != data
    told = {check.name: check.state for check in verify_wacz(changed)}
    assert told["package"] == verify.PASSED and told["index"] == verify.FAILED


def test_a_damaged_wacz_raises_nothing(sealed: world.Made) -> None:
    """Lengths in its table that point past its end."""
    data = bytearray((sealed.folder / "data/captures.wacz").read_bytes())
    at = data.index(b"PK\x01\x02")
    for place in range(at, at + 46):
        changed = bytes(data[:place]) + bytes([data[place] ^ 0xFF]) + bytes(data[place + 1 :])
        assert any(check.state == verify.FAILED for check in verify_wacz(changed)), place
