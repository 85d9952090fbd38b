"""Linking listings with the register at full size, beside plain Splink on the same files in one run.

`python -m benchmarks.linking` makes an invented register of two million rows in two states and 100,000 listings with
the mistakes of `identity/generator/data/noise.yaml`, loads, matches, and judges every answer by the truth.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO, StringIO
from itertools import count, islice
from pathlib import Path

from identity import Registry, Status
from identity.generator import (
    Drawn,
    World,
    dated_scenarios,
    draw,
    homonym_listings,
    organisation_listings,
    write_extraction,
)
from identity.generator.judging import Truths
from monitor.matching import match_lines

ROOT = Path(__file__).parent.parent
SPLINK = ROOT / ".venv-splink"
SPLINK_PIN = "splink==5.0.0"
BEFORE, AFTER = date(2025, 3, 1), date(2026, 3, 1)
CAPTURED = date(2025, 3, 20)
PERSONS, LISTINGS, HOMONYMS, SCENARIOS, ORGANISATIONS = 1_420_000, 100_000, 2_000, 500, 500
SINGLES = 300


@dataclass
class Judged:
    """Answers counted against the truth."""

    linked: int = 0
    wrong: int = 0
    unique: int = 0
    unique_linked: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


def usage() -> tuple[float, float]:
    """(processor seconds of this process, its peak memory in MiB)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def listings(world: World, number: int, seed: int = 0) -> list[Drawn]:
    """The first `number` listings that show somebody."""
    drawn: Iterator[Drawn] = (one for at in count() if (one := draw(world, at, CAPTURED, seed)) is not None)
    return list(islice(drawn, number))


def answers(registry: Registry, lines: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """What `vigie registry match` answers to these listings."""
    source = BytesIO("".join(json.dumps(line) + "\n" for line in lines).encode())
    sink = StringIO()
    errors = match_lines(source, sink, "listings", registry)
    if errors:
        raise RuntimeError(errors[0])
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def judge(drawn: list[Drawn], said: list[dict[str, object]], truths: Truths | None) -> Judged:
    """Count the links, the wrong ones, and those where the truth is unique."""
    judged = Judged()
    for one, answer in zip(drawn, said, strict=True):
        judged.statuses[str(answer["status"])] += 1
        linked = answer["status"] == Status.LINKED
        judged.linked += linked
        if linked and answer["rpps"] != one.truth.rpps:
            judged.wrong += 1
            judged.examples.append(f"{json.dumps(one.listing, ensure_ascii=False)} → {answer}")
        if truths is not None and truths.is_unique(one.truth):
            judged.unique += 1
            judged.unique_linked += linked and answer["rpps"] == one.truth.rpps
    return judged


def _load(folder: Path, files: list[Path]) -> None:
    """Load the states, each in a process of its own, and print what each cost."""
    for file in files:
        began = time.perf_counter()
        code = (
            "import json,resource,sys;from pathlib import Path;from identity import load_extraction;"
            f"r=load_extraction(Path({str(file)!r}),Path({str(folder / 'registry')!r}));"
            "u=resource.getrusage(resource.RUSAGE_SELF);"
            "print(json.dumps([r.rows,r.persons,r.added,r.ended,u.ru_utime+u.ru_stime,u.ru_maxrss/1024]))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        rows, persons, added, ended, processor, memory = json.loads(done.stdout)
        seconds = time.perf_counter() - began
        print(
            f"load {file.name}: {rows:,} rows of {persons:,} people (+{added:,} −{ended:,}) in {seconds:.1f} s "
            f"({processor:.1f} s of processor), peak {memory:,.0f} MiB"
        )


def _scenarios(world: World, registry: Registry, number: int) -> None:
    made = list(dated_scenarios(world, BEFORE, AFTER, number))
    said = answers(registry, (one.listing for one in made))
    right = Counter[str]()
    for one, answer in zip(made, said, strict=True):
        fine = answer["rpps"] == one.rpps if one.known else answer["rpps"] is None
        right[f"{one.kind} {'right' if fine else 'WRONG' if answer['rpps'] not in (None, one.rpps) else 'missed'}"] += 1
    print(f"{len(made)} dated scenarios: {dict(sorted(right.items()))}")


def splink(register: Path, listed: list[Drawn], folder: Path) -> None:
    """Plain Splink on the same extraction and listings, in its own environment; says so when it cannot be had."""
    python = SPLINK / "bin" / "python"
    tool = next((ROOT / ".tools").glob("uv-*/uv"), Path("uv"))
    lines = folder / "listings.jsonl"
    rows = ({**one.listing, "truth": one.truth.rpps} for one in listed)
    lines.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    try:
        if not python.exists():
            subprocess.run([tool, "venv", "-q", "--python", sys.executable, SPLINK], check=True)
            subprocess.run([tool, "pip", "install", "-q", "--python", python, SPLINK_PIN], check=True)
        script = Path(__file__).with_name("splink_plain.py")
        done = subprocess.run([python, script, register, lines], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Splink: not to be had here ({error}; {getattr(error, 'stderr', '')[-300:]})")
        return
    print(done.stdout.strip())


def main(persons: int = PERSONS, number: int = LISTINGS, seed: int = 20, peer: bool = True) -> None:
    """All of it, in a folder that is removed at the end."""
    world = World(seed, persons, min(HOMONYMS, persons // 50))
    print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory(prefix="vigie-linking-") as name:
        folder = Path(name)
        files = [write_extraction(folder, world, day) for day in (BEFORE, AFTER)]
        _load(folder, files)
        registry = Registry(folder / "registry")
        drawn = listings(world, number)
        processor, _ = usage()
        began = time.perf_counter()
        said = answers(registry, (one.listing for one in drawn))
        seconds, processor = time.perf_counter() - began, usage()[0] - processor
        print(
            f"{len(drawn):,} listings in {seconds:.1f} s ({processor:.1f} s of processor), peak {usage()[1]:,.0f} MiB"
        )
        alone = []
        for one in drawn[-SINGLES:]:
            began = time.perf_counter()
            answers(registry, [one.listing])
            alone.append((time.perf_counter() - began) * 1000)
        print(f"one listing: median {sorted(alone)[SINGLES // 2]:.2f} ms, 99 % under {sorted(alone)[-3]:.2f} ms")
        judged = judge(drawn, said, Truths(world, BEFORE))
        share = judged.unique_linked / max(1, judged.unique)
        print(f"{judged.linked:,} automatic links, {judged.wrong} wrong; {dict(judged.statuses)}")
        print(f"truth unique: {judged.unique:,}, of which linked {share:.2%}")
        for name_, other in (
            ("homonym sets", list(homonym_listings(world, CAPTURED))),
            ("organisations", list(organisation_listings(world, ORGANISATIONS, CAPTURED))),
        ):
            counted = judge(other, answers(registry, (one.listing for one in other)), None)
            print(f"{len(other):,} {name_}: {counted.linked} linked, {counted.wrong} wrong; {dict(counted.statuses)}")
            judged.examples += counted.examples
        _scenarios(world, registry, SCENARIOS)
        for example in judged.examples[:10]:
            print("WRONG", example)
        if peer:
            splink(files[0], drawn, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--persons", type=int, default=PERSONS)
    parser.add_argument("--listings", type=int, default=LISTINGS)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--no-splink", action="store_true")
    given = parser.parse_args()
    main(given.persons, given.listings, given.seed, not given.no_splink)
