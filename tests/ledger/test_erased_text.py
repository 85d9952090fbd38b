"""What was read from an erased page goes with it: the text gives way to a mark with its hash, and in no other way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from ledger import Ledger
from ledger.custody import check_chain
from ledger.desk import Docket, DocketWord
from ledger.docket import describe
from ledger.erasure import erase, finish_erasures
from ledger.models import Event, Finding, Passage
from ledger.sealing.check import check_seals
from ledger.sealing.seals import make_seals
from ledger.text import erased_text
from ledger.verifying.paths import verify_path
from reference import load_reference

WORDS = "Dr Camille Essai : pas de CMU au cabinet"
WHY = "demande d’effacement du 3 mars"


@pytest.fixture
def filled(ledger: Ledger, rows_in: Callable[..., Any]) -> Ledger:
    """A case whose wording two captures hold, the desk having described it; sealed."""
    with ledger.session() as session:
        rows = rows_in(session)
        listing = rows.listing()
        first = rows.passage(listing, rows.capture(), WORDS)
        rows.case(listing, first)
        session.get_one(Finding, 1).trigger = "pas de CMU"
        rows.passage(listing, rows.capture(1), WORDS)
        describe(session, load_reference())
    make_seals(ledger, "vigie test")
    return ledger


def texts(ledger: Ledger) -> list[str]:
    with ledger.session() as session:
        return list(session.scalars(select(Passage.text).order_by(Passage.id)))


def test_row_deletion_logged_with_the_texts_that_were_read(filled: Ledger) -> None:
    with filled.session() as session:
        captures = list(session.scalars(select(Passage.capture_id).order_by(Passage.id)))
        assert "pas de CMU" in session.scalars(select(Docket.excerpt)).one()
    report = erase(filled, captures[:1], reason=WHY, actor="alix")
    assert (report.erased, report.texts) == (1, 1)
    digest = hashlib.sha256(WORDS.encode()).hexdigest()
    assert texts(filled) == [f"[texte effacé, SHA-256 {digest}]", WORDS]
    with filled.session() as session:
        assert session.scalars(select(Finding.trigger)).all() == [""]
        assert session.scalars(select(Docket.excerpt)).all() == [""]
        assert session.scalars(select(DocketWord.word)).all() == []
        event = session.scalars(select(Event).where(Event.kind == "text_erased")).one()
    assert (event.subject_id, event.detail["texts"]) == (captures[0], [digest])
    assert erase(filled, captures, reason=WHY, actor="alix").texts == 1
    assert WORDS not in texts(filled) and finish_erasures(filled).texts == 0
    with filled.session() as session:
        describe(session, load_reference())
        found = session.scalars(select(DocketWord.word)).all()
    assert "camille" not in found and "cmu" not in found
    assert check_chain(filled).holds and check_seals(filled).faults == ()
    filled.store.root.mkdir(exist_ok=True)
    url = filled.engine.url
    address = None if url.drivername.startswith("sqlite") else url.render_as_string(hide_password=False)
    assert not verify_path(filled.home, database_url=address).failed


@pytest.mark.parametrize(
    "change",
    [
        "text = 'autre chose'",
        "text = ''",
        f"text = '{erased_text(WORDS)} '",
        f"text = '{erased_text(WORDS)[:-2]}G]'",
        f"text = '{erased_text(WORDS)}', locator = '/autre'",
        f"text = '{erased_text(WORDS)}', text_key = 'x'",
        f"text = '{erased_text(WORDS)}', capture_id = 1",
        "field = 'title'",
    ],
)
def test_an_erased_capture_opens_no_other_way_to_change_a_passage(filled: Ledger, change: str) -> None:
    with filled.session() as session:
        capture = session.scalars(select(Passage.capture_id).order_by(Passage.id)).first()
        values = {"capture": capture, "sha": None}
        session.execute(
            text(
                "INSERT INTO erasure (kind, subject_id, sha256, size, at, actor, reason) "
                "VALUES ('capture', :capture, :sha, 0, '2026-03-01 00:00:00', 'x', 'y')"
            ),
            values,
        )
    with pytest.raises(IntegrityError, match="passage is insert-only"), filled.engine.begin() as connection:
        connection.execute(text(f"UPDATE passage SET {change} WHERE id = 1"))


def test_without_an_erasure_a_text_stays(filled: Ledger) -> None:
    with pytest.raises(IntegrityError, match="passage is insert-only"), filled.engine.begin() as connection:
        connection.execute(text(f"UPDATE passage SET text = '{erased_text(WORDS)}' WHERE id = 1"))
    with pytest.raises(IntegrityError, match="passage is insert-only"), filled.engine.begin() as connection:
        connection.execute(text("DELETE FROM passage WHERE id = 1"))
