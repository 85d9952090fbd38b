"""Evidence is only ever added to: the database itself refuses anything else, whoever asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ledger import Ledger
from ledger.migrations.versions.v0001_chain import INSERT_ONLY as MIGRATED
from ledger.models import INSERT_ONLY, Base


@pytest.fixture
def filled(ledger: Ledger, rows_in: Callable[..., Any]) -> Ledger:
    """A ledger with a row in every evidence table."""
    with ledger.session() as session:
        rows_in(session).one_of_each()
    return ledger


def test_the_guards_cover_what_the_models_promise() -> None:
    assert set(INSERT_ONLY) == set(MIGRATED) <= set(Base.metadata.tables)


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_a_row_cannot_be_changed_or_removed(filled: Ledger, statement: str) -> None:
    for table in INSERT_ONLY:
        with pytest.raises(IntegrityError, match=f"{table} is insert-only"), filled.engine.begin() as connection:
            connection.execute(text(statement.format(table)))
        with filled.engine.connect() as connection:
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")), table


def test_other_tables_can_be(filled: Ledger) -> None:
    with filled.engine.begin() as connection:
        connection.execute(text("UPDATE reviewer SET disabled_at = created_at"))


def test_a_row_cannot_be_replaced(filled: Ledger) -> None:
    if filled.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has no INSERT OR REPLACE")
    again = "INSERT OR REPLACE INTO {0} SELECT * FROM {0}"
    for table in INSERT_ONLY:
        with pytest.raises(IntegrityError, match="insert-only"), filled.engine.begin() as connection:
            connection.execute(text(again.format(table)))


def test_postgresql_refuses_truncate(filled: Ledger) -> None:
    if filled.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    for table in INSERT_ONLY:
        with pytest.raises(IntegrityError, match="insert-only"), filled.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {table} CASCADE"))


def test_a_stranger_with_the_file_is_refused_too(home: Path, filled: Ledger) -> None:
    if filled.engine.dialect.name != "sqlite":
        pytest.skip("the file is SQLite's")
    with pytest.raises(sqlite3.IntegrityError, match="verdict is insert-only"):
        sqlite3.connect(home / "ledger.sqlite").execute("UPDATE verdict SET decision = 'dismiss'")
