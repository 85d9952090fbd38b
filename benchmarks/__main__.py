"""`make bench`: the reader beside its peers, and the evidence store beside plain files. Ratios of medians."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import blindness, desk, hostile, reading
from ledger import EvidenceStore
from ledger.warc import Exchange, to_warc_gz


def keeping() -> None:
    """The evidence store, which syncs and renames, beside plain writes of the same bytes."""
    bodies = [bytes(f"<p>page {number}</p>", "utf-8") * 200 for number in range(200)]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    packed = [
        to_warc_gz(Exchange(f"https://exemple.fr/{n}", "GET", (), b"", 200, "", (), body, moment))
        for n, body in enumerate(bodies)
    ]

    def store() -> None:
        with tempfile.TemporaryDirectory() as folder:
            kept = EvidenceStore(Path(folder))
            for data in packed:
                kept.put(data)

    def plain() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for number, data in enumerate(packed):
                (Path(folder) / str(number)).write_bytes(data)

    ratio = reading.median_seconds(store) / reading.median_seconds(plain)
    print(f"200 captures, evidence store / plain files: {ratio:.1f}")


if __name__ == "__main__":
    reading.main()
    keeping()
    desk.main()
    hostile.main()
    blindness.main()
