"""Every kind of PDF that leaves, against our own rules and against two checkers of PDF/UA-1 that are not ours.

`python -m benchmarks.pdf [NAME …]`. The checkers (outloud, pdfua) live in an environment of their own, made on the
first run; where they are not to be had, that is said. `VERAPDF=/path/to/verapdf` runs veraPDF, which needs Java, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/reports"))

from pdf_rules import RULES, broken
from pdf_variants import VARIANTS, variants

from ledger import Ledger

ROOT = Path(__file__).parent.parent
CHECKERS = ROOT / ".venv-pdf"
PINS = ("outloud==0.2.1", "pdfua==0.1.3")


def _checkers() -> Path | None:
    """The folder of the checkers' programs; None where they cannot be installed."""
    tool = next((ROOT / ".tools").glob("uv-*/uv"), Path("uv"))
    try:
        if not (CHECKERS / "bin/outloud").exists():
            subprocess.run([tool, "venv", "-q", "--clear", "--python", sys.executable, CHECKERS], check=True)
            subprocess.run([tool, "pip", "install", "-q", "--python", CHECKERS / "bin/python", *PINS], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"outloud, pdfua: not to be had here ({error})")
        return None
    return CHECKERS / "bin"


def _outloud(programs: Path, files: list[Path], folder: Path) -> None:
    report = folder / "outloud.json"
    subprocess.run(
        [programs / "outloud", *files, "--json", report, "--fail-on", "never"], capture_output=True, check=True
    )
    results = json.loads(report.read_text("utf-8"))["results"]
    counted: Counter[str] = Counter()
    for result in results:
        for found in result["findings"]:
            counted[f"{found['severity']} {found['rule']} {found['message']}"] += 1
            if found["severity"] == "error":
                print(f"  outloud: {Path(result['path']).name}: {found['rule']} {found['message']}")
    errors = sum(result["counts"]["error"] for result in results)
    print(f"outloud: {len(results)} files, {errors} errors; warnings: {dict(counted)}")


def _pdfua(programs: Path, files: list[Path]) -> None:
    failed = 0
    for file in files:
        done = subprocess.run([programs / "pdfua", "check", file], capture_output=True, text=True, check=False)
        failed += done.returncode != 0
        if done.returncode:
            print(f"  pdfua: {file.name}: {done.stdout[-300:]}{done.stderr[-200:]}")
    print(f"pdfua: {len(files)} files, {failed} not passed")


def _verapdf(files: list[Path]) -> None:
    program = os.environ.get("VERAPDF", "")
    if not program:
        print("veraPDF: not run (set VERAPDF to its program)")
        return
    for flavour in ("3a", "ua1"):
        told = [program, "--flavour", flavour, "--format", "text", *files]
        done = subprocess.run(told, capture_output=True, text=True, check=False)
        print(f"veraPDF {flavour}: {done.stdout.count('PASS ')} passed, {done.stdout.count('FAIL ')} failed")


def main(*wanted: str) -> None:
    """Make the files, then ask each checker."""
    with tempfile.TemporaryDirectory(prefix="vigie-pdf-") as name:
        folder = Path(name)
        Ledger.open(folder / "empty").close()
        (folder / "files").mkdir()
        files, faults = [], 0
        for variant, data in variants(folder, (folder / "empty/ledger.sqlite").read_bytes(), wanted):
            files.append(folder / "files" / f"{variant}.pdf")
            files[-1].write_bytes(data)
            found = broken(data)
            faults += bool(found)
            for what in found:
                print(f"  {variant}: {what}")
        print(f"{len(files)} of {len(VARIANTS)} kinds of PDF, {len(RULES)} rules of our own: {faults} break one")
        if programs := _checkers():
            _outloud(programs, files, folder)
            _pdfua(programs, files)
        _verapdf(files)


if __name__ == "__main__":
    main(*sys.argv[1:])
