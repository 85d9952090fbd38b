"""The ledger opens, migrates, and refuses what is not its own; it never half-does a thing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from ledger import Ledger, LedgerTooNew, LedgerUnavailable, StoreFull, events
from ledger.database import _use_wal, make_engine
from ledger.models import Base, Capture, Crawl, Event
from reference.errors import VigieError


def test_models_and_migrations_agree(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_an_empty_postgresql_is_migrated(home: Path, empty_postgresql_url: str) -> None:
    with pytest.raises(LedgerUnavailable, match="empty"):
        Ledger.open(home, empty_postgresql_url, create=False)
    ledger = Ledger.open(home, empty_postgresql_url)
    assert set(inspect(ledger.engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    ledger.close()


def test_sqlite_is_set_up_to_survive_a_power_cut(sqlite_ledger: Ledger) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 30000,
    }
    with sqlite_ledger.engine.connect() as connection:
        assert {name: connection.scalar(text(f"PRAGMA {name}")) for name in wanted} == wanted


def test_times_come_back_aware(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    with ledger.session() as session:
        capture = rows_in(session).capture()
        at, number = capture.captured_at, capture.id
    with ledger.session() as session:
        read = session.get_one(Capture, number).captured_at
        assert (read, read.tzinfo) == (at, at.tzinfo)


def test_a_naive_time_is_refused(ledger: Ledger) -> None:
    with pytest.raises(StatementError, match="time zone"), ledger.session() as session:
        session.add(Event(at=datetime(2026, 1, 1), kind="k", actor="a", subject="s", subject_id=1))  # noqa: DTZ001


def test_foreign_keys_are_real(ledger: Ledger) -> None:
    with pytest.raises(IntegrityError), ledger.engine.begin() as connection:
        connection.execute(text("INSERT INTO dossier_case (dossier_id, case_id) VALUES (7, 7)"))


def test_an_error_undoes_the_whole_session(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    with pytest.raises(ZeroDivisionError), ledger.session() as session:
        rows_in(session).capture()
        raise ZeroDivisionError
    with ledger.session() as session:
        assert session.scalar(select(func.count(Crawl.id))) == 0


def test_an_event_keeps_its_detail(ledger: Ledger) -> None:
    with ledger.session() as session:
        events.record(session, "proof_absent", "case", 3, "vigie", reason="pas de navigateur", size=12)
    with ledger.session() as session:
        told = session.scalars(select(Event)).one()
        assert (told.kind, told.subject, told.subject_id, told.actor) == ("proof_absent", "case", 3, "vigie")
        assert told.detail == {"reason": "pas de navigateur", "size": 12}


def test_a_newer_ledger_is_left_alone(ledger: Ledger, home: Path, database_url: str | None) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerTooNew, match="9999") as told:
        Ledger.open(home, database_url)
    assert "\n" not in str(told.value)
    with ledger.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_opening_twice_changes_nothing(
    ledger: Ledger, home: Path, database_url: str | None, rows_in: Callable[..., Any]
) -> None:
    with ledger.session() as session:
        number = rows_in(session).capture().id
    again = Ledger.open(home, database_url, create=False)
    with again.session() as session:
        assert session.get(Capture, number) is not None
    again.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_that_open_at_once_make_one_ledger(kind: str, home: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("empty_postgresql_url") if kind == "postgresql" else None
    ready = threading.Barrier(4)

    def open_it() -> None:
        ready.wait()
        Ledger.open(home, url).close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(open_it) for _ in range(4)]:
            done.result()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes_that_open_at_once_make_one_ledger(kind: str, home: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("empty_postgresql_url") if kind == "postgresql" else ""
    script = (
        "import sys; from pathlib import Path; from ledger import Ledger\n"
        "sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.read()\n"
        "Ledger.open(Path(sys.argv[1]), sys.argv[2] or None).close()\n"
    )
    command = [sys.executable, "-c", script, str(home), url]
    runs = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    for run in runs:
        assert run.stdout is not None
        run.stdout.readline()
    for run in runs:
        assert run.stdin is not None
        run.stdin.close()
    assert [run.wait() for run in runs] == [0, 0]
    for run in runs:
        assert run.stdout is not None
        run.stdout.close()


def test_one_writer_waits_for_the_other_even_after_reading(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    """The desk writes while a crawl, which has read already, is about to: on SQLite this must wait, not fail."""
    with ledger.session() as crawl:
        assert crawl.scalar(select(func.count(Event.id))) == 0
        with ledger.session() as desk:
            events.record(desk, "page_viewed", "case", 1, "alix")
        rows_in(crawl).capture()
    with ledger.session() as session:
        assert session.scalar(select(func.count(Event.id))) == 1
        assert session.scalar(select(func.count(Capture.id))) == 1


def test_many_writers_lose_nothing(ledger: Ledger) -> None:
    def write(number: int) -> None:
        with ledger.session() as session:
            session.scalar(select(func.max(Event.id)))
            events.record(session, "k", "s", number, "a")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(60)))
    with ledger.session() as session:
        assert session.scalar(select(func.count(Event.id.distinct()))) == 60


def test_a_process_that_is_killed_leaves_no_half_transaction(sqlite_ledger: Ledger, home: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from ledger import Ledger, events\n"
        "with Ledger.open(Path(sys.argv[1])).session() as session:\n"
        "    events.record(session, 'k', 's', 1, 'a'); session.flush(); os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(home)], check=False).returncode == 9
    with sqlite_ledger.session() as session:
        assert session.scalar(select(func.count(Event.id))) == 0


def test_a_full_disk_is_told_and_undone(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.engine.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages + 1}"))
    with pytest.raises(StoreFull, match="full"), sqlite_ledger.session() as session:
        for number in range(500):
            events.record(session, "k", "s", number, "a", text="x" * 500)
            session.flush()
    with sqlite_ledger.session() as session:
        assert session.scalar(select(func.count(Event.id))) == 0


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 4000]
)
def test_a_file_that_is_no_database(home: Path, content: bytes) -> None:
    home.mkdir()
    (home / "ledger.sqlite").write_bytes(content)
    with pytest.raises(LedgerUnavailable) as told:
        Ledger.open(home)
    assert "\n" not in str(told.value)
    assert (home / "ledger.sqlite").read_bytes() == content


def test_a_database_of_somebody_else(home: Path) -> None:
    home.mkdir()
    with sqlite3.connect(home / "ledger.sqlite") as connection:
        connection.execute("CREATE TABLE recettes (id INTEGER)")
    with pytest.raises(LedgerUnavailable, match="not a ledger"):
        Ledger.open(home)


def test_no_ledger_is_made_where_one_is_only_read(home: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="no ledger"):
        Ledger.open(home, create=False)
    assert not home.exists()


def test_a_home_that_is_a_file(home: Path) -> None:
    home.write_text("")
    with pytest.raises(LedgerUnavailable):
        Ledger.open(home)


def test_an_odd_home(tmp_path: Path) -> None:
    home = tmp_path / "cas n° 3 ? 100 % & #été"
    Ledger.open(home).close()
    assert (home / "ledger.sqlite").exists()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://localhost/x",
        "postgresql+pg8000://localhost/x",
        "nonsense",
        "postgresql://host:port/x",
        "postgresql://nobody@127.0.0.1:1/none",
        "postgresql://nobody:secret@127.0.0.1:1/none?connect_timeout=2",
        "postgresql://nobody@127.0.0.1:1/none?nonsense=1",
    ],
)
def test_a_database_that_cannot_be_used(home: Path, url: str) -> None:
    with pytest.raises(LedgerUnavailable) as told:
        Ledger.open(home, url)
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


def test_a_postgresql_that_does_not_exist(home: Path, postgresql: str) -> None:
    with pytest.raises(LedgerUnavailable, match="does not exist"):
        Ledger.open(home, make_engine(home, postgresql).url.set(database="nowhere").render_as_string())


def test_every_failure_is_one_the_command_can_say() -> None:
    assert all(issubclass(kind, VigieError) for kind in (LedgerUnavailable, LedgerTooNew, StoreFull))


class _BusyCursor:
    """A cursor whose first answers are one SQLite error."""

    def __init__(self, code: int, times: int) -> None:
        self.code, self.left, self.asked = code, times, 0

    def execute(self, _statement: str) -> None:
        self.asked += 1
        if self.left:
            self.left -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = self.code
            raise error


def test_the_journal_waits_for_another_process_and_for_nothing_else() -> None:
    busy = _BusyCursor(sqlite3.SQLITE_BUSY, 2)
    _use_wal(busy)  # type: ignore[arg-type]
    assert busy.asked == 3
    damaged = _BusyCursor(sqlite3.SQLITE_CORRUPT, 1)
    with pytest.raises(sqlite3.OperationalError):
        _use_wal(damaged)  # type: ignore[arg-type]
    assert damaged.asked == 1
