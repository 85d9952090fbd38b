"""The memory of crawls: addresses, rounds, what spiders remember, the pace of hosts, run reports, the kill switch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Six tables of working state; none of them is evidence, so none is insert-only."""
    _addresses()
    op.create_table(
        "spider_memory",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("platform", sa.String(40), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.UniqueConstraint("platform", "name", "value", "scope"),
    )
    op.create_table(
        "host_pace",
        sa.Column("host", sa.String(253), primary_key=True),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
    )
    op.create_table(
        "run_report",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("crawl_id", sa.Integer(), sa.ForeignKey("crawl.id"), nullable=False, unique=True),
        sa.Column("platform", sa.String(40), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("alarms", sa.JSON(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("released_at", _TIME, nullable=True),
    )
    op.create_index("ix_run_report_platform", "run_report", ["platform"])
    op.create_table(
        "stop_switch",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )


def _addresses() -> None:
    op.create_table(
        "visit_round",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("platform", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.Column("state", sa.JSON(), nullable=False),
    )
    op.create_index("ix_visit_round_platform", "visit_round", ["platform"])
    op.create_table(
        "address",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("platform", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(40), nullable=False),
        sa.Column("host", sa.String(253), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("root_id", sa.Integer(), nullable=True),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(8), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=True),
        sa.Column("good_capture_id", sa.Integer(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.String(60), nullable=False),
        sa.Column("body_sha256", sa.String(64), nullable=False),
        sa.Column("reading_sha256", sa.String(64), nullable=False),
        sa.Column("parser_version", sa.String(40), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("first_seen_at", _TIME, nullable=False),
        sa.Column("visited_at", _TIME, nullable=True),
        sa.Column("changed_at", _TIME, nullable=True),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.UniqueConstraint("platform", "fingerprint"),
    )
    op.create_index("ix_address_queue", "address", ["round_id", "stage", "priority", "due_at"])
    op.create_index("ix_address_due", "address", ["platform", "stage", "due_at"])
    op.create_index("ix_address_root", "address", ["root_id"])
