"""The table of rights is whole and holds: every route is tried by every role, by strangers, and without its token."""

from __future__ import annotations

import re
from typing import Any

import pytest
from review_world import PASSWORD, SECRET, Browser, World
from starlette.routing import Mount

from ledger import Ledger
from ledger.models import Reviewer
from review import create_app, people, rights

FILL = {"token": "x" * 43, "filename": "x", "key": "x" * 43}


def routes(app: Any) -> list[tuple[str, str]]:
    """Every method and path template that the application answers."""
    found: list[tuple[str, str]] = []
    for route in app.routes:
        if isinstance(route, Mount):
            assert route.path == "/static"  # files of ours, the same for everybody
            continue
        if hasattr(route, "original_router"):  # FastAPI keeps an included router whole
            found += routes(route.original_router)
            continue
        found += [(method, route.path) for method in sorted(route.methods - {"HEAD", "OPTIONS"})]
    return found


def address(path: str) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda m: FILL.get(m.group(1), "1"), path)


@pytest.fixture
def staff(sqlite_ledger: Ledger) -> tuple[World, Any]:
    world = World(sqlite_ledger)
    world.reviewers(*(f"r-{role}" for role in people.ROLES))
    with sqlite_ledger.session() as session:
        for role in people.ROLES:
            session.get_one(Reviewer, world.people[f"r-{role}"]).role = role
    world.case()
    return world, create_app(sqlite_ledger, secret=SECRET, second_factor=False)


def test_every_route_stands_in_the_table_and_no_other(staff: tuple[World, Any]) -> None:
    assert sorted(routes(staff[1])) == sorted(rights.TABLE)


@pytest.mark.parametrize("role", people.ROLES)
def test_each_role_passes_where_the_table_says_and_nowhere_else(staff: tuple[World, Any], role: str) -> None:
    _, app = staff
    browser = Browser(app)
    faults = []
    for (method, path), rule in rights.TABLE.items():
        if path == "/deconnexion" or rule.level is rights.Level.ANYONE:
            continue
        if browser.get("/compte", follow_redirects=False).status_code != 200:
            assert browser.sign_in(f"r-{role}").status_code == 303
        form = {"csrf": browser.token("/compte")} if method == "POST" else None
        answer = browser.request(method, address(path), data=form, follow_redirects=False)
        refused = answer.status_code == 403 and "Votre rôle" in answer.text
        if refused == (role in rule.roles) or answer.status_code >= 500:
            faults.append((method, path, answer.status_code))
    assert faults == []


def test_strangers_and_half_open_sessions_pass_nowhere(staff: tuple[World, Any]) -> None:
    world, _ = staff
    app = create_app(world.ledger, secret=SECRET)
    stranger, half = Browser(app), Browser(app)
    half.sign_in("r-administrator")
    for (method, path), rule in rights.TABLE.items():
        if rule.level is rights.Level.ANYONE:
            continue
        answer = stranger.request(method, address(path), follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/connexion"), path
        if rule.level is rights.Level.FULL:
            answer = half.request(method, address(path), follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, "/code"), path


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_no_form_passes_without_its_token(staff: tuple[World, Any], token: str) -> None:
    _, app = staff
    for role in people.ROLES:
        browser = Browser(app)
        browser.sign_in(f"r-{role}", PASSWORD)
        for (method, path), rule in rights.TABLE.items():
            if method == "POST" and rule.level is not rights.Level.ANYONE:
                answer = browser.post(address(path), data={"csrf": token}, follow_redirects=False)
                assert answer.status_code == 403, path


def test_a_route_that_nobody_thought_of_is_closed(staff: tuple[World, Any]) -> None:
    _, app = staff
    app.add_api_route("/oubliee", lambda: "ouvert", methods=["GET"])
    browser = Browser(app)
    browser.sign_in("r-administrator")
    assert browser.get("/oubliee").status_code == 403
