"""Load an extraction of the register as one more dated state, whole or not at all.

Rows are kept with the days between which the register said them (`since` ≤ day < `until`). The new state is written
into a folder of its own, and one rename makes it the register.
"""

from __future__ import annotations

import hashlib
import re
from codecs import getincrementaldecoder
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from identity.registry import files, sql
from identity.registry.columns import TEXT, Layout, columns, read_layout
from identity.registry.errors import BadExtraction, NoRegistry
from identity.registry.index import write_index
from identity.registry.source import Source, open_source

MEMORY = "600MB"  # DuckDB's own; the process needs about as much again
Tell = Callable[[str], None]


@dataclass(frozen=True)
class LoadReport:
    """What one load did. `added` and `ended` are rows; `rows` and `persons` are those of the new state; `unnumbered`
    rows have an identifier that is no number; `already` says that the same file was loaded before, so nothing was done.
    """

    day: str
    kind: str
    file: str
    sha256: str
    rows: int
    persons: int
    added: int
    ended: int
    unnumbered: int
    already: bool = False


def load_extraction(
    file: Path,
    registry: Path,
    *,
    skills: Path | None = None,
    day: date | None = None,
    difference: bool = False,
    tell: Tell = lambda _step: None,
) -> LoadReport:
    """Load `file` (text or zip) into the register in the folder `registry`, making it when there is none.

    A full extraction says all that holds on its day: what it no longer says has ended. With `difference`, each person
    that the file names has the rows of the file and no other from its day on; a person with one row without profession
    has none left. Raises `BadExtraction` or `NoRegistry`, the register being left as it was.
    """
    registry.mkdir(parents=True, exist_ok=True)
    files.sweep(registry)
    with (
        TemporaryDirectory(prefix=files.SCRATCH, dir=registry) as scratch,
        open_source(file, skills, day, Path(scratch)) as source,
    ):
        layout = read_layout(source.activity)
        skills_layout = _skills_layout(source, layout)
        digest = _sha256([source.activity, *([source.skills] if skills_layout and source.skills else [])])
        before = files.current(registry)
        states = files.read_meta(before)["states"] if before else []
        if report := _known(states, source, digest, difference):
            return report
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        with _connect(Path(scratch)) as db:
            tell("read")
            _read(db, source, layout, skills_layout)
            tell("compare")
            report = _merge(db, before, source, digest, difference)
            tell("index")
            meta = write_index(db, fresh, Path(scratch))
        loaded = {**asdict(report), "loaded_at": datetime.now(UTC).isoformat(timespec="seconds")}
        files.write_meta(fresh, {**meta, "states": [*states, loaded]})
        files.put_in_place(registry, fresh, f"{report.day}-{digest[:12]}")
    return report


def _connect(scratch: Path) -> duckdb.DuckDBPyConnection:
    """A database of this load alone, that keeps to its share of memory and never reaches for the network."""
    config: dict[str, Any] = {
        "memory_limit": MEMORY,
        "threads": 2,
        "temp_directory": str(scratch / "spill"),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    db = duckdb.connect(str(scratch / "load.duckdb"), config=config)
    db.execute("SET enable_progress_bar = false")  # a slow load would draw it on standard output, among the answers
    return db


def _skills_layout(source: Source, layout: Layout) -> Layout | None:
    """The layout of the skills file where the activity file has no skills. Raises `BadExtraction` without one."""
    if layout.has_skills:
        return None
    if source.skills is None:
        missing = next(column for column in columns() if column.skill)
        raise BadExtraction(
            f"{source.name}: the column « {missing.names[-1]} » is missing: this extraction keeps the skills in "
            "PS_LibreAcces_SavoirFaire_*.txt; name that file with --skills, or load the zip"
        )
    return read_layout(source.skills, skills_file=True)


def _known(states: list[dict[str, Any]], source: Source, digest: str, difference: bool) -> LoadReport | None:
    """The report of an earlier load of the same file. Raises `BadExtraction` for a day that is not after the last."""
    if difference and not states:
        raise BadExtraction(f"{source.name}: a difference needs a full extraction before it")
    day = source.day.isoformat()
    for state in states:
        if state["sha256"] == digest and state["day"] == day:
            kept = {name: state[name] for name in LoadReport.__dataclass_fields__}
            return LoadReport(**{**kept, "added": 0, "ended": 0, "already": True})
    if states and day <= states[-1]["day"]:
        raise BadExtraction(
            f"{source.name}: of {day}, but the register already knows {states[-1]['day']}; states are loaded in order"
        )
    return None


def _read(db: duckdb.DuckDBPyConnection, source: Source, layout: Layout, skills_layout: Layout | None) -> None:
    """Fill `incoming` with the rows of the extraction. Raises `BadExtraction` at the line of the first fault."""
    db.execute(f"CREATE TEMP VIEW raw AS {_scan(source.activity, layout)}")
    rows = "SELECT * FROM raw"
    if skills_layout is not None and source.skills is not None:
        db.execute(f"CREATE TEMP VIEW raw_skills AS {_scan(source.skills, skills_layout)}")
        kept = ", ".join(f"s.{column.code}" if column.skill else f"r.{column.code}" for column in columns())
        kept = kept.replace("r.national_id", "national_id")
        rows = sql.SKILLED.format(columns=kept)
    db.execute(f"CREATE TEMP VIEW rows_in AS {rows}")
    said = ", ".join(f"coalesce({code}, '')" for code in TEXT)
    texts = ", ".join(f"coalesce({code}, '') AS {code}" for code in TEXT)
    try:
        db.execute(f"CREATE TEMP TABLE incoming AS {sql.INCOMING.format(said=said, texts=texts)}")
    except duckdb.Error as error:
        raise BadExtraction(_line_of(error, source)) from error
    if not _one(db, "SELECT count(*) FROM incoming")[0]:
        raise BadExtraction(f"{source.name}: no line after the header")


def _scan(path: Path, layout: Layout) -> str:
    spec = ", ".join(f"'{name}': 'VARCHAR'" for name in layout.names)
    return (
        f"SELECT {', '.join(name for name in layout.names if name in TEXT)} FROM read_csv({files.quoted(path)}, "
        f"auto_detect=false, delim='|', quote='', escape='', header=false, skip=1, columns={{{spec}}})"
    )


def _line_of(error: duckdb.Error, source: Source) -> str:
    """One line for what DuckDB says at length: which file, which line, what is wrong there."""
    text = str(error)
    line = re.search(r"Line: (\d+)", text)
    file = re.search(r"file = (\S+)", text)
    name = Path(file.group(1)).name if file else source.name
    if "unicode" in text.lower():
        what = "not UTF-8"
    elif counted := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        what = f"{counted.group(2)} fields instead of {counted.group(1)}"
    else:
        what = (text.splitlines() or ["no reason given"])[0]
    return f"{name}:{line.group(1)}: {what}" if line else f"{name}: {what}"


def _merge(
    db: duckdb.DuckDBPyConnection, before: Path | None, source: Source, digest: str, difference: bool
) -> LoadReport:
    """Make `merged`: every row ever said, with its days, from the register before and the rows that came in."""
    day = source.day.isoformat()
    if before:
        db.execute(f"CREATE TEMP TABLE history AS {files.scan_rows(before)}")
    else:
        empty = "SELECT *, NULL::DATE AS since, NULL::DATE AS until FROM incoming LIMIT 0"
        db.execute(f"CREATE TEMP TABLE history AS {empty}")
    named, kept = (sql.NAMED, sql.KEPT) if difference else ("", "")
    try:
        db.execute(
            f"CREATE TEMP TABLE merged AS {sql.MERGED.format(history='history', day=day, named=named, kept=kept)}"
        )
    except duckdb.Error as error:
        raise NoRegistry(f"{before}: the register cannot be read ({str(error).splitlines()[0]})") from error
    db.execute("DROP TABLE incoming")
    db.execute("DROP TABLE history")
    rows, persons, unnumbered = _one(
        db, "SELECT count(*), count(DISTINCT pid), count(*) FILTER (pid < 0) FROM merged WHERE until IS NULL"
    )
    added, ended = _one(
        db, f"SELECT count(*) FILTER (since = DATE '{day}'), count(*) FILTER (until = DATE '{day}') FROM merged"
    )
    kind = "difference" if difference else "full"
    return LoadReport(day, kind, source.name, digest, rows, persons, added, ended, unnumbered)


def _one(db: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = db.execute(query).fetchone()
    if row is None:
        raise NoRegistry("the register answers nothing")
    return tuple(row)


def _sha256(paths: list[Path]) -> str:
    """The hash of the files' bytes, which must be UTF-8 to the last. Raises `BadExtraction` at the line."""
    digest = hashlib.sha256()
    for path in paths:
        decoder = getincrementaldecoder("utf-8")()
        lines = 1
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    line = lines + chunk.count(b"\n", 0, max(0, error.start))
                    raise BadExtraction(f"{path.name}:{line}: not UTF-8") from error
                lines += chunk.count(b"\n")
    return digest.hexdigest()
