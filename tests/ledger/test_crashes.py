"""A process that is killed anywhere in capture, seal or stamp loses nothing that was acknowledged, and breaks no chain.

`make bench` does a thousand points; here is a sample.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.crashes import kill_many
from benchmarks.export_crashes import kill_exports
from ledger.sealing.tokens import Authority
from monitor.local_authority import LocalAuthority

POINTS, EXPORTS = 10, 20


def test_killed_anywhere_nothing_is_lost(tmp_path: Path, sqlite_template: bytes) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    local = LocalAuthority(tmp_path / "authority")
    authority = Authority("aa", "http://127.0.0.1:9/", local.certificates)
    report = kill_many(tmp_path / "homes", sqlite_template, POINTS, authority, local.answer)
    assert report.faults == []
    assert report.kills == POINTS
    assert report.landed >= POINTS // 2
    assert sorted(report.recoveries)[POINTS // 2] < 2 * 5  # seconds; the level is 2, on an idle machine


def test_row_sealed_export_killed_anywhere_leaves_nothing_half_made(tmp_path: Path) -> None:
    """What is visible is whole and logged, the ledger holds, and the next export clears what the dead one left."""
    report = kill_exports(tmp_path, EXPORTS)
    assert report.faults == []
    assert report.kills == EXPORTS
    assert report.landed >= EXPORTS // 2
    assert sorted(report.recoveries)[EXPORTS // 2] < 2 * 5  # seconds; the level is 2, on an idle machine
