"""A process that is killed anywhere in capture, seal or stamp loses nothing that was acknowledged, and breaks no chain.

`make bench` does a thousand points; here is a sample.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.crashes import kill_many
from ledger.sealing.tokens import Authority
from monitor.local_authority import LocalAuthority

POINTS = 10


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
