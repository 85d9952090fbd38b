"""Clean captures and their files, both insert-only."""

import sqlalchemy as sa
from alembic import op

from ledger.migrations.guards import make_insert_only

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables and their guards."""
    op.create_table(
        "clean_capture",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("final_url", sa.Text(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("grade", sa.String(length=12), nullable=False),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.Column("wording", sa.String(length=12), nullable=False),
        sa.Column("profile", sa.String(length=32), nullable=False),
        sa.Column("browser", sa.String(length=120), nullable=False),
        sa.Column("software", sa.String(length=80), nullable=False),
        sa.Column("facts_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_clean_capture_case_id"), "clean_capture", ["case_id"], unique=False)
    op.create_table(
        "clean_capture_file",
        sa.Column("clean_capture_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clean_capture_id"], ["clean_capture.id"]),
        sa.PrimaryKeyConstraint("clean_capture_id", "position"),
    )
    op.create_index(op.f("ix_clean_capture_file_sha256"), "clean_capture_file", ["sha256"], unique=False)
    for table in ("clean_capture", "clean_capture_file"):
        make_insert_only(table)
