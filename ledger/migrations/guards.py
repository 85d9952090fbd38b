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


_SAME = ["id", "listing_id", "capture_id", "parser_version", "field", "locator", "text_key"]
_ERASED = """EXISTS (SELECT 1 FROM erasure WHERE kind = 'capture' AND (subject_id = OLD.capture_id
    OR subject_id = (SELECT revisit_of_id FROM capture WHERE id = OLD.capture_id)))"""
_MARK = "[texte effacé, SHA-256 "


def allow_erasure_of_text() -> None:
    """Let the text of a passage become the mark of its erasure, once its capture is erased; refuse all else as before.

    The mark is `ledger.text.erased_text`: fixed words and the SHA-256 of what stood there.
    """
    if op.get_bind().dialect.name == "postgresql":
        same = " AND ".join(f"NEW.{name} = OLD.{name}" for name in _SAME)
        op.execute(
            f"""
CREATE OR REPLACE FUNCTION vigie_passage_rows() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.text ~ '^\\{_MARK}[0-9a-f]{{64}}\\]$' AND {same} AND {_ERASED} THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'vigie: % is insert-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23001';
END;
$$ LANGUAGE plpgsql
"""
        )
        op.execute('DROP TRIGGER insert_only_rows ON "passage"')
        op.execute(
            'CREATE TRIGGER insert_only_rows BEFORE UPDATE OR DELETE ON "passage" '
            "FOR EACH ROW EXECUTE FUNCTION vigie_passage_rows()"
        )
        return
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _SAME)
    begins, at = f"substr(NEW.text, 1, {len(_MARK)}) = '{_MARK}'", len(_MARK)
    marked = (
        f"{begins} AND length(NEW.text) = {at + 65} AND substr(NEW.text, {at + 65}) = ']' "
        f"AND substr(NEW.text, {at + 1}, 64) NOT GLOB '*[^0-9a-f]*'"
    )
    op.execute('DROP TRIGGER "passage_no_update"')
    op.execute(
        f'CREATE TRIGGER "passage_no_update" BEFORE UPDATE ON "passage" WHEN NOT ({marked} AND {same} AND {_ERASED}) '
        "BEGIN SELECT RAISE(ABORT, 'vigie: passage is insert-only: UPDATE refused'); END"
    )
