"""The memory of crawls: the addresses known, what was last seen there, when they are due, how each host was asked.

Working state, not evidence: rows change. What was seen stays in `capture`; an address that vanished stays here with its
last good capture. Facts and queries only; when an address is due and how a host is treated is decided by the crawler.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.models import Base, Json

STOP_FILE = "STOP"


class VisitRound(Base):
    """One pass over a platform's addresses; it ends when none is waiting, however many runs that takes."""

    __tablename__ = "visit_round"
    id: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(8))  # full | due | limited
    scope: Mapped[str] = mapped_column(String(64))  # digest of start addresses and limit: the same command goes on
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    state: Mapped[Json] = mapped_column(default=dict)


class Address(Base):
    """One request that a platform's spider makes: how to make it again, and what became of it."""

    __tablename__ = "address"
    id: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(40))  # of method, address and body
    host: Mapped[str] = mapped_column(String(253))
    url: Mapped[str] = mapped_column(Text)
    request: Mapped[Json] = mapped_column(default=dict)  # callback, arguments, body, headers
    priority: Mapped[int] = mapped_column(default=0)
    root_id: Mapped[int | None]  # the start address it was reached from; None: it is one
    round_id: Mapped[int]  # the round it was last wanted in
    stage: Mapped[str] = mapped_column(String(8), default="waiting")  # waiting | fetched (not read yet) | settled
    state: Mapped[str] = mapped_column(String(12), default="new")
    # new | present | vanished | moved | walled | failing | forbidden | unreadable
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)  # in this round
    capture_id: Mapped[int | None]  # fetched and not read yet
    good_capture_id: Mapped[int | None]  # the last that was read as a page; it stays when the page vanishes
    etag: Mapped[str] = mapped_column(Text, default="")
    last_modified: Mapped[str] = mapped_column(String(60), default="")
    body_sha256: Mapped[str] = mapped_column(String(64), default="")
    reading_sha256: Mapped[str] = mapped_column(String(64), default="")  # of what was read: pages change every time
    parser_version: Mapped[str] = mapped_column(String(40), default="")
    keys: Mapped[list[str]] = mapped_column(default=list)  # listings its last page told of
    first_seen_at: Mapped[datetime]
    visited_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]
    visits: Mapped[int] = mapped_column(default=0)
    changes: Mapped[int] = mapped_column(default=0)
    misses: Mapped[int] = mapped_column(default=0)  # visits in a row without a page

    __table_args__ = (
        UniqueConstraint("platform", "fingerprint"),
        Index("ix_address_queue", "round_id", "stage", "priority", "due_at"),
        Index("ix_address_due", "platform", "stage", "due_at"),
        Index("ix_address_root", "root_id"),
    )


class SpiderMemory(Base):
    """What a spider must remember beyond one process: the keys it has asked for, the pages of a site."""

    __tablename__ = "spider_memory"
    id: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(String(40))
    scope: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(300))
    value: Mapped[str] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("platform", "name", "value", "scope"),)


class HostPace(Base):
    """How a host was asked, across runs and machines: its last request, its rest and the reason."""

    __tablename__ = "host_pace"
    host: Mapped[str] = mapped_column(String(253), primary_key=True)
    state: Mapped[Json] = mapped_column(default=dict)
    updated_at: Mapped[datetime]


class RunReport(Base):
    """What the watchmen said of one run. A held run's passages open no case until a person releases it."""

    __tablename__ = "run_report"
    id: Mapped[int] = mapped_column(primary_key=True)
    crawl_id: Mapped[int] = mapped_column(ForeignKey("crawl.id"), unique=True)
    platform: Mapped[str] = mapped_column(String(40), index=True)
    made_at: Mapped[datetime]
    figures: Mapped[Json] = mapped_column(default=dict)
    alarms: Mapped[list[str]] = mapped_column(default=list)
    held: Mapped[bool] = mapped_column(default=False)
    released_at: Mapped[datetime | None]


class StopSwitch(Base):
    """The kill switch of a fleet: while a row stands, no crawl asks anything."""

    __tablename__ = "stop_switch"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")


def stop_file(home: Path) -> Path:
    """The kill switch of one home: while this file stands, no crawl of the home asks anything."""
    return home / STOP_FILE


def stopped(session: Session, home: Path) -> str:
    """Why everything is stopped, or "" when nothing is."""
    file = stop_file(home)
    if file.exists():
        return file.read_text("utf-8", "replace").strip() or "stopped"
    row = session.scalars(select(StopSwitch).limit(1)).first()
    return (row.reason or "stopped") if row else ""


def pull_switch(session: Session, home: Path, reason: str, at: datetime) -> None:
    """Stop every crawl of this home and, on a shared database, of the fleet."""
    home.mkdir(parents=True, exist_ok=True)
    stop_file(home).write_text(reason + "\n", "utf-8")
    session.add(StopSwitch(at=at, reason=reason))


def release_switch(session: Session, home: Path) -> bool:
    """Let crawls go on; True when something was stopped."""
    was = bool(stopped(session, home))
    stop_file(home).unlink(missing_ok=True)
    session.execute(delete(StopSwitch))
    return was


@cache
def _upsert_pace(dialect: str) -> Any:
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(HostPace)
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["host"], set_={"state": new.state, "updated_at": new.updated_at}
    )


def keep_pace(session: Session, host: str, state: Json, at: datetime) -> None:
    """Write down how a host was asked, in one statement: it is made with each request."""
    session.connection().execute(
        _upsert_pace(session.get_bind().dialect.name), {"host": host, "state": state, "updated_at": at}
    )


def insert_or_ignore(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    """Add rows, leaving out those that are there already by any unique key."""
    if not rows:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    session.execute(dialect.insert(table).on_conflict_do_nothing(), rows)
