"""What became of a dossier that an editor asked for: written, or refused with its gaps."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three columns; what was asked before waits as it did."""
    op.add_column("dossier_request", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    # Said in SQL: Alembic adds no foreign key to a table of SQLite, both databases do.
    op.execute("ALTER TABLE dossier_request ADD COLUMN dossier_id INTEGER REFERENCES dossier(id)")
    op.add_column("dossier_request", sa.Column("gaps", sa.JSON(), nullable=False, server_default="[]"))
