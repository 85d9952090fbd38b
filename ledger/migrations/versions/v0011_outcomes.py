"""What the old table of outcomes says goes to letters and their steps, which are what is read; the table goes."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import RowMapping

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ACTOR = "migration"
STEPS = frozenset(
    (
        "sent", "received", "registered", "acknowledged", "answered", "refused", "council_confirmed", "summoned",
        "conciliated", "not_conciliated", "withdrawn_complaint", "transmitted", "decided", "appealed", "final",
        "wording_withdrawn",
    )
)  # fmt: skip
UNKNOWN = "non consigné"
FIRST_KNOWN = "jour d’envoi non consigné : celui du premier fait connu"

OUTCOMES = sa.text(
    "SELECT o.dossier_id, d.case_id, o.at, o.kind, o.note FROM outcome o JOIN dossier d ON d.id = o.dossier_id "
    "ORDER BY o.dossier_id, o.at, o.id"
).columns(at=sa.DateTime(timezone=True))
SENDING = sa.table(
    "sending",
    *(sa.column(name) for name in ("id", "case_id", "dossier_id", "route", "addressee", "method", "tracking")),
    sa.column("sent_on", sa.Date()),
    *(sa.column(name) for name in ("letter_sha256", "actor")),
    sa.column("recorded_at", sa.DateTime(timezone=True)),
)
STEP = sa.table(
    "sending_step",
    sa.column("sending_id"),
    sa.column("step"),
    sa.column("happened_on", sa.Date()),
    sa.column("note"),
    sa.column("actor"),
    sa.column("recorded_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    """One letter a dossier that has outcomes, one step an outcome; a kind that is no step is kept in the note."""
    bind = op.get_bind()
    rows = bind.execute(OUTCOMES).mappings().all()
    for dossier, held in groupby(rows, key=lambda row: row["dossier_id"]):
        told = list(held)
        sent = next((row["at"] for row in told if row["kind"] == "sent"), told[0]["at"])
        letter = {
            "case_id": told[0]["case_id"], "dossier_id": dossier, "route": "", "addressee": UNKNOWN, "method": UNKNOWN,
            "tracking": "", "sent_on": sent.date(), "letter_sha256": "", "actor": ACTOR, "recorded_at": sent,
        }  # fmt: skip
        number = bind.execute(sa.insert(SENDING).values(letter).returning(SENDING.c.id)).scalar_one()
        bind.execute(sa.insert(STEP), list(_steps(number, told, sent)))
    op.drop_index(op.f("ix_outcome_dossier_id"), table_name="outcome")
    op.drop_table("outcome")


def _steps(number: int, told: Sequence[RowMapping], sent: datetime) -> Iterator[dict[str, Any]]:
    """The steps of a letter; the one that says it left comes first, since the others follow it."""
    if not any(row["kind"] == "sent" for row in told):
        yield _step(number, "sent", FIRST_KNOWN, sent)
    for row in sorted(told, key=lambda row: row["kind"] != "sent"):
        known = row["kind"] in STEPS
        note = row["note"] if known else f"{row['kind']} : {row['note']}".removesuffix(" : ")
        yield _step(number, row["kind"] if known else "answered", note, row["at"])


def _step(number: int, step: str, note: str, at: datetime) -> dict[str, Any]:
    return {
        "sending_id": number, "step": step, "happened_on": at.date(), "note": note, "actor": ACTOR, "recorded_at": at,
    }  # fmt: skip
