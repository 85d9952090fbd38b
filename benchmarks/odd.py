"""Every route of the desk × every parameter × every odd value, by every role that it is open to: no 500, no trace.

`python -m benchmarks odd` (or `python -m benchmarks.odd [SHARE]`, a share between 0 and 1).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from ledger import Ledger

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "review"))


def main(share: float = 1.0) -> None:
    """Ask; raises `SystemExit` when anything was answered badly."""
    from test_review_hostile import odd_world

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "home")
        count, bad = odd_world(ledger, share)
        ledger.close()
    if bad:
        raise SystemExit(f"odd requests: {len(bad)} of {count} answered badly: {bad[:5]}")
    print(f"odd requests: {count} in {time.monotonic() - began:.0f} s, no 500 and no trace")


if __name__ == "__main__":
    main(*(float(word) for word in sys.argv[1:2]))
