"""Tampering in full counts: 5,000 changes of a byte all found, 10,000 intact bundles without a false alarm.

The tests run a sample of both, and every named attack. `python -m benchmarks.tampering` runs this alone.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

CHANGES, INTACT, STAMPED = 5_000, 10_000, 200
WORLD = Path(__file__).parents[1] / "tests" / "ledger" / "bundle"
MEMORY = Path("/dev/shm")  # the disk is not what is measured


def main() -> None:
    """Both counts, with the time of one verification by each verifier."""
    sys.path.insert(0, str(WORLD))
    import bundle_world as world

    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        (folder / "authority").mkdir()
        authority = world.Authority(folder / "authority", "essai")
        _changes(folder, authority)
        _intact(folder, authority)


def _changes(folder: Path, authority: object) -> None:
    """Random single changes of a signed and stamped bundle, half of them in its ZIP."""
    import bundle_world as world
    import changes

    from ledger.verifying import verify
    from ledger.verifying.paths import verify_path

    made = world.make(folder / "sealed", authority=authority, signer=world.signer())
    copy = folder / "dossier-000001"
    shutil.copytree(made.folder, copy)
    shutil.copy(made.zip, copy.with_suffix(".zip"))
    chance, missed, seconds = random.Random(1), 0, [0.0, 0.0]
    for _ in range(CHANGES):
        path, target, before = changes.damage(made, copy, chance)
        began = time.perf_counter()
        alone = any(check.state == verify.FAILED for check in verify.Bundle(str(path)).run(quick=True))
        middle = time.perf_counter()
        full = verify_path(path, quick=True).failed
        seconds = [seconds[0] + middle - began, seconds[1] + time.perf_counter() - middle]
        missed += not (alone and full)
        target.write_bytes(before)
    names = ("verify.py", "vigie verify")
    each = ", ".join(f"{name} {1000 * total / CHANGES:.1f} ms" for name, total in zip(names, seconds, strict=True))
    print(
        f"{CHANGES} changes of one byte or bit in {made.zip.stat().st_size // 1024} KiB: {missed} missed ({each} each)"
    )
    if missed:
        raise SystemExit(1)


def _intact(folder: Path, authority: object) -> None:
    """Varied bundles, as folder and as ZIP, each through both verifiers; some of them signed and stamped."""
    import bundle_world as world

    from ledger.verifying import verify
    from ledger.verifying.paths import verify_path

    chance, signer, alarms = random.Random(2), world.signer(), 0
    began = time.perf_counter()
    for number in range(INTACT):
        tsa, key = (authority, signer) if number % (INTACT // STAMPED) == 0 else (None, None)
        out = folder / "intact"
        made = world.write(out, world.varied(chance, tsa), authority=tsa, signer=key)
        for path in (made.folder, made.zip):
            checks = [*verify.Bundle(str(path)).run(), *verify_path(path).checks]
            alarms += any(check.state == verify.FAILED for check in checks)
        shutil.rmtree(out)
    took = time.perf_counter() - began
    print(f"{INTACT} intact bundles, {STAMPED} of them stamped: {alarms} false alarms in {took:.0f} s")
    if alarms:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
