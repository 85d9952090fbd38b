"""Any change of a byte is found, and no intact bundle is suspected. `make bench` runs the full counts."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import bundle_world as world
import changes
import pytest

from ledger.verifying import verify
from ledger.verifying.paths import verify_path

CHANGES, INTACT, STAMPED = 100, 25, 3


def failures(path: Path) -> list[str]:
    checks = [*verify.Bundle(str(path)).run(), *verify_path(path).checks]
    return [f"{check.name}: {check.detail}" for check in checks if check.state == verify.FAILED]


def test_every_change_is_found(sealed: world.Made, tmp_path: Path) -> None:
    chance = random.Random(20261125)
    copy = tmp_path / "dossier-000001"
    shutil.copytree(sealed.folder, copy)
    shutil.copy(sealed.zip, copy.with_suffix(".zip"))
    for number in range(CHANGES):
        path, target, before = changes.damage(sealed, copy, chance)
        assert any(check.state == verify.FAILED for check in verify.Bundle(str(path)).run(quick=True)), (number, target)
        assert verify_path(path, quick=True).failed, (number, target)
        target.write_bytes(before)
    assert failures(copy) == [] == failures(copy.with_suffix(".zip"))


def test_no_false_alarm(authority: world.Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.bundle.folder.os.fsync", lambda _handle: None)
    chance = random.Random(20261126)
    signer = world.signer()
    for number in range(INTACT):
        tsa, key = (authority, signer) if number < STAMPED else (None, None)
        made = world.write(tmp_path / str(number), world.varied(chance, tsa), authority=tsa, signer=key)
        assert failures(made.folder) == [], number
        assert failures(made.zip) == [], number
        shutil.rmtree(tmp_path / str(number))
