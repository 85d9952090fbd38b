"""The ledger opens, migrates, guards its evidence and refuses what is not its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger import Busy, Ledger, LedgerTooNew, LedgerUnavailable
from ledger.lock import exclusive
from ledger.migrations.versions.v0001_chain import INSERT_ONLY as MIGRATED
from ledger.models import INSERT_ONLY, Base, Capture, Crawl, Event

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def a_capture(ledger: Ledger) -> int:
    with ledger.session() as session:
        crawl = Crawl(platform="doctolib", kind="live", started_at=NOW, software="test")
        session.add(crawl)
        session.flush()
        capture = Capture(crawl_id=crawl.id, url="https://exemple.fr/", captured_at=NOW, outcome="page", status=200)
        session.add(capture)
        session.flush()
        return capture.id


def test_models_and_migrations_agree(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []
    assert set(INSERT_ONLY) == set(MIGRATED)


def test_times_come_back_aware(ledger: Ledger) -> None:
    number = a_capture(ledger)
    with ledger.session() as session:
        assert session.get_one(Capture, number).captured_at == NOW


def test_a_naive_time_is_refused(ledger: Ledger) -> None:
    with pytest.raises(Exception, match="time zone"), ledger.session() as session:
        session.add(Event(at=datetime(2026, 1, 1), kind="k", actor="a", subject="s", subject_id=1))  # noqa: DTZ001


@pytest.mark.parametrize("table", INSERT_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_evidence(ledger: Ledger, table: str, statement: str) -> None:
    triggers = {
        "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :t",
        "postgresql": "SELECT count(*) FROM pg_trigger WHERE tgrelid = CAST(:t AS regclass) AND NOT tgisinternal",
    }
    with ledger.engine.connect() as connection:
        assert connection.scalar(text(triggers[ledger.engine.dialect.name]), {"t": table}) == 2
    if table in ("capture", "crawl"):
        a_capture(ledger)
        with pytest.raises(DBAPIError, match="insert-only"), ledger.engine.begin() as connection:
            connection.execute(text(statement.format(table)))


def test_postgresql_refuses_truncate(home: Path, postgresql_url: str) -> None:
    ledger = Ledger.open(home, postgresql_url)
    with pytest.raises(DBAPIError, match="insert-only"), ledger.engine.begin() as connection:
        connection.execute(text("TRUNCATE capture CASCADE"))


def test_a_newer_ledger_is_left_alone(ledger: Ledger, home: Path, database_url: str | None) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerTooNew, match="9999"):
        Ledger.open(home, database_url)


def test_opening_twice_changes_nothing(ledger: Ledger, home: Path, database_url: str | None) -> None:
    number = a_capture(ledger)
    again = Ledger.open(home, database_url)
    with again.session() as session:
        assert session.get(Capture, number) is not None
    again.close()


def test_a_file_that_is_no_database(home: Path) -> None:
    home.mkdir()
    (home / "ledger.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(LedgerUnavailable, match="not a database"):
        Ledger.open(home)


def test_a_database_of_somebody_else(home: Path) -> None:
    home.mkdir()
    import sqlite3

    with sqlite3.connect(home / "ledger.sqlite") as connection:
        connection.execute("CREATE TABLE recettes (id INTEGER)")
    with pytest.raises(LedgerUnavailable, match="not a ledger"):
        Ledger.open(home)


def test_no_ledger_is_made_where_one_is_only_read(home: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="no ledger"):
        Ledger.open(home, create=False)
    assert not home.exists()


@pytest.mark.parametrize(
    "url", ["mysql://localhost/x", "nonsense", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"]
)
def test_a_database_that_cannot_be_used(home: Path, url: str) -> None:
    with pytest.raises(LedgerUnavailable):
        Ledger.open(home, url)


def test_a_second_run_is_told_of_the_first(home: Path) -> None:
    with exclusive(home, "crawl doctolib"), pytest.raises(Busy, match="crawl doctolib"), exclusive(home, "detect"):
        pass
    with exclusive(home, "detect"):
        pass
