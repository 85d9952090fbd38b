"""An older ledger's outcomes become letters with steps, and nothing that stood there is lost."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import JSON, Boolean, Connection, Date, DateTime, Float, Integer, MetaData, Table, inspect, select

from ledger import Ledger
from ledger.database import _alembic, make_engine
from ledger.sending_tables import Sending, SendingStep
from ledger.sendings import answer, waited
from reference import load_reference

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = datetime(2026, 4, 5, 9, tzinfo=UTC)
ANY = ((Integer, 1), (Float, 1.0), (Boolean, False), (DateTime, AT), (Date, AT.date()), (JSON, {}))
CHAIN = ("crawl", "capture", "listing", "passage", "finding", "case")


def add(connection: Connection, name: str, /, **values: Any) -> None:
    """A row of a table as it then was; what must be there and is not given is anything of its type."""
    table = Table(name, MetaData(), autoload_with=connection)
    for column in table.columns:
        if column.name not in values and not column.nullable:
            of_type = (value for kind, value in ANY if isinstance(column.type, kind))
            values[column.name] = next(of_type, "x")
            if isinstance(column.type, DateTime) and connection.dialect.name == "sqlite":
                values[column.name] = AT.replace(tzinfo=None)
    connection.execute(table.insert().values(values))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_outcomes_become_letters(kind: str, home: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("empty_postgresql_url") if kind == "postgresql" else None
    home.mkdir()
    engine = make_engine(home, url)
    command.upgrade(_alembic(engine), "0008")
    with engine.begin() as connection:
        for name in CHAIN:
            add(connection, name, id=1)
        told = [(1, AT, "sent", "LRAR 1A"), (1, LATER, "received", ""), (1, LATER, "ombudsman", "lettre nº 3")]
        told += [(2, LATER, "closed", "")]
        for number in (1, 2, 3):
            add(connection, "dossier", id=number, case_id=1, name=f"d{number}")
        for number, (dossier, at, what, note) in enumerate(told, 1):
            moment = at if url else at.replace(tzinfo=None)
            add(connection, "outcome", id=number, dossier_id=dossier, at=moment, kind=what, note=note)
    engine.dispose()
    ledger = Ledger.open(home, url)
    assert "outcome" not in inspect(ledger.engine).get_table_names()
    with ledger.session() as session:
        letters = session.scalars(select(Sending).order_by(Sending.id)).all()
        assert [(one.case_id, one.dossier_id, one.route, one.sent_on) for one in letters] == [
            (1, 1, "", date(2026, 3, 2)),
            (1, 2, "", date(2026, 4, 5)),
        ]
        steps = session.execute(select(SendingStep.sending_id, SendingStep.step, SendingStep.note))
        assert steps.all() == [
            (1, "sent", "LRAR 1A"),
            (1, "received", ""),
            (1, "answered", "ombudsman : lettre nº 3"),
            (2, "sent", "jour d’envoi non consigné : celui du premier fait connu"),
            (2, "answered", "closed"),
        ]
        assert letters[0].recorded_at == AT
        reference = load_reference()
        assert waited(session, reference.deadlines.values(), reference.steps) == []
        answer(session, 2, "final", date(2026, 5, 1), note="", actor="x", steps=reference.steps)
    ledger.close()
