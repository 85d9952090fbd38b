"""Who a case is about: two keys, the last word of each, a kept screen, and nothing that can be changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ledger import Ledger
from ledger.identities import (
    INSERT_ONLY,
    ConfirmationRefused,
    IdentityConfirmation,
    IdentityMatch,
    IdentityState,
    IdentityStatus,
    canonical,
    confirm_identity,
    identity_state,
)
from ledger.models import Case, Identification, ListingView, Reviewer

ONE, OTHER = "99000000012", "99000000020"
SCREEN = {
    "shown": {"display_name": "Dr Ysaline Quervaux"},
    "candidates": [{"rpps": ONE}, {"rpps": OTHER}, {"rpps": ""}],
}


@pytest.fixture
def case(ledger: Ledger, rows_in: Callable[..., Any]) -> int:
    """A case with all that comes before it."""
    with ledger.session() as session:
        rows_in(session).one_of_each()
        session.flush()
        found = session.query(Case.id).first()
        assert found is not None
        return int(found[0])


def _people(session: Any, count: int) -> list[int]:
    made = [
        Reviewer(login=f"person{n}", display_name=f"P{n}", password_hash="x", created_at=datetime.now(UTC))
        for n in range(count)
    ]
    session.add_all(made)
    session.flush()
    return [person.id for person in made]


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ([], IdentityState(IdentityStatus.OPEN)),
        ([(0, ONE)], IdentityState(IdentityStatus.SECOND)),
        ([(0, ONE), (0, ONE)], IdentityState(IdentityStatus.SECOND)),
        ([(0, ONE), (1, ONE)], IdentityState(IdentityStatus.CONFIRMED, ONE)),
        ([(0, ONE), (1, OTHER)], IdentityState(IdentityStatus.SPLIT)),
        ([(0, ONE), (1, "")], IdentityState(IdentityStatus.SPLIT)),
        ([(0, "")], IdentityState(IdentityStatus.REJECTED)),
        ([(0, ONE), (1, OTHER), (1, ONE)], IdentityState(IdentityStatus.CONFIRMED, ONE)),
        ([(0, ONE), (1, ONE), (2, OTHER)], IdentityState(IdentityStatus.SPLIT)),
    ],
)
def test_two_people_confirm(ledger: Ledger, case: int, words: list[tuple[int, str]], state: IdentityState) -> None:
    with ledger.session() as session:
        people = _people(session, 3)
        for who, rpps in words:
            confirm_identity(session, case, people[who], rpps=rpps, registry_date="2026-01-01", screen=SCREEN)
    with ledger.session() as session:
        assert identity_state(session, case) == state


def test_the_screen_is_kept_with_its_hash(ledger: Ledger, case: int) -> None:
    with ledger.session() as session:
        number = confirm_identity(
            session, case, _people(session, 1)[0], rpps=ONE, registry_date="2026-01-01", screen=SCREEN
        ).id
    with ledger.session() as session:
        row = session.get_one(IdentityConfirmation, number)
        assert row.screen == SCREEN
        assert row.screen_sha256 == hashlib.sha256(canonical(SCREEN)).hexdigest()


@pytest.mark.parametrize("rpps", ["99000000038", "1", "9900000001²"])
def test_only_who_was_on_the_screen_can_be_confirmed(ledger: Ledger, case: int, rpps: str) -> None:
    with ledger.session() as session, pytest.raises(ConfirmationRefused):
        confirm_identity(session, case, _people(session, 1)[0], rpps=rpps, registry_date="2026-01-01", screen=SCREEN)


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_nothing_of_it_can_be_changed(ledger: Ledger, case: int, statement: str) -> None:
    with ledger.session() as session:
        view = session.query(ListingView).first()
        assert view is not None
        answer = Identification(
            listing_id=view.listing_id,
            view_id=view.id,
            version="v+2026-01-01",
            created_at=datetime.now(UTC),
            status="none",
        )
        session.add(answer)
        session.flush()
        session.add(IdentityMatch(identification_id=answer.id, shown={"display_name": "x"}))
        confirm_identity(session, case, _people(session, 1)[0], rpps=ONE, registry_date="2026-01-01", screen=SCREEN)
    for table in INSERT_ONLY:
        with pytest.raises(IntegrityError, match=f"{table} is insert-only"), ledger.engine.begin() as connection:
            connection.execute(text(statement.format(table)))
