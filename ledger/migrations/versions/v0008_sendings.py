"""Dossiers over several cases, councils confirmed, letters sent and what became of them."""

import sqlalchemy as sa
from alembic import op

from ledger.migrations.guards import make_insert_only

revision = "0008"
down_revision = "0005"
branch_labels = None
depends_on = None

INSERT_ONLY = ("dossier_case", "council_answer", "sending", "sending_step")
UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, then put the guards on."""
    op.create_table(
        "dossier_case",
        sa.Column("dossier_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"]),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.PrimaryKeyConstraint("dossier_id", "case_id"),
    )
    op.create_index(op.f("ix_dossier_case_case_id"), "dossier_case", ["case_id"], unique=False)
    op.create_table(
        "council_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("council", sa.String(length=60), nullable=False),
        sa.Column("practice", sa.String(length=20), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("recorded_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_council_answer_case_id"), "council_answer", ["case_id"], unique=False)
    op.create_index("ix_council_answer_rpps", "council_answer", ["rpps"], unique=False)
    _make_sendings()
    for table in INSERT_ONLY:
        make_insert_only(table)


def _make_sendings() -> None:
    op.create_table(
        "sending",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("dossier_id", sa.Integer(), nullable=True),
        sa.Column("route", sa.String(length=20), nullable=False),
        sa.Column("addressee", sa.Text(), nullable=False),
        sa.Column("method", sa.String(length=120), nullable=False),
        sa.Column("tracking", sa.String(length=80), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.Column("letter_sha256", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("recorded_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sending_case_id"), "sending", ["case_id"], unique=False)
    op.create_table(
        "sending_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sending_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=24), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("recorded_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["sending_id"], ["sending.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sending_step_sending_id"), "sending_step", ["sending_id"], unique=False)
