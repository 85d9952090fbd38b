"""Whoever sees evidence at the desk leaves a line in the custody log: which, who, when, why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from review_world import Browser, World
from sqlalchemy import select

from ledger.custody import check_chain
from ledger.models import Event
from review import rights, sampling

Opener = Callable[[str], Browser]
# Every route that answers with evidence itself: kind of its event, and whether it says the reason.
SHOWING = {
    "/cas/{case_id}": "case.viewed",
    "/cas/{case_id}/identite": "case.viewed",
    "/captures/{capture_id}": "capture.viewed",
    "/captures/{capture_id}/rejeu": "capture.viewed",
    "/captures/{capture_id}/capture.warc.gz": "capture.downloaded",
}


def last(world: World) -> Event:
    with world.ledger.session() as session:
        return session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()


def test_no_route_of_captures_is_forgotten() -> None:
    shown = {path for method, path in rights.TABLE if method == "GET" and path.startswith("/captures")}
    assert shown <= set(SHOWING) <= {path for _, path in rights.TABLE}


@pytest.mark.parametrize("path", SHOWING)
def test_row_access_events_on_every_route_that_shows_evidence(world: World, visit: Opener, path: str) -> None:
    case_id = world.case(body="<p>page</p>")
    for login in ("alix", "basile"):
        world.cast(case_id, login, "confirm")
    world.reviewers("edith", role="editor")  # who may see each of them, the identity of a confirmed case too
    edith = visit("edith")
    before = last(world).id
    answer = edith.get(path.replace("{case_id}", str(case_id)).replace("{capture_id}", "1"))
    assert answer.status_code == 200
    event = last(world)
    assert event.id > before
    assert (event.kind, event.actor) == (SHOWING[path], "edith") and event.detail["reason"].strip()
    assert check_chain(world.ledger).holds


def test_a_passage_shown_alone_leaves_its_line_too(world: World, visit: Opener) -> None:
    world.case(body="<p>page</p>")
    with world.ledger.session() as session:
        sampling.draw(session, "unflagged", "camille", size=1)
    assert visit("alix").get("/echantillon").status_code == 200
    event = last(world)
    assert (event.kind, event.subject, event.actor) == ("passage.viewed", "passage", "alix")
    assert event.detail["reason"] == "échantillon"
