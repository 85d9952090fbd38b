"""Open the ledger: engine, migrations, sessions. SQLite for one machine, PostgreSQL for a team."""

from __future__ import annotations

import errno
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from ledger.canonical import canonical_text
from ledger.chaining import LedgerSession
from ledger.errors import LedgerTooNew, LedgerUnavailable, StoreFull
from ledger.store import FULL, EvidenceStore

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
CONNECT_SECONDS = 10
_NO_WRITE = ("SELECT", "WITH", "VALUES", "PRAGMA", "EXPLAIN", "BEGIN")
_PRAGMAS = (
    f"busy_timeout={BUSY_SECONDS * 1000}",
    "synchronous=FULL",
    "foreign_keys=ON",
    "recursive_triggers=ON",  # else INSERT OR REPLACE deletes evidence without waking the triggers
)

_migrating = threading.Lock()  # Alembic's context is global; between processes the migrations lock the database


def _alembic(engine: Engine | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    if engine is not None:
        config.attributes["engine"] = engine
    return config


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """A power cut loses no committed row, readers and the writer do not block each other, foreign keys are real.

    The driver's own transactions are switched off (they leave DDL outside): `_begin_to_write` opens them.
    """
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Switch the file to WAL, waiting for another process that is making it.

    SQLite answers « database is locked » to a change of journal at once, whatever the busy timeout, so we wait here.
    Raises `sqlite3.OperationalError` after `BUSY_SECONDS`, and at once for any other fault.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _begin_to_write(
    connection: Connection, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    """Open the transaction at the first write, and wait for the writer before us.

    Begun at the first read, a transaction fails at its first write (« database is locked », at once, whatever the
    timeout) when another process has written meanwhile. So both databases read what is committed, and both wait.
    """
    driver: Any = connection.connection.driver_connection
    if driver.in_transaction:
        return
    word = statement.lstrip(" \t\r\n(")[:8].upper()
    writes = bool(context and (context.isinsert or context.isupdate or context.isdelete))
    if writes or not word.startswith(_NO_WRITE):
        driver.execute("BEGIN IMMEDIATE")


def make_engine(home: Path, database_url: str | None) -> Engine:
    """An engine for the URL, or for `ledger.sqlite` in the home. Raises `LedgerUnavailable` for a URL it cannot use."""
    try:
        url = make_url(database_url) if database_url else URL.create("sqlite", database=str(home / "ledger.sqlite"))
    except (ArgumentError, ValueError) as error:
        raise LedgerUnavailable("VIGIE_DATABASE_URL is not a database address") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerUnavailable(f"{url.drivername}: the ledger lives on SQLite or PostgreSQL")
    options: dict[str, Any] = {"json_serializer": canonical_text}
    if url.get_backend_name() == "postgresql":
        options["pool_pre_ping"] = True  # a server that was restarted costs no request
        if "connect_timeout" not in url.query:
            options["connect_args"] = {"connect_timeout": CONNECT_SECONDS}
    try:
        engine = create_engine(url, **options)
    except (NoSuchModuleError, ArgumentError, ImportError) as error:
        raise LedgerUnavailable(f"{url.drivername}: the ledger lives on SQLite or PostgreSQL") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "before_cursor_execute", _begin_to_write)
    return engine


def migrate(engine: Engine, *, create: bool = True) -> None:
    """Bring the tables to this version, whole or not at all, also when two processes start at once.

    Raises `LedgerTooNew` for a ledger of a later version and `LedgerUnavailable` for somebody else's database, or an
    empty one with `create=False`; each is left as it is.
    """
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
    if current is None and not create:
        raise LedgerUnavailable("the database is empty: there is no ledger in it")
    if current != head:
        with _migrating:
            command.upgrade(_alembic(engine), "head")


def _is_full(cause: BaseException | None, reason: str) -> bool:
    return getattr(cause, "sqlstate", None) == "53100" or "disk is full" in reason or "No space left" in reason


def _is_unavailable(error: Exception, reason: str) -> bool:
    """The database is away, locked, refuses us, or is no database: the operator's business, not a fault of ours."""
    words = ("not a database", "malformed", "permission denied", "invalid connection option")
    kinds = (OperationalError, sqlite3.OperationalError, psycopg.OperationalError)
    return isinstance(error, kinds) or any(word in reason for word in words)


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn the drivers' ways of saying « full », « unreachable » and « not a database » into one clear line each."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:  # the last two: what asks the driver itself
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = (str(cause).strip().splitlines() or ["no reason given"])[0]
        if _is_full(cause, reason):
            raise StoreFull(f"{place}: the disk is full; the last step was undone") from error
        if _is_unavailable(error, reason):
            raise LedgerUnavailable(f"{place}: {reason}") from error
        raise


class Ledger:
    """The open ledger of one home: its database and its evidence store."""

    def __init__(self, home: Path, engine: Engine) -> None:
        """Use an engine whose tables are up to date: callers want `Ledger.open`."""
        self.home = home
        self.engine = engine
        self.store = EvidenceStore(home / "evidence")
        self._place = engine.url.render_as_string(hide_password=True)
        self._sessions = sessionmaker(engine, class_=LedgerSession, expire_on_commit=False)

    @classmethod
    def open(cls, home: Path, database_url: str | None = None, *, create: bool = True) -> Ledger:
        """Open, migrate when older, and remove what an interrupted run left unfinished in the evidence store.

        `create=False` refuses a home, or a database, without a ledger. Raises `LedgerUnavailable`, `LedgerTooNew` or
        `StoreFull`: each one line, with nothing half-made.
        """
        if database_url is None and not create and not (home / "ledger.sqlite").exists():
            raise LedgerUnavailable(f"{home}: there is no ledger here")
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            kind = StoreFull if error.errno in FULL else LedgerUnavailable
            raise kind(
                f"{home}: {error.strerror or errno.errorcode.get(error.errno or 0, 'no reason given')}"
            ) from error
        engine = make_engine(home, database_url)
        try:
            with translated(engine.url.render_as_string(hide_password=True)):
                migrate(engine, create=create)
        except BaseException:
            engine.dispose()
            raise
        ledger = cls(home, engine)
        ledger.store.sweep()
        return ledger

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that commits at its end and rolls back on any error.

        It reads what is committed at each statement, on both databases; the first write waits for the writer before it.
        Raises `LedgerUnavailable` or `StoreFull` when the database fails, the whole session being undone.
        """
        with translated(self._place), self._sessions.begin() as session:
            yield session

    def close(self) -> None:
        """Let go of the connections."""
        self.engine.dispose()
