"""OpenTimestamps proofs, copies in outside archives, passages whose text may be erased and in no other way changed."""

import sqlalchemy as sa
from alembic import op

from ledger.migrations.guards import allow_erasure_of_text, make_insert_only

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSERT_ONLY = ("calendar_proof",)
UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, put the guards on, and let the passages' guard know erasures."""
    op.create_table(
        "calendar_proof",
        sa.Column("seal_number", sa.Integer(), nullable=False),
        sa.Column("calendar", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("received_at", UTC, nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["seal_number"], ["seal.number"]),
        sa.PrimaryKeyConstraint("seal_number", "calendar", "state"),
    )
    op.create_table(
        "calendar_task",
        sa.Column("seal_number", sa.Integer(), nullable=False),
        sa.Column("calendar", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        *_waiting(),
        sa.ForeignKeyConstraint(["seal_number"], ["seal.number"]),
        sa.PrimaryKeyConstraint("seal_number", "calendar"),
    )
    op.create_index("ix_calendar_task_due", "calendar_task", ["calendar", "state", "next_at"], unique=False)
    op.create_table(
        "third_archive",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("archive", sa.String(length=40), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("archived_at", UTC, nullable=True),
        sa.Column("job", sa.String(length=200), nullable=False),
        *_waiting(),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.PrimaryKeyConstraint("case_id", "archive"),
    )
    for table in INSERT_ONLY:
        make_insert_only(table)
    allow_erasure_of_text()


def _waiting() -> tuple["sa.Column[object]", ...]:
    """What every task that is asked again keeps."""
    return (
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tried_at", UTC, nullable=True),
        sa.Column("next_at", UTC, nullable=False),
    )
