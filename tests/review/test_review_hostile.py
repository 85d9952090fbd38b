"""Hostile words stay words, odd requests get an answer, and a database that goes away loses nobody's vote."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from typing import Any

import pytest
from hostile_texts import hostile_texts
from playwright.sync_api import Browser as RealBrowser
from review_browser import CHROMIUM, open_desk, served
from review_world import SECRET, Browser, World
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from ledger import Ledger
from ledger.desk import Ballot
from review import create_app, decide, people, rights

Opener = Callable[[str], Browser]
TAGS = re.compile(r"<(/?[a-zA-Z][\w-]*)")


def hostile_world(ledger: Ledger, number: int) -> World:
    world = World(ledger)
    for text in hostile_texts(number):
        world.case(text=text.replace("\0", ""), trigger="", body=f"<p>{text}</p>", welcome="")
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
    words = "iframe blockquote mark q bdi textarea pre code ol br b table fieldset legend option select h3"
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
            assert counts == [1, 0, 0, 3, 4, 0, 0], (path, counts)  # those of our own page
    assert world.made == 60


@pytest.mark.parametrize("seed", [1, 2])
def test_no_route_fails_on_odd_requests(sqlite_ledger: Ledger, seed: int) -> None:
    world = World(sqlite_ledger)
    for role in people.ROLES:
        world.reviewers(f"r-{role}", role=role)
    world.case()
    chance = random.Random(seed)
    app = create_app(sqlite_ledger, secret=SECRET, second_factor=False)
    odd = [
        "", "0", "-1", "1", "2", "é\u202e", "%00", "\x00", "' OR 1=1", "9" * 30, "a" * 3000, "../..", "confirm",
        "=1+1", "{{7*7}}", "🦊" * 50, "1e9", "true", "[]",
    ]  # fmt: skip
    names = [
        "q", "etat", "formule", "depuis", "avant", "apres", "fait", "decision", "reason", "stance", "ground",
        "span", "note", "text", "name", "query", "number", "reviewer_id", "login", "role", "kind", "said", "code",
        "password", "former", "again", "genre", "qui",
    ]  # fmt: skip
    for role in people.ROLES:
        browser = Browser(app, raise_server_exceptions=False)
        browser.sign_in(f"r-{role}")
        for method, path in rights.TABLE:
            if path in ("/deconnexion", "/compte/seances/fermer", "/compte/seances/{session_id}/fermer", "/connexion"):
                continue
            place = re.sub(r"\{\w+\}", lambda _: quoted(chance.choice(odd)) or "1", path)
            fields = {chance.choice(names): chance.choice(odd) for _ in range(6)}
            if method == "POST":
                answer = browser.post(place, data={**fields, "csrf": browser.token()}, follow_redirects=False)
            else:
                answer = browser.get(place, params=fields, follow_redirects=False)
            assert answer.status_code < 500, (method, place, fields, answer.text[:300])
            assert "Traceback" not in answer.text and "sqlalchemy" not in answer.text
            if browser.get("/compte", follow_redirects=False).status_code != 200:
                browser.sign_in(f"r-{role}")


def quoted(text: str) -> str:
    return "".join(
        c if c in string.ascii_letters + string.digits else "".join(f"%{b:02X}" for b in c.encode()) for c in text
    )


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
