"""The door: same words for every failure, signed cookies that end, CSRF on each form, a brake on guessing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from review_world import PASSWORD, SECRET, Browser, World
from sqlalchemy import select

from ledger.models import Event, Reviewer, Verdict
from review import create_app, gate
from review.desk import BEFORE_COOKIE, SESSION_COOKIE
from review.gate import Brake, Gate

Opener = Callable[[str], Browser]


def test_every_page_but_the_door_needs_a_session(world: World, visit: Opener) -> None:
    case_id = world.case()
    stranger = visit("")
    for path in ("/", "/file", "/aide", "/cas/suivant", f"/cas/{case_id}", "/captures/1", "/captures/1/rejeu",
                 "/captures/1/capture.warc.gz"):  # fmt: skip
        answer = stranger.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/connexion"), path
    assert stranger.post(f"/cas/{case_id}/avis", data={}, follow_redirects=False).headers["location"] == "/connexion"
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert stranger.get(path).status_code == 404


def test_the_cookie_is_closed_to_scripts_and_other_sites(world: World, visit: Opener) -> None:
    cookie = visit("").sign_in("alix").headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "max-age=28800" in cookie and "secure" not in cookie
    secure = Browser(create_app(world.ledger, secret=SECRET), base_url="https://desk.test")
    assert "secure" in secure.sign_in("alix").headers["set-cookie"].lower()


def test_all_failures_read_the_same(world: World, visit: Opener) -> None:
    with world.ledger.session() as session:
        person = session.scalars(select(Reviewer).where(Reviewer.login == "claude")).one()
        person.disabled_at = person.created_at
    stranger = visit("")
    tries = [("alix", "wrong"), ("nobody", "wrong"), ("", ""), ("claude", PASSWORD), ("nobody", PASSWORD)]
    answers = [stranger.sign_in(login, password) for login, password in tries]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    with world.ledger.session() as session:
        failures = session.scalars(select(Event).where(Event.kind == "sign_in.failed")).all()
    assert {(f.actor, f.subject_id) for f in failures} == {("unknown", 0)}


def test_a_forged_expired_or_ended_cookie_is_no_session(
    world: World, visit: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    alix = visit("alix")
    cookie = alix.cookies[SESSION_COOKIE]
    other = Gate(b"another secret of thirty-two bytes!!")
    for bad in (cookie[:-2] + "AA", other.open(1, "x"), "", "a.b.c", "é"):
        assert Gate(SECRET).read(bad) is None
    held = Gate(SECRET).read(cookie)
    assert held is not None and held.reviewer_id == world.people["alix"]
    monkeypatch.setattr(gate, "SESSION_SECONDS", -1)
    assert Gate(SECRET).read(cookie) is None
    monkeypatch.undo()
    alix.post("/deconnexion", data={"csrf": alix.token()})
    alix.cookies.set(SESSION_COOKIE, cookie)
    assert alix.get("/file", follow_redirects=False).headers["location"] == "/connexion"


def test_a_changed_password_or_a_disabled_account_ends_the_session(world: World, visit: Opener) -> None:
    alix, basile = visit("alix"), visit("basile")
    with world.ledger.session() as session:
        session.get_one(Reviewer, world.people["alix"]).password_hash = "changed"
        person = session.get_one(Reviewer, world.people["basile"])
        person.disabled_at = person.created_at
    for someone in (alix, basile):
        assert someone.get("/file", follow_redirects=False).status_code == 303


def test_each_form_needs_the_token_of_its_own_session(world: World, visit: Opener) -> None:
    case_id = world.case()
    alix, basile = visit("alix"), visit("basile")
    for token in ("", "0" * 64, basile.token(), "é"):
        assert alix.vote(case_id, "confirm", csrf=token).status_code == 403
        assert alix.post("/deconnexion", data={"csrf": token}).status_code == 403
    stranger = visit("")
    assert stranger.post("/connexion", data={"login": "alix", "password": PASSWORD}).status_code == 403
    assert alix.post(f"/cas/{case_id}/avis", data={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    with world.ledger.session() as session:
        assert session.scalars(select(Verdict)).all() == []


def test_guessing_is_slowed_for_known_and_unknown_logins_alike(world: World, visit: Opener) -> None:
    for login in ("alix", "nobody"):
        stranger = visit("")
        for _ in range(gate.FAILURES_HERE):
            assert stranger.sign_in(login, "wrong").status_code == 401
        answer = stranger.sign_in(login, PASSWORD)
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
        assert "Trop d’essais" in answer.text
    assert visit("").sign_in("basile").status_code == 303


def test_the_brake_forgets_in_time_and_keeps_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    brake = Brake(now=lambda: clock[0])
    for _ in range(gate.FAILURES_HERE):
        assert brake.wait("alix", "a") == 0
        brake.failed("alix", "a")
    assert 0 < brake.wait(" ALIX ", "a") <= gate.WINDOW_SECONDS + 1
    assert brake.wait("alix", "b") == 0 and brake.wait("basile", "a") == 0
    clock[0] += gate.WINDOW_SECONDS + 1
    assert brake.wait("alix", "a") == 0
    for i in range(gate.FAILURES_ADDRESS):
        brake.failed(f"login-{i}", "c")
    assert brake.wait("someone-else", "c") > 0
    monkeypatch.setattr(gate, "REMEMBERED", 10)
    for i in range(100):
        brake.failed(f"more-{i}", f"{i}")
    assert len(brake._failures) <= 10


def test_a_short_secret_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        create_app(world.ledger, secret=b"short")


def test_oversized_and_odd_requests_get_a_plain_answer(world: World, visit: Opener) -> None:
    alix = visit("alix")
    assert alix.post("/connexion", content=b"x" * 200_000).status_code == 413
    for path in ("/cas/0", "/cas/99999999999999999999", "/cas/x", "/file?apres=-1", "/captures/x"):
        assert alix.get(path).status_code == 400, path
    for path in ("/cas/2147483647", "/captures/2147483647", "/captures/5/rejeu", "/nulle-part"):
        assert alix.get(path).status_code == 404, path
    assert alix.put("/file").status_code == 405
    assert BEFORE_COOKIE not in alix.cookies
