"""The review desk: people's keys, seats, ballots, the docket of cases kept by triggers, controls, samples, comments."""

import sqlalchemy as sa
from alembic import op

from ledger.migrations.guards import make_insert_only

revision = "0005"
down_revision = "0007"
branch_labels = None
depends_on = None

INSERT_ONLY = ("control_answer", "comment", "sample_item", "sample_answer")

# An odd factor modulo 2^31 shuffles the numbers without ever giving two cases one place.
_RANK = "(({id} * 1566083941) % 2147483648)"
_ENTER = """
INSERT INTO docket (case_id, rank, stage, confirms, dismisses, doubts, described, opened_at, listing_id, platform,
                    department, profession, field, stance, benefits, display_name, name_key, speciality, city, excerpt,
                    change)
SELECT c.id, {rank}, 0, 0, 0, 0, {false}, c.opened_at, c.listing_id, '', '', '', '', '', '', '', '', '', '', '', ''
FROM "case" c WHERE {which}
"""
# What `ledger.cases.case_state` says, kept up to date by each verdict.
_COUNT = """
UPDATE docket SET
    confirms = confirms + CASE WHEN NEW.decision = 'confirm' THEN 1 ELSE 0 END,
    dismisses = dismisses + CASE WHEN NEW.decision = 'dismiss' THEN 1 ELSE 0 END,
    doubts = doubts + CASE WHEN NEW.decision NOT IN ('confirm', 'dismiss') THEN 1 ELSE 0 END,
    last_verdict_at = NEW.decided_at,
    stage = CASE
        WHEN confirms + CASE WHEN NEW.decision = 'confirm' THEN 1 ELSE 0 END >= 2 THEN 2
        WHEN dismisses + CASE WHEN NEW.decision = 'dismiss' THEN 1 ELSE 0 END >= 2 THEN 2
        WHEN confirms + dismisses + doubts + 1 >= 3 THEN 2
        WHEN confirms + dismisses + doubts + 1 = 2 THEN 1
        ELSE 0 END
WHERE case_id = NEW.case_id
"""
_COUNT_ALL = """
UPDATE docket SET
    confirms = (SELECT count(*) FROM verdict v WHERE v.case_id = docket.case_id AND v.decision = 'confirm'),
    dismisses = (SELECT count(*) FROM verdict v WHERE v.case_id = docket.case_id AND v.decision = 'dismiss'),
    doubts = (SELECT count(*) FROM verdict v WHERE v.case_id = docket.case_id
              AND v.decision NOT IN ('confirm', 'dismiss')),
    last_verdict_at = (SELECT max(v.decided_at) FROM verdict v WHERE v.case_id = docket.case_id)
"""
_STAGE_ALL = """
UPDATE docket SET stage = CASE WHEN confirms >= 2 OR dismisses >= 2 OR confirms + dismisses + doubts >= 3 THEN 2
    WHEN confirms + dismisses + doubts = 2 THEN 1 ELSE 0 END
"""


def upgrade() -> None:
    """Make the tables, keep the docket by triggers, and enter the cases and verdicts that are there already."""
    op.add_column("verdict", sa.Column("ground", sa.String(length=20), nullable=False, server_default=""))
    op.add_column("verdict", sa.Column("span_start", sa.Integer(), nullable=True))
    op.add_column("verdict", sa.Column("span_end", sa.Integer(), nullable=True))
    op.create_index("ix_verdict_person", "verdict", ["reviewer_id", "id"])
    op.create_index("ix_listing_view_name", "listing_view", ["display_name"])
    _tables()
    for table in INSERT_ONLY:
        make_insert_only(table)
    postgresql = op.get_bind().dialect.name == "postgresql"
    false = "false" if postgresql else "0"
    op.execute(_ENTER.format(rank=_rank("c.id", postgresql), false=false, which="true" if postgresql else "1"))
    op.execute(_COUNT_ALL)
    op.execute(_STAGE_ALL)
    enter = _ENTER.format(rank=_rank("c.id", postgresql), false=false, which="c.id = NEW.id")
    for name, table, action in (("docket_enter", "case", enter), ("docket_count", "verdict", _COUNT)):
        if postgresql:
            op.execute(
                f"CREATE FUNCTION vigie_{name}() RETURNS trigger AS $$ "
                f"BEGIN {action}; RETURN NULL; END; $$ LANGUAGE plpgsql"
            )
            op.execute(f'CREATE TRIGGER {name} AFTER INSERT ON "{table}" FOR EACH ROW EXECUTE FUNCTION vigie_{name}()')
        else:
            op.execute(f'CREATE TRIGGER {name} AFTER INSERT ON "{table}" BEGIN {action}; END')


def _rank(column: str, postgresql: bool) -> str:
    return _RANK.format(id=f"{column}::bigint" if postgresql else column)


def _tables() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_attempt_key", "attempt", ["key", "at"], unique=False)
    op.create_table(
        "sample",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seed", sa.String(length=32), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "month"),
    )
    op.create_table(
        "conflict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=120), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_conflict_reviewer_id"), "conflict", ["reviewer_id"], unique=False)
    op.create_table(
        "desk_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("factor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_sha256"),
    )
    op.create_index(op.f("ix_desk_session_reviewer_id"), "desk_session", ["reviewer_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("login", sa.String(length=60), nullable=False),
        sa.Column("display_name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=True),
        sa.Column("invited_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_sha256"),
    )
    op.create_table(
        "read_mark",
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("feed_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("reviewer_id"),
    )
    op.create_index(op.f("ix_read_mark_feed_sha256"), "read_mark", ["feed_sha256"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_recovery_code_reviewer_id"), "recovery_code", ["reviewer_id"], unique=False)
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.String(length=600), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reviewer_id", "name"),
    )
    op.create_table(
        "second_factor",
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("reviewer_id"),
    )
    op.create_table(
        "sample_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("passage_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["passage_id"],
            ["passage.id"],
        ),
        sa.ForeignKeyConstraint(
            ["sample_id"],
            ["sample.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sample_id", "passage_id"),
    )
    op.create_index(op.f("ix_sample_item_sample_id"), "sample_item", ["sample_id"], unique=False)
    op.create_table(
        "sample_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["sample_item.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id"),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by", sa.String(length=80), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_assignment_case_id"), "assignment", ["case_id"], unique=False)
    op.create_index("ix_assignment_person", "assignment", ["reviewer_id", "ended_at", "rank"], unique=False)
    op.create_table(
        "ballot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("cast_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("stance", sa.String(length=12), nullable=False),
        sa.Column("ground", sa.String(length=20), nullable=False),
        sa.Column("span_start", sa.Integer(), nullable=True),
        sa.Column("span_end", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("control", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_ballot_ended", "ballot", ["ended_at"], unique=False)
    op.create_index("ix_ballot_person", "ballot", ["reviewer_id", "ended_at"], unique=False)
    op.create_index(
        "ux_ballot_live",
        "ballot",
        ["case_id", "reviewer_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_comment_case_id"), "comment", ["case_id"], unique=False)
    op.create_table(
        "control_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("stance", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "reviewer_id"),
    )
    op.create_table(
        "control_case",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("stance", sa.String(length=12), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "docket",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("confirms", sa.Integer(), nullable=False),
        sa.Column("dismisses", sa.Integer(), nullable=False),
        sa.Column("doubts", sa.Integer(), nullable=False),
        sa.Column("last_verdict_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("described", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("department", sa.String(length=3), nullable=False),
        sa.Column("profession", sa.String(length=120), nullable=False),
        sa.Column("field", sa.String(length=20), nullable=False),
        sa.Column("stance", sa.String(length=12), nullable=False),
        sa.Column("benefits", sa.String(length=40), nullable=False),
        sa.Column("display_name", sa.String(length=300), nullable=False),
        sa.Column("name_key", sa.String(length=120), nullable=False),
        sa.Column("speciality", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=120), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index("ix_docket_changed", "docket", ["changed_at"], unique=False)
    op.create_index("ix_docket_decided", "docket", ["last_verdict_at"], unique=False)
    op.create_index("ix_docket_described", "docket", ["described"], unique=False)
    op.create_index("ix_docket_listing", "docket", ["listing_id"], unique=False)
    op.create_index("ix_docket_name", "docket", ["name_key"], unique=False)
    op.create_index("ix_docket_stage", "docket", ["stage", "rank"], unique=False)
    op.create_table(
        "dossier_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id"),
    )
    op.create_table(
        "docket_word",
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["docket.case_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("word", "case_id"),
    )
    op.create_index("ix_docket_word_case", "docket_word", ["case_id"], unique=False)
    # ### end Alembic commands ###
