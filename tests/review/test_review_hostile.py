"""Hostile words stay words, odd requests get an answer, and a database that goes away loses nobody's vote."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from direct_client import Direct, same_thread
from hostile_texts import hostile_texts
from odd_requests import faults, requests
from playwright.sync_api import Browser as RealBrowser
from review_browser import CHROMIUM, open_desk, served
from review_world import SECRET, Browser, World
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from ledger import Ledger
from ledger.desk import Ballot
from ledger.models import Verdict
from review import create_app, decide, invite, people

Opener = Callable[[str], Browser]
TAGS = re.compile(r"<(/?[a-zA-Z][\w-]*)")


def hostile_world(ledger: Ledger, number: int) -> World:
    world = World(ledger)
    for words in hostile_texts(number):
        world.case(text=words.replace("\0", ""), trigger="", body=f"<p>{words}</p>", welcome="")
    world.reviewers("basile")
    world.reviewers("adele", role="administrator")
    return world


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (chromium or google-chrome on the PATH)")
def test_hostile_texts_run_nothing_in_a_browser(chromium: RealBrowser, sqlite_ledger: Ledger) -> None:
    """A sample; `python -m benchmarks.hostile` shows 1,000."""
    world = hostile_world(sqlite_ledger, 25)
    assert show_all(chromium, world, 25) == []


def show_all(chromium: RealBrowser, world: World, number: int) -> list[str]:
    """Open each case, its capture and the lists; gives whatever ran or was asked for elsewhere."""
    with served(world.ledger) as desk:
        context, page = open_desk(chromium, desk, login="adele")
        told: list[str] = []
        context.on("request", lambda request: told.append(request.url) if not request.url.startswith(desk) else None)
        context.on("dialog", lambda dialog: (told.append(f"dialog {dialog.message}"), dialog.dismiss()))
        context.on("page", lambda other: told.append(f"popup {other.url}"))
        page.expose_function("tell", lambda message: told.append(str(message)))
        page.add_init_script("addEventListener('message', (event) => window === top && tell(String(event.data)))")
        page.goto(f"{desk}/recherche")
        for case_id in range(1, number + 1):
            page.goto(f"{desk}/cas/{case_id}")
            page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
            if case_id % 5 == 0:
                page.goto(f"{desk}/captures/{case_id}")
                page.locator("iframe.replay").scroll_into_view_if_needed()
            if "STOLEN" in page.title():
                told.append(page.url)
        context.close()
    return told


def test_hostile_texts_add_no_tag_to_any_page(sqlite_ledger: Ledger) -> None:
    world = hostile_world(sqlite_ledger, 60)
    adele = Browser(create_app(sqlite_ledger, secret=SECRET, second_factor=False))
    adele.sign_in("adele")
    known: set[str] = set()
    for path in ("/aide", "/recherche?q=introuvable", "/personnes", "/tableau"):
        known |= set(TAGS.findall(adele.get(path).text))
    words = "iframe blockquote mark q bdi textarea pre code ol br b table fieldset legend option select h3 img"
    allowed = known | {f"{slash}{tag}" for tag in words.split() for slash in ("", "/")}
    for case_id in range(1, 61):
        for path in (f"/cas/{case_id}", f"/captures/{case_id}"):
            page = adele.get(path)
            assert page.status_code == 200
            assert set(TAGS.findall(page.text)) <= allowed, (path, set(TAGS.findall(page.text)) - allowed)
            assert not re.search(r"<[^>]*\son\w+=", page.text), path
            counts = [
                page.text.count(f"<{tag}") for tag in ("script", "style", "svg", "link", "meta", "base", "object")
            ]
            assert counts == [2, 0, 0, 3, 5, 0, 0], (path, counts)  # those of our own page
    assert world.made == 60


def test_no_route_fails_on_odd_requests(sqlite_ledger: Ledger) -> None:
    """A sample; `python -m benchmarks odd` asks everything."""
    count, bad = odd_world(sqlite_ledger, 0.02)
    assert bad == [] and count > 100


def odd_world(ledger: Ledger, share: float, seed: int = 1) -> tuple[int, list[str]]:
    """One person of each role asks that share of all odd requests; how many, and which were answered badly."""
    world = World(ledger)
    for role in people.ROLES:
        world.reviewers(role, role=role)
    confirmed, _ = world.case(), world.case()
    for login in ("reviewer", "adjudicator"):
        world.cast(confirmed, login, "confirm")
    app = create_app(ledger, secret=SECRET, second_factor=False)
    loop = asyncio.new_event_loop()
    browsers = {role: Direct(ServerErrors(app), loop) for role in people.ROLES}

    def sign_in(role: str, browser: Direct) -> None:
        browser.cookies.clear()
        assert browser.sign_in(role).status == 303

    with same_thread():
        for role, browser in browsers.items():
            sign_in(role, browser)
        told = faults(browsers, requests(app, random.Random(seed), share), sign_in)
    loop.close()
    return told


class ServerErrors:
    """The application as a server sees it: what it raises after answering 500 is swallowed, the 500 is counted."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answered = False

        async def noted(message: Any) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception:
            if not answered:
                raise


def test_a_database_that_goes_away_loses_no_vote(world: World, visit: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = world.case()
    basile = visit("basile")
    form = {"decision": "dismiss", "reason": "legal_notice", "csrf": basile.token()}
    real = decide.place

    def away(*arguments: Any, **named: Any) -> Any:
        real(*arguments, **named)  # everything was written but the commit
        raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(decide, "place", away)
    answer = basile.post(f"/cas/{case_id}/avis", data=form)
    assert answer.status_code == 503 and "Rien n’a été enregistré" in answer.text and "COMMIT" not in answer.text
    monkeypatch.undo()
    with world.ledger.session() as session:
        assert session.scalars(select(Ballot)).all() == []
    assert basile.post(f"/cas/{case_id}/avis", data=form).status_code == 200
    with world.ledger.session() as session:
        assert len(session.scalars(select(Ballot)).all()) == 1
    world.settle()


def test_frames_and_other_sites_are_refused(world: World) -> None:
    client = TestClient(create_app(world.ledger, secret=SECRET), base_url="https://desk.test")
    answer = client.get("/connexion")
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and "object-src 'none'" in policy and "unsafe" not in policy
    assert "max-age=63072000" in answer.headers["strict-transport-security"]
    assert answer.headers["set-cookie"].startswith("__Host-vigie_avant=")
    assert client.post("/connexion", data={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@contextmanager
def gone(ledger: Ledger, database_url: str | None) -> Iterator[None]:
    """The database is away: PostgreSQL drops everybody and takes nobody, SQLite is held by another program."""
    if database_url is None:
        with sqlite3.connect(ledger.home / "ledger.sqlite", isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            ledger.engine.dispose()
            event.listen(ledger.engine, "connect", impatient)
            yield
            event.remove(ledger.engine, "connect", impatient)
            other.execute("ROLLBACK")
        other.close()
        ledger.engine.dispose()
        return
    url = make_url(database_url)
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{url.database}" WITH ALLOW_CONNECTIONS false'))
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": url.database},
        )
        yield
        connection.execute(text(f'ALTER DATABASE "{url.database}" WITH ALLOW_CONNECTIONS true'))
    admin.dispose()


def impatient(connection: Any, _record: Any) -> None:
    """A tenth of a second instead of thirty, for the tests."""
    connection.execute("PRAGMA busy_timeout=100")


def test_a_database_away_for_a_while_refuses_clearly_and_takes_the_same_vote_afterwards(
    world: World, visit: Opener, database_url: str | None
) -> None:
    first, second = world.case(), world.case()
    alix, basile = visit("alix"), visit("basile")
    form = {"decision": "dismiss", "reason": "legal_notice", "csrf": alix.token()}
    theirs = {**form, "csrf": basile.token()}
    assert alix.post(f"/cas/{first}/avis", data=form, follow_redirects=False).status_code == 303
    with gone(world.ledger, database_url):
        for _ in range(2):  # pressed again and again
            for browser, sent in ((alix, form), (basile, theirs)):
                answer = browser.post(f"/cas/{second}/avis", data=sent)
                assert answer.status_code == 503 and "Rien n’a été enregistré" in answer.text
                assert not re.search("sqlite|psycopg|locked|Traceback|SELECT", answer.text)
        assert basile.get("/aide").status_code in (200, 503)
    for browser, sent in ((alix, form), (basile, theirs)):
        assert browser.post(f"/cas/{second}/avis", data=sent, follow_redirects=False).status_code == 303
        assert browser.post(f"/cas/{second}/avis", data=sent, follow_redirects=False).status_code == 409
    world.settle()
    with world.ledger.session() as session:
        given = session.execute(select(Verdict.case_id, Verdict.reviewer_id)).all()
        assert len(given) == len(set(given)) == 3


def test_a_person_removed_while_a_vote_is_on_its_way_has_not_voted(
    world: World, visit: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is closed after the gate let the form through, before the case is locked."""
    case_id = world.case()
    alix = visit("alix")
    form = {"decision": "dismiss", "reason": "legal_notice", "csrf": alix.token()}
    real = decide.place

    def removed(session: Any, case: int, person: int, *rest: Any) -> Any:
        with world.ledger.session() as other:
            invite.disable(other, person, "root")
        return real(session, case, person, *rest)

    monkeypatch.setattr(decide, "place", removed)
    answer = alix.post(f"/cas/{case_id}/avis", data=form)
    assert answer.status_code == 400 and "habilitée" in answer.text
    monkeypatch.undo()
    again = alix.post(f"/cas/{case_id}/avis", data=form, follow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, "/connexion?raison=unsaved")
    with world.ledger.session() as session:
        assert session.scalars(select(Ballot)).all() == []
    world.cast(case_id, "basile", "dismiss")  # the seat is free for another
    world.cast(case_id, "camille", "dismiss")
