"""Write the files that matching looks into, from the merged rows: rows in order, look-up keys, counts of names."""

from __future__ import annotations

import csv
import mmap
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from identity.names import squash, words
from identity.names.words import folded
from identity.registry import sql
from identity.registry.columns import TEXT
from identity.registry.files import quoted
from identity.registry.keys import family_keys

CHUNK = 1 << 26  # bytes of rows.txt searched for line ends at once
NEWLINE = 10


def write_index(db: duckdb.DuckDBPyConnection, folder: Path, scratch: Path) -> dict[str, Any]:
    """Write every file of a register but `meta.json`, and return what that must hold."""
    _words_table(
        db, scratch, "family", ("squashed", "key"), lambda name: ((squash(words(name)), k) for k in family_keys(name))
    )
    _words_table(db, scratch, "given", ("squashed",), lambda name: [(squash(words(name)),)])
    _words_table(db, scratch, "town", ("key",), lambda name: [(folded(name),)])
    for statement in (sql.FAMILY_COUNT, sql.GIVEN_COUNT, sql.STANDING):
        db.execute(statement)
    names = db.execute(sql.NAMES).fetchnumpy()
    np.save(folder / "names.npy", np.asarray(names["key"], np.uint64))
    np.save(folder / "bearers.npy", np.asarray(names["n"], np.int32))
    trades = db.execute(sql.TRADES).fetchall()
    towns: dict[str, list[str]] = defaultdict(list)
    for town, prefix in db.execute(sql.TOWNS).fetchall():
        towns[town].append(prefix)
    _write_keys(db, folder, _write_rows(db, folder))
    places, skills = (dict(db.execute(query).fetchall()) for query in (sql.PLACES, sql.SKILLS))
    return {"trades": trades, "towns": towns, "places": places, "skills": skills}


def _write_rows(db: duckdb.DuckDBPyConnection, folder: Path) -> np.ndarray[Any, np.dtype[np.int64]]:
    """`rows.txt`, sorted by person, with `pids.npy` and `offsets.npy`; returns the person of each row."""
    path = folder / "rows.txt"
    texts = ", ".join(f"m.{code}" for code in TEXT)
    db.execute("SET preserve_insertion_order = true")
    db.execute(
        f"COPY ({sql.ROWS.format(texts=texts)}) TO {quoted(path)} "
        "(FORMAT csv, DELIMITER '|', QUOTE '', ESCAPE '', HEADER false)"
    )
    db.execute("SET preserve_insertion_order = false")
    pids = np.asarray(db.execute("SELECT pid FROM merged ORDER BY pid").fetchnumpy()["pid"], np.int64)
    np.save(folder / "pids.npy", pids)
    np.save(folder / "offsets.npy", _line_starts(path, len(pids)))
    return pids


def _line_starts(path: Path, lines: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where each line begins, and where the last ends."""
    starts = np.zeros(lines + 1, np.int64)
    found = 0
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for at in range(0, len(data), CHUNK):
            ends = np.flatnonzero(np.frombuffer(data[at : at + CHUNK], np.uint8) == NEWLINE)
            starts[found + 1 : found + 1 + len(ends)] = ends + at + 1
            found += len(ends)
    if found != lines:
        raise RuntimeError(f"{found} lines written for {lines} rows")
    return starts


def _write_keys(db: duckdb.DuckDBPyConnection, folder: Path, pids: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    found = db.execute(sql.KEYS).fetchnumpy()
    keys = np.asarray(found["key"], np.uint64)
    order = np.argsort(keys, kind="stable")
    np.save(folder / "keys.npy", keys[order])
    owners = np.asarray(found["pid"], np.int64)[order]
    np.save(folder / "owners.npy", np.searchsorted(pids, owners).astype(np.int32))


def _words_table(
    db: duckdb.DuckDBPyConnection,
    scratch: Path,
    column: str,
    made: tuple[str, ...],
    make: Callable[[str], Iterable[tuple[str, ...]]],
) -> None:
    """`<column>_words`: for each different text of a column, what Python makes of it: one rule folds all names."""
    path = scratch / f"{column}.csv"
    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, quoting=csv.QUOTE_ALL)
        for (text,) in db.execute(f"SELECT DISTINCT {column} FROM merged").fetchall():
            writer.writerows((text, *row) for row in make(text))
    spec = ", ".join(f"'{name}': 'VARCHAR'" for name in (column, *made))
    db.execute(
        f"CREATE TEMP TABLE {column}_words AS SELECT * FROM read_csv({quoted(path)}, auto_detect=false, delim=',', "
        f"quote='\"', escape='\"', header=false, allow_quoted_nulls=false, columns={{{spec}}})"
    )
    path.unlink()
