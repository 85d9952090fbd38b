"""Every event has its place in a chain that shows any change, on both databases, whoever writes at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stranger
from alembic import command
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from benchmarks.evidence import fill_log
from ledger import Ledger, LedgerUnavailable, database, events
from ledger.chaining import CHAIN_LOCK, hold
from ledger.custody import check_chain, lines
from ledger.database import _alembic, make_engine
from ledger.errors import ChainBroken
from ledger.evidence_tables import EVIDENCE_TABLES
from ledger.migrations.versions.v0002_seals import INSERT_ONLY as MIGRATED
from ledger.models import INSERT_ONLY, Base, Event


def write(ledger: Ledger, count: int = 6, start: int = 0) -> None:
    for number in range(start, start + count):
        with ledger.session() as session:
            events.record(session, "collected", "capture", number, "vigie", sha256="ab" * 32, note="été  « »")


def log_of(ledger: Ledger) -> bytes:
    with ledger.session() as session:
        return b"".join(lines(session))


def unguarded(ledger: Ledger, *statements: str) -> None:
    """Do what the database refuses, as somebody with its password can."""
    with ledger.engine.begin() as connection:
        for table in (*EVIDENCE_TABLES, *INSERT_ONLY):
            if ledger.engine.dialect.name == "sqlite":
                for action in ("update", "delete"):
                    connection.execute(text(f'DROP TRIGGER IF EXISTS "{table}_no_{action}"'))
            else:
                connection.execute(text(f'ALTER TABLE "{table}" DISABLE TRIGGER USER'))
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_stranger_walks_the_log(ledger: Ledger, tmp_path: Path) -> None:
    write(ledger)
    log = log_of(ledger)
    assert stranger.faults_of(tmp_path, log) == []
    told = [json.loads(line) for line in log.splitlines()]
    assert [one["sequence"] for one in told] == [1, 2, 3, 4, 5, 6]
    assert told[3]["subject_id"] == 3
    assert told[3]["detail"]["note"] == "été  « »"
    report = check_chain(ledger)
    assert report.holds
    assert (report.events, report.last, report.head) == (6, 6, stranger.sha(log.splitlines(keepends=True)[-1]))


def test_an_empty_log_holds(ledger: Ledger) -> None:
    assert check_chain(ledger).holds
    assert log_of(ledger) == b""


CHANGES = {
    "who": ("UPDATE event SET actor = 'autre' WHERE id = 3",),
    "what": ("UPDATE event SET kind = 'viewed' WHERE id = 3",),
    "when": ("UPDATE event SET at = '2020-01-01 00:00:00.000000+00:00' WHERE id = 3",),
    "why": ("UPDATE event SET detail = '{}' WHERE id = 3",),
    "of what": ("UPDATE event SET subject_id = 99 WHERE id = 3",),
    "first": ("UPDATE event SET actor = 'x' WHERE id = 1",),
    "hash": (f"UPDATE event_link SET hash = '{'0' * 64}' WHERE sequence = 3",),
    "salt": (f"UPDATE event_link SET salt = '{'0' * 32}' WHERE sequence = 3",),
    "removed": ("DELETE FROM event_link WHERE event_id = 3", "DELETE FROM event WHERE id = 3"),
    "removed, its place kept": ("DELETE FROM event_link WHERE event_id = 3",),
    "first removed": ("DELETE FROM event_link WHERE event_id = 1", "DELETE FROM event WHERE id = 1"),
    "swapped": (
        "UPDATE event_link SET event_id = 77 WHERE sequence = 2",
        "UPDATE event_link SET event_id = 2 WHERE sequence = 3",
        "UPDATE event_link SET event_id = 3 WHERE sequence = 2",
    ),
    "renumbered": ("UPDATE event_link SET sequence = 70 WHERE sequence = 6",),
    "added beside": (
        "INSERT INTO event (id, at, kind, actor, subject, subject_id, detail) "
        "SELECT 50, at, kind, actor, subject, subject_id, detail FROM event WHERE id = 2",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_goes_unseen(ledger: Ledger, change: str) -> None:
    write(ledger)
    if ledger.engine.dialect.name == "postgresql" and change == "swapped":
        unguarded(ledger, "ALTER TABLE event_link DROP CONSTRAINT event_link_event_id_fkey")
    with ledger.engine.connect() as connection:
        if ledger.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
    unguarded(ledger, *CHANGES[change])
    report = check_chain(ledger)
    assert not report.holds
    assert report.broken >= 1
    assert report.faults
    if change != "added beside":
        with pytest.raises(ChainBroken, match="event"):
            log_of(ledger)


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_database_refuses_to_change_the_chain(ledger: Ledger, statement: str) -> None:
    write(ledger, 1)
    assert set(EVIDENCE_TABLES) == set(MIGRATED) <= set(Base.metadata.tables)
    with pytest.raises(IntegrityError, match="insert-only"), ledger.engine.begin() as connection:
        connection.execute(text(statement.format("event_link", "salt", "salt")))


def test_what_is_undone_leaves_no_place_taken(ledger: Ledger) -> None:
    write(ledger, 2)
    with pytest.raises(ZeroDivisionError), ledger.session() as session:
        events.record(session, "k", "s", 1, "a")
        session.flush()
        raise ZeroDivisionError
    with ledger.session() as session:
        events.record(session, "kept", "s", 1, "a")
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            events.record(session, "undone", "s", 1, "a")
            session.flush()
            raise ZeroDivisionError
        with session.begin_nested():
            events.record(session, "kept too", "s", 1, "a")
    kinds = [json.loads(line)["kind"] for line in log_of(ledger).splitlines()]
    assert kinds == ["collected", "collected", "kept", "kept too"]
    assert check_chain(ledger).holds


def test_many_writers_make_one_chain(ledger: Ledger) -> None:
    def work(number: int) -> None:
        with ledger.session() as session:
            session.scalar(select(func.max(Event.id)))
            events.record(session, "k", "s", number, "a")
            session.flush()
            events.record(session, "k", "s", number, "b")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(60)))
    report = check_chain(ledger)
    assert report.holds
    assert report.events == 120


def test_processes_that_write_at_once_make_one_chain(ledger: Ledger, home: Path, database_url: str | None) -> None:
    script = (
        "import sys; from pathlib import Path; from ledger import Ledger, events\n"
        "ledger = Ledger.open(Path(sys.argv[1]), sys.argv[2] or None)\n"
        "for number in range(12):\n"
        "    with ledger.session() as session: events.record(session, 'k', 's', number, 'a')\n"
    )
    runs = [subprocess.Popen([sys.executable, "-c", script, str(home), database_url or ""]) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    report = check_chain(ledger)
    assert report.holds
    assert report.events == 24


def test_a_chain_that_somebody_holds_is_one_clear_line(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PRAGMAS", ("busy_timeout=50", *database._PRAGMAS[1:]))
    impatient = Ledger.open(sqlite_ledger.home)
    with sqlite_ledger.session() as session:
        hold(session, CHAIN_LOCK)
        with pytest.raises(LedgerUnavailable, match="locked"), impatient.session() as other:
            hold(other, CHAIN_LOCK)
        with pytest.raises(LedgerUnavailable, match="locked"), impatient.session() as other:
            events.record(other, "k", "s", 1, "a")
    impatient.close()


@pytest.mark.parametrize("kind", ["viewed", "exported", "erased"])
@pytest.mark.parametrize("reason", [None, "", "  "])
def test_who_touches_evidence_says_why(sqlite_ledger: Ledger, kind: str, reason: str | None) -> None:
    told = {} if reason is None else {"reason": reason}
    with pytest.raises(ValueError, match="reason"), sqlite_ledger.session() as session:
        events.record(session, kind, "capture", 1, "alix", **told)
    with sqlite_ledger.session() as session:
        events.record(session, kind, "capture", 1, "alix", reason="demande de l’Ordre")
    assert check_chain(sqlite_ledger).events == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_older_ledger_is_chained_as_it_is_upgraded(kind: str, home: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("empty_postgresql_url") if kind == "postgresql" else None
    home.mkdir()
    engine = make_engine(home, url)
    command.upgrade(_alembic(engine), "0001")
    insert = text(
        "INSERT INTO event (at, kind, actor, subject, subject_id, detail) "
        "VALUES (:at, 'crawl_finished', 'vigie', 'crawl', :n, :detail)"
    )
    detail = '{"seconds": 0.125, "captures": {"page": 3},  "b": "\\u00e9té", "a": [1, null, true]}'
    with engine.begin() as connection:
        for number in range(25):
            at = datetime(2026, 3, 1, 9, number, 0, number, tzinfo=UTC)
            connection.execute(
                insert, {"at": at if url else at.isoformat(" ", "microseconds")[:26], "n": number, "detail": detail}
            )
    engine.dispose()
    ledger = Ledger.open(home, url)
    write(ledger, 2)
    report = check_chain(ledger)
    assert report.holds
    assert report.events == 27
    log = log_of(ledger)
    assert stranger.faults_of(home / "nothing", log) == []
    first = json.loads(log.splitlines()[3])
    assert first["detail"] == {"a": [1, None, True], "b": "été", "captures": {"page": 3}, "seconds": 0.125}
    assert first["at"] == "2026-03-01T09:03:00.000003Z"
    unguarded(ledger, "UPDATE event SET subject_id = 8 WHERE id = 5")
    assert not check_chain(ledger).holds
    ledger.close()


def test_a_large_log_is_walked_fast(sqlite_ledger: Ledger) -> None:
    """A million in five seconds is 0.1 s for twenty thousand: three times that, of processor time."""
    fill_log(sqlite_ledger.home / "ledger.sqlite", 20_000)
    best = min(_timed(time.process_time, sqlite_ledger) for _ in range(3))
    assert best < 0.3
    assert check_chain(sqlite_ledger).events == 20_000


def _timed(clock: Callable[[], float], ledger: Ledger) -> float:
    began = clock()
    report: Any = check_chain(ledger)
    assert report.holds
    return clock() - began
