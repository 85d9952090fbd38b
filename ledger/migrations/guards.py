"""The insert-only guard, in the database itself: UPDATE, DELETE and TRUNCATE of an evidence table are refused."""

from __future__ import annotations

from alembic import op

_FUNCTION = """
CREATE OR REPLACE FUNCTION vigie_insert_only() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION 'vigie: % is insert-only', TG_TABLE_NAME;
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
            f"BEGIN SELECT RAISE(ABORT, 'vigie: {table} is insert-only'); END"
        )
