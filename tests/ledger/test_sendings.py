"""Letters, their steps, and the days counted as the law counts them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from ledger import Ledger
from ledger.models import Event
from ledger.sending_tables import SENDING_TABLES, Sending
from ledger.sendings import BadStep, answer, due, holidays, send, waited
from reference import load_reference

REFERENCE = load_reference()


def letter(ledger: Ledger, rows_in: Callable[..., Any], route: str = "complaint", on: date = date(2026, 3, 2)) -> int:
    with ledger.session() as session:
        rows = rows_in(session)
        listing = rows.listing()
        case = rows.case(listing, rows.passage(listing, rows.capture(), "Pas de CMU"))
        row = send(
            session,
            case.id,
            route=route,
            addressee="Conseil fictif",
            method="LRAR",
            tracking="1A 000",
            sent_on=on,
            letter_sha256="0" * 64,
            actor="x",
        )
        return row.id


def step(ledger: Ledger, number: int, code: str, on: date) -> None:
    with ledger.session() as session:
        answer(session, number, code, on, note="n", actor="x", steps=REFERENCE.steps)


def pending(ledger: Ledger) -> dict[str, date]:
    with ledger.session() as session:
        return {one.deadline: one.due for one in waited(session, REFERENCE.deadlines.values(), REFERENCE.steps)}


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        ("2026-03-02", 8, "days", "2026-03-10"),
        ("2026-03-05", 8, "days", "2026-03-13"),
        ("2026-03-06", 8, "days", "2026-03-16"),  # a Saturday moves to Monday
        ("2026-12-24", 1, "days", "2026-12-28"),  # Christmas, then a week-end
        ("2026-01-31", 1, "months", "2026-03-02"),  # 28 February is a Saturday
        ("2027-01-31", 1, "months", "2027-03-01"),
        ("2028-01-31", 1, "months", "2028-02-29"),
        ("2026-03-02", 3, "months", "2026-06-02"),
        ("2026-02-01", 3, "months", "2026-05-04"),  # 1 May is a holiday, then a week-end
        ("2026-10-11", 1, "months", "2026-11-12"),  # 11 November
        ("2026-03-02", 6, "months", "2026-09-02"),
        ("2026-08-31", 6, "months", "2027-03-01"),
        ("2026-12-15", 1, "months", "2027-01-15"),
        ("2026-03-06", 1, "months", "2026-04-07"),  # Easter Monday
        ("2026-04-14", 1, "months", "2026-05-15"),  # Ascension
    ],
)
def test_days_are_counted_as_the_law_says(start: str, amount: int, unit: str, end: str) -> None:
    assert due(date.fromisoformat(start), amount, unit) == date.fromisoformat(end)


def test_holidays() -> None:
    for year, monday in ((2024, "04-01"), (2025, "04-21"), (2026, "04-06"), (2027, "03-29"), (2038, "04-26")):
        assert date.fromisoformat(f"{year}-{monday}") in holidays(year) and len(holidays(year)) in (10, 11)


def test_a_complaint_through_its_stages(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    number = letter(ledger, rows_in)
    assert pending(ledger) == {}
    step(ledger, number, "received", date(2026, 3, 4))
    assert pending(ledger) == {"acknowledge_complaint": date(2026, 4, 7)}
    step(ledger, number, "acknowledged", date(2026, 3, 12))
    step(ledger, number, "registered", date(2026, 3, 9))
    assert pending(ledger) == {"summons": date(2026, 4, 9), "transmission": date(2026, 6, 9)}
    step(ledger, number, "not_conciliated", date(2026, 4, 8))
    assert pending(ledger) == {"transmission": date(2026, 6, 9)}
    step(ledger, number, "transmitted", date(2026, 6, 1))
    assert pending(ledger) == {"ruling": date(2026, 12, 1)}
    step(ledger, number, "decided", date(2026, 11, 20))
    assert pending(ledger) == {"appeal": date(2026, 12, 21)}
    step(ledger, number, "appealed", date(2026, 12, 1))
    assert pending(ledger) == {}
    step(ledger, number, "final", date(2027, 5, 3))
    with ledger.session() as session:
        kinds = session.scalars(select(Event.kind).where(Event.subject == "case").order_by(Event.id)).all()
    assert kinds[0] == "letter_sent" and kinds[-1] == "letter_final" and len(kinds) == 9


def test_a_mandate_has_eight_days_and_three_months(sqlite_ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    number = letter(sqlite_ledger, rows_in, "mandate")
    step(sqlite_ledger, number, "received", date(2026, 3, 4))
    assert pending(sqlite_ledger) == {"acknowledge": date(2026, 3, 12), "conciliation": date(2026, 6, 4)}
    step(sqlite_ledger, number, "conciliated", date(2026, 5, 4))
    assert pending(sqlite_ledger) == {}


def test_a_correction_is_a_new_row_and_the_newest_counts(sqlite_ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    number = letter(sqlite_ledger, rows_in, "mandate")
    step(sqlite_ledger, number, "received", date(2026, 3, 4))
    step(sqlite_ledger, number, "received", date(2026, 3, 5))
    assert pending(sqlite_ledger)["acknowledge"] == date(2026, 3, 13)


@pytest.mark.parametrize(
    ("code", "on", "said"),
    [
        ("decided", date(2026, 4, 1), "transmitted"),
        ("appealed", date(2026, 4, 1), "decided"),
        ("received", date(2026, 3, 1), "left on 2026-03-02"),
        ("sent", date(2026, 4, 1), "a step is one of"),
        ("lost", date(2026, 4, 1), "a step is one of"),
    ],
)
def test_what_cannot_be_is_refused(
    sqlite_ledger: Ledger, rows_in: Callable[..., Any], code: str, on: date, said: str
) -> None:
    number = letter(sqlite_ledger, rows_in)
    with pytest.raises(BadStep, match=said):
        step(sqlite_ledger, number, code, on)


def test_no_such_letter_and_no_such_case(sqlite_ledger: Ledger) -> None:
    with pytest.raises(BadStep, match="no letter 9"):
        step(sqlite_ledger, 9, "received", date(2026, 3, 3))
    with sqlite_ledger.session() as session, pytest.raises(BadStep, match="no case 9"):
        send(
            session,
            9,
            route="ddd",
            addressee="a",
            method="m",
            tracking="",
            sent_on=date(2026, 3, 3),
            letter_sha256="",
            actor="x",
        )


def test_what_left_cannot_be_changed(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    letter(ledger, rows_in)
    for table in SENDING_TABLES:
        if table not in ("sending", "sending_step"):
            continue
        for change in (f"DELETE FROM {table}", f"UPDATE {table} SET actor = 'y'"):
            with pytest.raises(DBAPIError, match="insert-only"), ledger.engine.begin() as connection:
                connection.execute(text(change))
    with ledger.session() as session:
        assert session.scalars(select(Sending)).one().actor == "x"
