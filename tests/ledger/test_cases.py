"""Two people agree or a third settles; doubt serves the practitioner; the helpers cost one query for many cases."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from ledger import Ledger, cases
from ledger.cases import CaseStatus, case_state

C, D, Q = "confirm", "dismiss", "doubt"


@pytest.mark.parametrize(
    ("decisions", "state"),
    [
        ([], CaseStatus.OPEN),
        ([C], CaseStatus.SECOND),
        ([D], CaseStatus.SECOND),
        ([Q], CaseStatus.SECOND),
        ([C, C], CaseStatus.CONFIRMED),
        ([D, D], CaseStatus.DISMISSED),
        ([C, D], CaseStatus.SPLIT),
        ([C, Q], CaseStatus.SPLIT),
        ([D, Q], CaseStatus.SPLIT),
        ([Q, Q], CaseStatus.SPLIT),
        ([C, D, C], CaseStatus.CONFIRMED),
        ([C, Q, C], CaseStatus.CONFIRMED),
        ([C, D, D], CaseStatus.DISMISSED),
        ([D, Q, D], CaseStatus.DISMISSED),
        ([C, D, Q], CaseStatus.DOUBTFUL),
        ([Q, Q, C], CaseStatus.DOUBTFUL),
        ([Q, Q, D], CaseStatus.DOUBTFUL),
        ([Q, Q, Q], CaseStatus.DOUBTFUL),
    ],
)
def test_the_rule(decisions: list[str], state: CaseStatus) -> None:
    assert case_state(decisions) is state
    assert {case_state(order) for order in itertools.permutations(decisions)} == {state}


def test_a_vote_that_came_after_the_end_changes_nothing_against_the_practitioner() -> None:
    assert case_state([C, C, D]) is CaseStatus.CONFIRMED
    assert case_state([C, C, D, D]) is CaseStatus.DISMISSED


def test_many_cases_cost_one_query(ledger: Ledger, rows_in: Callable[..., Any], monkeypatch: Any) -> None:
    given = [[], [C], [C, D], [C, C], [D, D], [C, D, Q]]
    with ledger.session() as session:
        rows = rows_in(session)
        people = [rows.reviewer(login) for login in ("alix", "basile", "claude")]
        listing = rows.listing()
        made = [
            rows.case(listing, rows.passage(listing, rows.capture(), f"texte {number}")) for number in range(len(given))
        ]
        for case, decisions in zip(made, given, strict=True):
            for person, decision in zip(people, decisions, strict=False):
                rows.verdict(case, person, decision)
        wanted = {case.id: case_state(decisions) for case, decisions in zip(made, given, strict=True)}
    sent: list[str] = []
    event.listen(ledger.engine, "before_cursor_execute", lambda _c, _k, statement, *_: sent.append(statement))
    with ledger.session() as session:
        assert cases.statuses(session) == wanted
        assert cases.statuses(session, wanted) == wanted
        assert set(cases.passages_by_case(session, wanted)) == set(wanted)
        assert len(sent) == 3
        assert cases.statuses(session, []) == {}
        assert cases.status_of(session, made[3].id) is CaseStatus.CONFIRMED
        with pytest.raises(KeyError):
            cases.status_of(session, 999_999)
        monkeypatch.setattr(cases, "PORTION", 2)
        assert cases.statuses(session, [*wanted, 999_999]) == wanted


def test_more_ids_than_a_query_takes(ledger: Ledger) -> None:
    with ledger.session() as session:
        assert cases.statuses(session, range(70_000)) == {}


def test_passages_are_found_by_wording_and_told_in_the_order_of_capture(
    ledger: Ledger, rows_in: Callable[..., Any]
) -> None:
    with ledger.session() as session:
        rows = rows_in(session)
        listing, other = rows.listing("un"), rows.listing("deux")
        late = rows.passage(listing, rows.capture(day=2), "Pas de CMU.")
        imported = rows.passage(listing, rows.capture(day=1), "PAS DE  CMU.")
        rows.passage(listing, rows.capture(day=3), "Bienvenue")
        rows.passage(other, rows.capture(day=3), "Pas de CMU.")
        case = rows.case(listing, late)
        assert cases.passages_of(session, case) == [imported, late]


def test_the_latest_view_is_the_newest_capture_not_the_newest_row(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    with ledger.session() as session:
        rows = rows_in(session)
        listing, nameless, bare = rows.listing("un"), rows.listing("deux"), rows.listing("trois")
        old, new = rows.capture(day=1), rows.capture(day=2)
        rows.view(listing, new, "Dr Gabarit")
        reread = rows.view(listing, new, "Dr Ange Gabarit", version="2")
        rows.view(listing, rows.capture(day=3), "")
        rows.view(listing, old, "Dr A. Gabarit", version="2")
        only = rows.view(nameless, old, "")
        assert cases.latest_view(session, listing.id) is reread
        assert cases.latest_view(session, nameless.id) is only
        assert cases.latest_view(session, bare.id) is None
        assert cases.latest_views(session) == {listing.id: reread, nameless.id: only}
