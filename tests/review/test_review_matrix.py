"""Every route × role × ownership × state: what each person may do to each case, and to rows that are not theirs.

The routes come from the application itself: one that is added and stands in none of the sets below fails the test. What
is allowed is said here anew, in the words of the issue, and not read from the table that is tested.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from direct_client import Direct, same_thread
from review_world import PASSWORD, REFUSAL, SECRET, World
from sqlalchemy import select
from sqlalchemy.orm import Session
from test_review_rights import routes

from ledger import Ledger
from ledger.desk import Assignment, Ballot, Conflict, DeskSession, SavedView
from ledger.models import Case, Event, Finding, Listing, Passage, Reviewer, Verdict
from review import create_app, people

NOW = datetime.now(UTC)
VOTING, NAMING = ("reviewer", "adjudicator"), ("editor", "adjudicator")
SECRET_NOTE = "note que seuls lisent ceux qui peuvent"
STATES = {  # what others decided
    "open": (),
    "second": ("confirm",),
    "split": ("confirm", "dismiss"),
    "confirmed": ("confirm", "confirm"),
    "dismissed": ("dismiss", "dismiss"),
    "doubtful": ("confirm", "dismiss", "doubt"),
}
TIES = ("none", "seated", "ballot", "voted", "recused", "seen")
CASE = "/cas/{case_id}"
ON_CASES = {
    ("GET", CASE), ("POST", f"{CASE}/avis"), ("POST", f"{CASE}/commentaire"), ("POST", f"{CASE}/dossier"),
    ("GET", f"{CASE}/identite"), ("POST", f"{CASE}/identite"), ("POST", f"{CASE}/temoin"),
}  # fmt: skip
ON_OWN_ROWS = {("POST", "/vues/{view_id}/supprimer"), ("POST", "/compte/seances/{session_id}/fermer")}
ON_PEOPLE = {
    ("POST", f"/personnes/{{reviewer_id}}/{act}") for act in ("role", "fermer", "rouvrir", "renouveler", "seances")
} | {("POST", "/personnes/invitations/{invitation_id}/retirer")}
ON_SAMPLES = {("POST", "/echantillon/{item_id}")}
ON_EVIDENCE = {  # open to whoever signs in: they say nothing of anybody's decision (visits: `test_review_pictures`)
    ("GET", "/captures/{capture_id}"), ("GET", "/captures/{capture_id}/rejeu"),
    ("GET", "/captures/{capture_id}/capture.warc.gz"), ("GET", "/visites/{visit_id}/image/{place}"),
}  # fmt: skip
BY_KEY = {("GET", "/flux/{key}"), ("GET", "/invitation/{token}"), ("POST", "/invitation/{token}")}


@pytest.fixture
def house(sqlite_ledger: Ledger) -> Iterator[tuple[World, dict[str, Direct]]]:
    """One person of each role, signed in; others who decide."""
    world = World(sqlite_ledger)
    world.reviewers("o1", "o2", "o3")
    for role in people.ROLES:
        world.reviewers(f"r-{role}", role=role)
    app = create_app(sqlite_ledger, secret=SECRET, second_factor=False)
    loop = asyncio.new_event_loop()
    with same_thread():
        browsers = {role: Direct(app, loop) for role in people.ROLES}
        for role, browser in browsers.items():
            assert browser.sign_in(f"r-{role}", PASSWORD).status == 303
        yield world, browsers
    loop.close()


def test_every_route_about_one_thing_is_in_the_matrix(house: tuple[World, dict[str, Direct]]) -> None:
    app = house[1]["auditor"].app
    about = {(method, path) for method, path in routes(app) if "{" in path}
    assert about == ON_CASES | ON_OWN_ROWS | ON_PEOPLE | ON_SAMPLES | ON_EVIDENCE | BY_KEY


def lay(world: World, role: str) -> list[tuple[str, str, int]]:
    """A case in every state, tied in every way to the person of that role, all in one transaction."""
    me, capture_id = world.people[f"r-{role}"], world.capture("<p>page</p>")
    laid = []
    with world.ledger.session() as session:
        for number, (tie, state) in enumerate(combinations(role)):
            key = f"{role}-{number}"
            listing = Listing(platform="doctolib", key=key, url="https://exemple.test", first_capture_id=capture_id)
            session.add(listing)
            session.flush()
            common = {"listing_id": listing.id, "capture_id": capture_id, "parser_version": "1"}
            passage = Passage(**common, field="bio", locator="/bio", text=REFUSAL, text_key=key)
            session.add(passage)
            session.flush()
            finding = Finding(passage_id=passage.id, version="1", created_at=NOW, stance="refusal", flagged=True)
            session.add(finding)
            session.flush()
            case = Case(listing_id=listing.id, text_key=key, opened_at=NOW, finding_id=finding.id)
            session.add(case)
            session.flush()
            _tie(world, session, case, me, tie, state)
            laid.append((tie, state, case.id))
    return sorted(laid, key=lambda one: one[0] != "ballot")  # the next vote makes a waiting ballot final


def _tie(world: World, session: Session, case: Case, me: int, tie: str, state: str) -> None:
    decisions = STATES[state]
    givers = [world.people[f"o{number}"] for number in (1, 2, 3)]
    if tie == "voted":
        givers[len(decisions) - 1] = me
    for giver, decision in zip(givers, decisions, strict=False):
        common = {"decision": decision, "reason": "legal_notice", "note": SECRET_NOTE if giver != me else ""}
        session.add(Verdict(case_id=case.id, reviewer_id=giver, decided_at=NOW, **common))
    seat = Assignment(case_id=case.id, reviewer_id=me, rank=1, given_at=NOW, given_by="", opened_at=NOW)
    if tie == "ballot":
        later = NOW + timedelta(hours=1)  # it stays a ballot, however slow the machine
        session.add(Ballot(case_id=case.id, reviewer_id=me, cast_at=later, decision="dismiss", reason="legal_notice"))
    elif tie == "recused":
        session.add(Conflict(reviewer_id=me, kind="listing", value=str(case.listing_id), declared_at=NOW))
    elif tie == "seated":
        seat.kind, seat.until = "third" if state == "split" else "batch", NOW + timedelta(hours=1)
        session.add(seat)
    elif tie == "seen":
        seat.kind, seat.ended_at = "seen", NOW
        session.add(seat)


def combinations(role: str) -> list[tuple[str, str]]:
    """The ties and states that can be: nobody voted on an open case, a ballot waits only where a vote was asked."""
    found = []
    for tie in TIES:
        for state in STATES:
            if (tie == "voted" and state == "open") or (tie == "ballot" and state not in ("open", "second")):
                continue
            if role not in VOTING and tie in ("seated", "ballot"):
                continue  # a role that does not vote is given no seat, and a change of role ends those of before
            found.append((tie, state))
    return found


def may_vote(role: str, tie: str, state: str) -> bool:
    asked = state in ("open", "second") or (state == "split" and role == "adjudicator")
    return role in VOTING and tie in ("none", "seated") and asked


def sees_notes(role: str, tie: str, state: str) -> bool:
    closed = state in ("confirmed", "dismissed", "doubtful")
    third = state == "split" and role == "adjudicator" and tie in ("none", "seated")
    return state != "open" and (role not in VOTING or third or (tie == "voted" and closed))


def may_name(role: str, tie: str, state: str) -> bool:
    knows = role == "editor" or (role == "adjudicator" and tie == "voted")
    return state == "confirmed" and knows and tie != "recused"


@pytest.mark.parametrize("role", people.ROLES)
def test_each_person_does_to_each_case_what_is_theirs_and_no_more(
    house: tuple[World, dict[str, Direct]], role: str
) -> None:
    world, browsers = house
    browser = browsers[role]
    faults: list[Any] = []
    for tie, state, case_id in lay(world, role):
        place = f"/cas/{case_id}"
        alone = tie == "voted" and state == "second"  # the one verdict is the person's own: there is no other's note
        shown = browser.get(place)
        expected = {
            "view": (200, sees_notes(role, tie, state) and not alone),
            "identity": 403 if role not in NAMING else 200 if may_name(role, tie, state) else 409,
            "comment": 303 if role not in VOTING or tie == "voted" else 403,
            "dossier": 403 if role != "editor" else 303 if state == "confirmed" else 409,
            "control": 303 if role == "administrator" else 403,
            "vote": may_vote(role, tie, state),
        }
        got = {
            "view": (shown.status, SECRET_NOTE in shown.text),
            "identity": browser.get(f"{place}/identite").status,
            "comment": browser.post(f"{place}/commentaire", text="vu").status,
            "dossier": browser.post(f"{place}/dossier").status,
            "control": browser.post(f"{place}/temoin", decision="confirm", stance="").status,
            "vote": browser.post(f"{place}/avis", decision="dismiss", reason="legal_notice").status == 303,
        }
        named = browser.post(f"{place}/identite", rpps="aucune").status
        if named != (403 if role not in NAMING else 409):  # no register here: nobody can name anybody
            faults.append((tie, state, "name", named))
        faults += [(tie, state, act, got[act], expected[act]) for act in expected if got[act] != expected[act]]
    assert faults == []


def test_nobody_touches_rows_that_are_not_theirs(house: tuple[World, dict[str, Direct]]) -> None:
    world, browsers = house
    roles = list(browsers)
    for role, browser in browsers.items():
        browser.post("/vues", name=f"vue de {role}", query="q=cmu")
    with world.ledger.session() as session:
        views = dict(session.execute(select(SavedView.reviewer_id, SavedView.id)).all())
        held = dict(session.execute(select(DeskSession.reviewer_id, DeskSession.id)).all())
    for role, browser in browsers.items():
        for other in roles:
            if other == role:
                continue
            theirs = world.people[f"r-{other}"]
            assert browser.post(f"/vues/{views[theirs]}/supprimer").status == 404, (role, other)
            assert browser.post(f"/compte/seances/{held[theirs]}/fermer").status in (303, 404), (role, other)
    with world.ledger.session() as session:
        assert len(session.scalars(select(SavedView)).all()) == len(roles)
        assert session.scalars(select(DeskSession.id).where(DeskSession.ended_at.is_not(None))).all() == []
    for role, browser in browsers.items():
        me = world.people[f"r-{role}"]
        assert browser.post(f"/vues/{views[me]}/supprimer").status == 303
        assert browser.post(f"/compte/seances/{held[me]}/fermer").status == 303
        assert browser.get("/compte").status == 303  # it was this one


def test_the_administrator_alone_changes_people_and_leaves_a_trace(
    house: tuple[World, dict[str, Direct]],
) -> None:
    world, browsers = house
    theirs = world.people["o3"]
    acts: dict[str, dict[str, str]] = {"role": {"role": "auditor"}, "fermer": {}, "rouvrir": {}, "seances": {}}
    for role in people.ROLES:
        if role == "administrator":
            continue
        for act, form in acts.items():
            assert browsers[role].post(f"/personnes/{theirs}/{act}", **form).status == 403, (role, act)
    with world.ledger.session() as session:
        assert session.get_one(Reviewer, theirs).role == "reviewer"
        refused = len(session.scalars(select(Event).where(Event.kind == "access.refused")).all())
        assert refused == len(acts) * (len(people.ROLES) - 1)
        before = len(session.scalars(select(Event)).all())
    for act, form in acts.items():
        assert browsers["administrator"].post(f"/personnes/{theirs}/{act}", **form).status == 303, act
    with world.ledger.session() as session:
        assert session.get_one(Reviewer, theirs).role == "auditor"
        assert len(session.scalars(select(Event)).all()) >= before + len(acts) - 1
