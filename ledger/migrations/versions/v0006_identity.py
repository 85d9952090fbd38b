"""What the matcher read of the register, and who confirmed which person before what screen: both insert-only."""

import sqlalchemy as sa
from alembic import op

from ledger.migrations.guards import make_insert_only

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

INSERT_ONLY = ("identity_match", "identity_confirmation")


def upgrade() -> None:
    """Make the two tables and their guards."""
    op.create_table(
        "identity_match",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identification_id", sa.Integer(), nullable=False),
        sa.Column("registry_date", sa.String(length=10), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("margin", sa.Double(), nullable=False),
        sa.Column("runner_up", sa.String(length=11), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("views", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["identification_id"], ["identification.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("identification_id"),
    )
    op.create_table(
        "identity_confirmation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("registry_date", sa.String(length=10), nullable=False),
        sa.Column("screen", sa.JSON(), nullable=False),
        sa.Column("screen_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.ForeignKeyConstraint(["reviewer_id"], ["reviewer.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_identity_confirmation_case_id"), "identity_confirmation", ["case_id"], unique=False)
    for table in INSERT_ONLY:
        make_insert_only(table)
