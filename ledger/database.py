"""Open the ledger: engine, migrations, sessions. SQLite for one machine, PostgreSQL for a team."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from ledger.errors import LedgerTooNew, LedgerUnavailable, StoreFull
from ledger.store import EvidenceStore

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30


def _alembic(engine: Engine | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if engine is not None:
        config.attributes["engine"] = engine
    return config


def _sqlite_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    """A power cut loses no committed row, a reader never blocks the writer, and foreign keys are real.

    The driver's own transactions leave DDL outside; with `_begin` a migration happens whole or not at all.
    """
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def make_engine(home: Path, database_url: str | None) -> Engine:
    """An engine for the URL, or for `ledger.sqlite` in the home. Raises `LedgerUnavailable` for a URL it cannot use."""
    try:
        url = make_url(database_url or f"sqlite:///{home / 'ledger.sqlite'}")
    except ArgumentError as error:
        raise LedgerUnavailable("VIGIE_DATABASE_URL is not a database address") from error
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerUnavailable(f"{url.drivername}: the ledger lives on SQLite or PostgreSQL")
    try:
        engine = create_engine(url)
    except (NoSuchModuleError, ArgumentError) as error:
        raise LedgerUnavailable(f"{url.drivername}: the ledger lives on SQLite or PostgreSQL") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(engine, "begin", _begin)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables to this version. Raises `LedgerTooNew` for a ledger of a later one, leaving it as it is."""
    script = ScriptDirectory.from_config(_alembic())
    head = script.get_current_head()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        tables = inspect(connection).get_table_names()
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise LedgerTooNew(f"the ledger is of a newer version ({current}) than this Vigie ({head}): update Vigie")
    if current is None and tables:
        raise LedgerUnavailable("the database holds tables that are not a ledger of Vigie")
    if current != head:
        command.upgrade(_alembic(engine), "head")


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn the drivers' ways of saying « full », « unreachable » and « not a database » into one clear line each."""
    try:
        yield
    except DatabaseError as error:
        words = str(error.orig).strip().splitlines() or ["no reason given"]
        reason = words[0]
        if "disk is full" in reason or "No space left" in reason:
            raise StoreFull(f"{place}: the disk is full; the last step was undone") from error
        if isinstance(error, OperationalError) or "not a database" in reason or "malformed" in reason:
            raise LedgerUnavailable(f"{place}: {reason}") from error
        raise


class Ledger:
    """The open ledger of one home: its database and its evidence store."""

    def __init__(self, home: Path, engine: Engine) -> None:
        """Use an engine whose tables are up to date: callers want `Ledger.open`."""
        self.home = home
        self.engine = engine
        self.store = EvidenceStore(home / "evidence")
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    @classmethod
    def open(cls, home: Path, database_url: str | None = None, *, create: bool = True) -> Ledger:
        """Open, and migrate when older. `create=False` refuses a home without a ledger.

        Raises `LedgerUnavailable`, `LedgerTooNew` or `StoreFull`: each one line, with nothing half-made.
        """
        if database_url is None and not create and not (home / "ledger.sqlite").exists():
            raise LedgerUnavailable(f"{home}: there is no ledger here")
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            kind = StoreFull if error.errno == errno.ENOSPC else LedgerUnavailable
            raise kind(f"{home}: {error.strerror}") from error
        engine = make_engine(home, database_url)
        with translated(engine.url.render_as_string(hide_password=True)):
            migrate(engine)
        return cls(home, engine)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that commits at its end and rolls back on any error."""
        with translated(self.engine.url.render_as_string(hide_password=True)), self._sessions.begin() as session:
            yield session

    def close(self) -> None:
        """Let go of the connections."""
        self.engine.dispose()
