"""The door: same words for every failure, signed cookies that end, CSRF on each form, a brake on guessing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from review_world import PASSWORD, SECRET, Browser, World
from sqlalchemy import select

from ledger.desk import Attempt, DeskSession
from ledger.models import Event, Reviewer, Verdict
from review import brake, create_app, gate, invite
from review.desk import BEFORE_COOKIE, SESSION_COOKIE

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
    desk = create_app(world.ledger, secret=SECRET, second_factor=False)
    secure = Browser(desk, base_url="https://desk.test")
    cookie = secure.sign_in("alix").headers["set-cookie"]
    assert cookie.startswith("__Host-vigie_seance=") and "Secure" in cookie and "Path=/" in cookie
    assert "domain" not in cookie.lower() and secure.get("/file").status_code == 200


def test_the_ledger_holds_no_token(world: World, visit: Opener) -> None:
    token = visit("alix").cookies[SESSION_COOKIE]
    with world.ledger.session() as session:
        held = session.scalars(select(DeskSession)).one()
    assert len(token) >= 43 and token not in str(vars(held)) and held.token_sha256 == gate.token_hash(token)


def test_a_forged_old_or_ended_cookie_is_no_session(world: World, visit: Opener) -> None:
    alix = visit("alix")
    cookie = alix.cookies[SESSION_COOKIE]
    now = datetime.now(UTC)
    with world.ledger.session() as session:
        for bad in (cookie[:-1], "", "a.b.c", "é", "0" * 43):
            assert gate.read_session(session, bad, now) is None
        assert gate.read_session(session, cookie, now + gate.IDLE - timedelta(minutes=1)) is not None
        assert gate.read_session(session, cookie, now + gate.IDLE + timedelta(minutes=1)) is None  # left alone
        session.get_one(DeskSession, 1).seen_at = now + timedelta(hours=7, minutes=50)
        assert gate.read_session(session, cookie, now + timedelta(hours=8, minutes=1)) is None  # a day's work
        session.rollback()
    alix.post("/deconnexion", data={"csrf": alix.token()})
    alix.cookies.set(SESSION_COOKIE, cookie)
    assert alix.get("/file", follow_redirects=False).headers["location"] == "/connexion?raison=expired"
    assert "terminée" in alix.get("/file").text


def test_a_session_is_shared_by_two_processes_of_the_desk(world: World, visit: Opener) -> None:
    cookie = visit("alix").cookies[SESSION_COOKIE]
    other = Browser(create_app(world.ledger, secret=SECRET, second_factor=False))
    other.cookies.set(SESSION_COOKIE, cookie)
    assert other.get("/file").status_code == 200


def test_a_removed_reviewer_is_told_and_nothing_is_saved(world: World, visit: Opener) -> None:
    case_id = world.case()
    basile = visit("basile")
    form = {"decision": "dismiss", "reason": "legal_notice", "csrf": basile.token()}
    with world.ledger.session() as session:
        invite.disable(session, world.people["basile"], "admin")
    answer = basile.post(f"/cas/{case_id}/avis", data=form)
    assert "rien n’a été enregistré" in answer.text or "ne l’a pas été" in answer.text
    with world.ledger.session() as session:
        assert session.scalars(select(Verdict)).all() == []


def test_all_failures_read_the_same(world: World, visit: Opener) -> None:
    with world.ledger.session() as session:
        person = session.scalars(select(Reviewer).where(Reviewer.login == "camille")).one()
        person.disabled_at = person.created_at
    stranger = visit("")
    tries = [("alix", "wrong"), ("nobody", "wrong"), ("", ""), ("camille", PASSWORD), ("nobody", PASSWORD)]
    answers = [stranger.sign_in(login, password) for login, password in tries]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    with world.ledger.session() as session:
        failures = session.scalars(select(Event).where(Event.kind == "sign_in.failed")).all()
    assert {(f.actor, f.subject_id) for f in failures} == {("unknown", 0)}


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


def test_a_short_secret_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        create_app(world.ledger, secret=b"short")


def test_oversized_and_odd_requests_get_a_plain_answer(world: World, visit: Opener) -> None:
    alix = visit("alix")
    assert alix.post("/connexion", content=b"x" * 200_000).status_code == 413
    for path in ("/cas/0", "/cas/99999999999999999999", "/cas/x", "/file?fait=-1", "/captures/x"):
        assert alix.get(path).status_code == 400, path
    for path in ("/cas/2147483647", "/captures/2147483647", "/captures/5/rejeu", "/nulle-part"):
        assert alix.get(path).status_code == 404, path
    assert alix.put("/file").status_code == 405
    assert BEFORE_COOKIE not in alix.cookies


def test_guessing_is_slowed_for_known_and_unknown_logins_alike(world: World, visit: Opener) -> None:
    for login in ("alix", "nobody"):
        stranger = visit("")
        for _ in range(brake.TRIES_HERE):
            assert stranger.sign_in(login, "wrong").status_code == 401
        elsewhere = Browser(create_app(world.ledger, secret=SECRET, second_factor=False))  # another process
        answer = elsewhere.sign_in(login, PASSWORD)
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
        assert "Trop d’essais" in answer.text
    assert visit("").sign_in("basile").status_code == 303


def test_the_brake_forgets_in_time(world: World) -> None:
    start = datetime.now(UTC)
    limits = brake.sign_in_limits("alix", "a")
    for _ in range(brake.TRIES_HERE):
        assert brake.take(world.ledger, limits, start).wait == 0
    wait = brake.take(world.ledger, brake.sign_in_limits(" ALIX ", "a"), start).wait
    assert 0 < wait <= brake.WINDOW.total_seconds() + 1
    assert brake.take(world.ledger, brake.sign_in_limits("alix", "b"), start).wait == 0
    later = start + brake.WINDOW + timedelta(seconds=1)
    assert brake.take(world.ledger, limits, later).wait == 0
    with world.ledger.session() as session:
        assert len(session.scalars(select(Attempt)).all()) == 3  # the old ones are gone


def test_many_guesses_at_once_are_counted_one_by_one(world: World) -> None:
    limits = brake.sign_in_limits("alix", "a")
    with ThreadPoolExecutor(12) as pool:
        waits = list(pool.map(lambda _: brake.take(world.ledger, limits).wait, range(12)))
    assert sum(1 for wait in waits if not wait) <= brake.TRIES_HERE
