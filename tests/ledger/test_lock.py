"""One run at a time in one home; the second is told at once who holds it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger import Busy, LedgerUnavailable
from ledger.lock import exclusive

HOLD = (
    "import sys, time; from pathlib import Path; from ledger.lock import exclusive\n"
    "with exclusive(Path(sys.argv[1]), 'crawl doctolib'):\n"
    "    sys.stdout.write('held\\n'); sys.stdout.flush(); time.sleep(60)\n"
)


def test_a_second_run_is_told_of_the_first_at_once(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        start = time.monotonic()
        wanted = rf"crawl doctolib \(process {other.pid}, since 20\d\d-"
        with pytest.raises(Busy, match=wanted) as told, exclusive(home, "detect"):
            pass
        assert time.monotonic() - start < 1
        assert "\n" not in str(told.value)
        other.kill()
    with exclusive(home, "detect"):  # the kernel let go of the lock of the run that was killed
        pass


def test_the_same_process_is_refused_too(home: Path) -> None:
    with exclusive(home, "detect"), pytest.raises(Busy, match=str(os.getpid())), exclusive(home, "replay"):
        pass


def test_a_run_that_fails_lets_go(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(home, "detect"):
        raise ZeroDivisionError
    assert (home / "run.lock").read_text() == ""
    with exclusive(home, "replay"):
        assert "replay" in (home / "run.lock").read_text()


def test_a_home_that_cannot_be(home: Path) -> None:
    home.write_text("")
    with pytest.raises(LedgerUnavailable), exclusive(home, "detect"):
        pass
