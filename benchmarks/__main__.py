"""`make bench`: the reader beside a keyword list, and the evidence store beside plain files. Ratios of medians."""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from detection import load_reader
from ledger import EvidenceStore
from ledger.warc import Exchange, to_warc_gz

HOLDOUT = Path(__file__).parent.parent / "tests" / "detection" / "holdout.jsonl"
FLAGGED = ("refusal", "restriction", "deterrence")
BENEFIT = re.compile(
    r"\b(c\.?m\.?u|c2s|acs|ame|compl[ée]mentaire sant[ée] solidaire|aide m[ée]dicale)\b", re.IGNORECASE
)
REFUSING = re.compile(r"\b(pas|non|refus\w*|sauf|hors|aucun\w*|plus|uniquement|seulement)\b", re.IGNORECASE)


def keyword_list(text: str) -> bool:
    """The peer: a benefit and a refusing word anywhere in the passage."""
    return bool(BENEFIT.search(text) and REFUSING.search(text))


def scores(gold: list[bool], said: list[bool]) -> str:
    """Precision, recall and F1 of the flag."""
    hit = sum(a and b for a, b in zip(gold, said, strict=True))
    precision, recall = hit / max(1, sum(said)), hit / max(1, sum(gold))
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return f"precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}"


def median_seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Median of several runs, in seconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def reading() -> None:
    """The reader on passages whose texts its rules were not written from (decision 0005 says what that is worth)."""
    rows = [json.loads(line) for line in HOLDOUT.read_text("utf-8").splitlines()]
    reader = load_reader()
    gold = [row["stance"] in FLAGGED for row in rows]
    readings = [reader.read(row["text"], row["field"]) for row in rows]
    print(f"reader, {len(rows)} held-out passages: {scores(gold, [one.flagged for one in readings])}")
    print(f"keyword list, same passages:    {scores(gold, [keyword_list(row['text']) for row in rows])}")
    right = sum(one.stance == row["stance"] for one, row in zip(readings, rows, strict=True))
    print(f"stance right: {right / len(rows):.3f}")
    ours = median_seconds(lambda: [reader.read(row["text"], row["field"]) for row in rows])
    peer = median_seconds(lambda: [keyword_list(row["text"]) for row in rows])
    print(f"time on passages that name a benefit, reader / keyword list: {ours / peer:.0f}")


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

    print(f"200 captures, evidence store / plain files: {median_seconds(store) / median_seconds(plain):.1f}")


if __name__ == "__main__":
    reading()
    keeping()
