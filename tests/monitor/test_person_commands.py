"""`vigie person …`: accounts from the command line, in one line each, with status 2 for what cannot be done."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from ledger import Ledger
from ledger.models import Event
from monitor.cli import app
from review import invite
from review.people import LoginRefused

NEW = "cinq pommes vertes dans un panier"


@pytest.fixture
def home(sqlite_ledger: Ledger) -> Path:
    """A home with an empty ledger."""
    return sqlite_ledger.home


def run(home: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["person", *words, "--home", str(home)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_account_from_the_invitation_to_its_end(home: Path, sqlite_ledger: Ledger) -> None:
    link = run(
        home, "invite", "camille", "--name", "Camille", "--role", "administrator", "--address", "https://d.test/"
    )
    token = re.fullmatch(r"https://d\.test/invitation/([\w-]{43})\n", link)
    assert token, link
    with sqlite_ledger.session() as session:
        invite.accept(session, token.group(1), NEW)
        other = invite.invite(session, "sacha", "Sacha", "reviewer", "camille")
        invite.accept(session, other, NEW)
    rows = [json.loads(line) for line in run(home, "list", "--json").splitlines()]
    assert [(row["login"], row["role"], row["has_factor"]) for row in rows] == [
        ("camille", "administrator", False), ("sacha", "reviewer", False),
    ]  # fmt: skip
    assert "adjudicator" in run(home, "role", "sacha", "adjudicator")
    assert "0 sessions ended" in run(home, "end-sessions", "sacha")
    assert "/invitation/" in run(home, "renew", "sacha")
    assert run(home, "digest", "sacha").startswith("Bonjour Sacha,")
    mail = run(home, "digest", "sacha", "--to", "sacha@exemple.test")
    assert "To: sacha@exemple.test" in mail and "multipart/alternative" in mail and "text/html" in mail
    run(home, "close", "sacha")
    assert "closed" in run(home, "list")
    run(home, "reopen", "sacha")
    with sqlite_ledger.session() as session:
        actors = set(session.scalars(select(Event.actor).where(Event.kind == "reviewer.disabled")))
    assert actors == {"operator"}


def test_what_cannot_be_done_is_said(home: Path) -> None:
    for words in (["invite", "é", "--name", "X"], ["invite", "x1", "--name", "X", "--role", "king"]):
        with pytest.raises(LoginRefused):
            run(home, *words)
    with pytest.raises(invite.AccountRefused, match="Personne"):
        run(home, "close", "nobody")
