"""Where the register's files stand and how a new state takes the place of the old. It reads no name and no row.

`registry/current` names the folder of the register in force: `rows.txt` (every row ever said, sorted by person),
`pids.npy` and `offsets.npy` (whose row, and where), `keys.npy` and `owners.npy` (look-up keys, sorted, and the first
row of the person), `names.npy` and `bearers.npy` (family names and how many bear them), `meta.json`.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from identity.registry.columns import TEXT
from identity.registry.errors import NoRegistry

FOLDER = "registry"  # in the home
FORMAT = "vigie-registry/1"
SCRATCH = ".loading-"
DAYS = ("since", "until", "family_n", "given_n")
ROW = ("pid", *DAYS, *TEXT)  # the fields of a line of rows.txt


def current(registry: Path) -> Path | None:
    """The folder in force; None where there is no register. Raises `NoRegistry` for one that is damaged."""
    pointer = registry / "current"
    try:
        folder = registry / pointer.read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise NoRegistry(f"{pointer}: cannot be read ({error})") from error
    if folder.parent != registry or not (folder / "meta.json").is_file():
        raise NoRegistry(f"{registry}: the register is damaged: {folder.name} is missing; load it anew")
    return folder


def read_meta(folder: Path) -> dict[str, Any]:
    """What the register says of itself. Raises `NoRegistry` for one of another version."""
    try:
        meta = json.loads((folder / "meta.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NoRegistry(f"{folder}: the register is damaged ({error}); load it anew") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise NoRegistry(f"{folder}: a register of another version; load it anew")
    return meta


def write_meta(folder: Path, meta: dict[str, Any]) -> None:
    """Write `meta.json`."""
    text = json.dumps({"format": FORMAT, **meta}, ensure_ascii=False, separators=(",", ":"))
    (folder / "meta.json").write_text(text, "utf-8")


def put_in_place(registry: Path, fresh: Path, name: str) -> None:
    """Make `fresh` the register, on disk before it is named; then remove the one before it.

    A process that has the one before open goes on reading it: its files live until they are closed.
    """
    for path in fresh.iterdir():
        _sync(path)
    target = registry / name
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    _sync(registry)
    pointer = registry / f"{SCRATCH}current"
    pointer.write_text(name + "\n", "utf-8")
    _sync(pointer)
    pointer.replace(registry / "current")
    _sync(registry)
    sweep(registry)


def sweep(registry: Path) -> None:
    """Remove what an interrupted load left, and registers no longer in force."""
    with suppress(NoRegistry):
        kept = current(registry)
        for path in registry.iterdir():
            if path.is_dir() and path != kept:
                shutil.rmtree(path, ignore_errors=True)


def scan_rows(folder: Path) -> str:
    """The query that reads `rows.txt` back as it was merged."""
    spec = ", ".join(f"'{name}': 'VARCHAR'" for name in ROW)
    texts = ", ".join(f"coalesce({code}, '') AS {code}" for code in TEXT)
    said = ", ".join(f"coalesce({code}, '')" for code in TEXT)
    return (
        f"SELECT pid::BIGINT AS pid, md5_number_lower(concat_ws('|', {said})) AS h, {texts}, since::DATE AS since, "
        f"until::DATE AS until FROM read_csv({quoted(folder / 'rows.txt')}, auto_detect=false, delim='|', quote='', "
        f"escape='', header=false, columns={{{spec}}})"
    )


def quoted(path: Path) -> str:
    """A path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
