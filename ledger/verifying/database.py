"""Read the rows of a ledger as they stand, without the code that writes them. It opens nothing for writing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from reference.errors import VigieError

Row = dict[str, Any]
PORTION = 5_000


class NoLedger(VigieError):
    """There is no ledger to verify at that place, or it cannot be read."""


class Rows:
    """The rows of one ledger. Times come as evidence writes them, JSON as values."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        """Open the SQLite ledger of a home, or the PostgreSQL of that address, for reading. Raises `NoLedger`."""
        path = home / "ledger.sqlite"
        self._sqlite: sqlite3.Connection | None = None
        self._postgresql: psycopg.Connection[Row] | None = None
        try:
            if url:
                plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
                self._postgresql = psycopg.connect(plain, row_factory=dict_row)
                self._postgresql.read_only = True
            elif path.is_file():
                self._sqlite = _open_sqlite(path)
            else:
                raise NoLedger(f"{home}: there is no ledger here")
            next(self.query("SELECT version_num FROM alembic_version"))
        except (sqlite3.Error, psycopg.Error, StopIteration) as error:
            raise NoLedger(
                f"{(url and 'the database') or path}: not a readable ledger ({str(error).strip()[:200]})"
            ) from error

    def query(self, sql: str) -> Iterator[Row]:
        """The rows of one SELECT, a portion at a time."""
        if self._sqlite is not None:
            with closing(self._sqlite.execute(sql)) as cursor:
                names = [column[0] for column in cursor.description]
                while rows := cursor.fetchmany(PORTION):
                    yield from (dict(zip(names, row, strict=True)) for row in rows)
        elif self._postgresql is not None:
            with self._postgresql.cursor(name="verify") as cursor:
                cursor.itersize = PORTION
                yield from cursor.execute(sql)

    def has(self, table: str) -> bool:
        """Whether the ledger has that table: an older one may not."""
        if self._sqlite is not None:
            return any(self.query(f"SELECT 1 FROM sqlite_master WHERE name = '{table}'"))
        return any(self.query(f"SELECT 1 FROM information_schema.tables WHERE table_name = '{table}'"))

    def close(self) -> None:
        """Let the database go."""
        for connection in (self._sqlite, self._postgresql):
            if connection is not None:
                connection.close()


def _open_sqlite(path: Path) -> sqlite3.Connection:
    """Read-only; on a disk that cannot be written to, as a file that nobody changes."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            continue
        return connection
    raise NoLedger(f"{path}: cannot be opened for reading")


def moment(value: Any) -> str:
    """A stored time as evidence writes it."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def value_of(stored: Any) -> Any:
    """A stored JSON value."""
    return json.loads(stored) if isinstance(stored, str) else stored
