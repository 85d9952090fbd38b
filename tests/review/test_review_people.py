"""Passwords are long, uncommon, hashed with Argon2id, and an unknown login costs what a known one costs."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from ledger import Ledger
from ledger.models import Event, Reviewer
from review import people
from review.passwords import PasswordRefused

GOOD = "quatre chevaux bleus au galop"


def test_a_reviewer_signs_in_with_the_password_given(ledger: Ledger) -> None:
    with ledger.session() as session:
        added = people.add_reviewer(session, " Alix ", "Alix R.", GOOD)
        assert added.login == "alix" and added.password_hash.startswith("$argon2id$")
    with ledger.session() as session:
        found = people.check_password(session, "ALIX", GOOD)
        assert found is not None and found.id == added.id
        assert people.check_password(session, "alix", GOOD + " ") is None
        assert people.check_password(session, "nobody", GOOD) is None
        assert session.scalars(select(Event.kind)).all() == ["reviewer.added"]


def test_a_disabled_reviewer_does_not_sign_in(ledger: Ledger) -> None:
    with ledger.session() as session:
        added = people.add_reviewer(session, "alix", "Alix R.", GOOD)
        added.disabled_at = added.created_at
    with ledger.session() as session:
        assert people.check_password(session, "alix", GOOD) is None


@pytest.mark.parametrize(
    "password",
    ["", "short", "a" * 14, "a" * 40, "abab" * 6, "motdepasse12345", "Mot De Passe 12345", "AZERTYUIOPqsdfgh",
     "x" * 2000, "alix.alix.alix.1"],
)  # fmt: skip
def test_a_guessable_password_is_refused(sqlite_ledger: Ledger, password: str) -> None:
    with sqlite_ledger.session() as session:
        with pytest.raises(PasswordRefused):
            people.add_reviewer(session, "alix", "Alix R.", password)
        assert session.scalars(select(Reviewer)).all() == []


@pytest.mark.parametrize(
    ("login", "role"), [("", "reviewer"), ("é", "reviewer"), ("a b", "reviewer"), ("alix", "king")]
)
def test_a_malformed_login_or_role_is_refused(sqlite_ledger: Ledger, login: str, role: str) -> None:
    with sqlite_ledger.session() as session, pytest.raises(people.LoginRefused):
        people.add_reviewer(session, login, "Alix R.", GOOD, role)


def test_a_login_is_taken_once(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.session() as session:
        people.add_reviewer(session, "alix", "Alix R.", GOOD)
        with pytest.raises(people.LoginRefused, match="déjà pris"):
            people.add_reviewer(session, "Alix", "Autre", GOOD)


def test_an_unknown_login_costs_one_verification_too(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite_ledger.session() as session:
        people.add_reviewer(session, "alix", "Alix R.", GOOD)
        costs: list[str] = []
        real = people._verify

        def costing(known: str, password: str) -> bool:
            costs.append(known.rsplit("$", 2)[0])
            return real(known, password)

        monkeypatch.setattr(people, "_verify", costing)
        people.check_password(session, "alix", "wrong")
        people.check_password(session, "nobody", "wrong")
    assert len(costs) == 2 and costs[0] == costs[1]  # same algorithm, same parameters


def test_the_real_hash_has_a_real_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    hasher = PasswordHasher()
    assert hasher.memory_cost >= 19 * 1024 and hasher.time_cost >= 2
