"""The insert-only guard, in the database itself: UPDATE, DELETE and TRUNCATE of an evidence table are refused.

A migration that rebuilds a guarded table (SQLite's batch mode does) must call `make_insert_only` on it again.
"""

from __future__ import annotations

from alembic import op

# 23001 is restrict_violation: drivers raise IntegrityError, as SQLite's ABORT makes them do.
_FUNCTION = """
CREATE OR REPLACE FUNCTION vigie_insert_only() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION 'vigie: % is insert-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23001';
END;
$$ LANGUAGE plpgsql
"""


def make_insert_only(table: str) -> None:
    """Put the guard on one table of the database being migrated."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_FUNCTION)
        op.execute(
            f'CREATE TRIGGER insert_only_rows BEFORE UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION vigie_insert_only()"
        )
        op.execute(
            f'CREATE TRIGGER insert_only_table BEFORE TRUNCATE ON "{table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION vigie_insert_only()"
        )
        return
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f'CREATE TRIGGER "{table}_no_{action.lower()}" BEFORE {action} ON "{table}" '
            f"BEGIN SELECT RAISE(ABORT, 'vigie: {table} is insert-only: {action} refused'); END"
        )
