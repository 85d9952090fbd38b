"""The custody chain over all events, old ones included; seals, leaves, tokens, what is to be stamped, erasures."""

import secrets
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.canonical import sha256_hex
from ledger.chaining import event_line
from ledger.migrations.guards import make_insert_only
from ledger.models import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSERT_ONLY = ("event_link", "seal", "seal_leaf", "stamp", "erasure")
PORTION = 10_000  # events chained with one statement


def upgrade() -> None:
    """Make the tables, give every event its place, then put the guards on."""
    _make_chain()
    _make_seals()
    _make_stamps()
    _chain_old_events()
    for table in INSERT_ONLY:
        make_insert_only(table)


def _make_chain() -> None:
    op.create_table(
        "event_link",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"]),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_table(
        "erasure",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject_id"),
    )
    op.create_index(op.f("ix_erasure_sha256"), "erasure", ["sha256"], unique=False)


def _make_seals() -> None:
    op.create_table(
        "seal",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("crawl_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("log_last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["crawl_id"], ["crawl.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("sha256"),
    )
    op.create_index(op.f("ix_seal_crawl_id"), "seal", ["crawl_id"], unique=False)
    op.create_table(
        "seal_leaf",
        sa.Column("seal_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["seal_number"], ["seal.number"]),
        sa.PrimaryKeyConstraint("seal_number", "position"),
        sa.UniqueConstraint("subject_id", "kind"),
    )


def _make_stamps() -> None:
    op.create_table(
        "stamp",
        sa.Column("seal_number", sa.Integer(), nullable=False),
        sa.Column("authority", sa.String(length=40), nullable=False),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("qualified", sa.Boolean(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seal_number"], ["seal.number"]),
        sa.PrimaryKeyConstraint("seal_number", "authority"),
    )
    op.create_table(
        "stamp_task",
        sa.Column("seal_number", sa.Integer(), nullable=False),
        sa.Column("authority", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["seal_number"], ["seal.number"]),
        sa.PrimaryKeyConstraint("seal_number", "authority"),
    )
    op.create_index("ix_stamp_task_due", "stamp_task", ["authority", "state", "next_at"], unique=False)


def _old_events() -> Iterator[list[Any]]:
    """The events of the ledger in the order of their numbers, a portion at a time."""
    event = sa.table(
        "event",
        sa.column("id", sa.Integer()),
        sa.column("at", UtcDateTime()),
        *(sa.column(name, sa.String()) for name in ("kind", "actor", "subject")),
        sa.column("subject_id", sa.Integer()),
        sa.column("detail", sa.JSON()),
    )
    after = 0
    while True:
        query = sa.select(event).where(event.c.id > after).order_by(event.c.id).limit(PORTION)
        rows = list(op.get_bind().execute(query))
        if not rows:
            return
        yield rows
        after = rows[-1].id


def _chain_old_events() -> None:
    link = sa.table("event_link", *(sa.column(name) for name in ("sequence", "event_id", "salt", "hash")))
    sequence, previous = 0, None
    for rows in _old_events():
        links = []
        for row in rows:
            sequence += 1
            salt = secrets.token_hex(16)
            line = event_line(
                sequence=sequence,
                previous=previous,
                salt=salt,
                number=row.id,
                at=row.at,
                kind=row.kind,
                actor=row.actor,
                subject=row.subject,
                subject_id=row.subject_id,
                detail=row.detail,
            )
            previous = sha256_hex(line)
            links.append({"sequence": sequence, "event_id": row.id, "salt": salt, "hash": previous})
        op.get_bind().execute(sa.insert(link), links)
