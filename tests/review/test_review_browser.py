"""The desk in a real Chromium: hostile captures stay inert, every page is accessible, small screens and keys work."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from review_browser import CHROMIUM, open_desk, served
from review_world import World
from sqlalchemy import select

from ledger import Ledger
from ledger.desk import Ballot
from review import exhibits, invite

HOSTILE = (Path(__file__).parent / "hostile.html").read_text(encoding="utf-8")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (chromium or google-chrome on the PATH)"),
]


@pytest.fixture
def small_world(sqlite_ledger: Ledger) -> World:
    """Cases in every state that a page can show."""
    world = World(sqlite_ledger)
    world.reviewers("alix", "basile")
    world.reviewers("camille", role="adjudicator")
    world.reviewers("adele", role="administrator")
    ids = [world.case() for _ in range(4)]
    world.case(text="CMU : non — https://exemple.test/" + "x" * 200, trigger="CMU : non", welcome="")
    world.cast(ids[1], "alix", "confirm")
    world.cast(ids[1], "basile", "dismiss", note="La suite du texte les accueille.")  # a split: camille settles
    world.cast(ids[2], "camille", "confirm", note="vu " * 100)  # mine, waiting
    for login in ("camille", "alix"):
        world.cast(ids[3], login, "dismiss")  # mine, closed
    return world


@pytest.fixture
def desk(small_world: World) -> Iterator[str]:
    """The address of a desk served on this machine."""
    with served(small_world.ledger) as address:
        yield address


class Trap:
    """A server that a hostile page calls; it remembers who connected."""

    def __init__(self) -> None:
        hits: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                hits.append("connection")
                super().setup()

            def do_GET(self) -> None:
                hits.append(self.path)
                self.send_response(200)
                self.end_headers()

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.hits = hits
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def trap() -> Iterator[Trap]:
    """A trap, closed afterwards."""
    made = Trap()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_the_trap_catches_what_is_not_guarded(chromium: Browser, trap: Trap, tmp_path: Path) -> None:
    """Without this, the next test could pass because the hostile page does nothing at all."""
    naked = tmp_path / "naked.html"
    naked.write_text(HOSTILE.replace("HOST", trap.host), encoding="utf-8")
    page = chromium.new_page()
    with contextlib.suppress(Exception):
        page.goto(naked.as_uri())
    page.wait_for_timeout(800)
    page.close()
    assert len([hit for hit in trap.hits if hit.startswith("/")]) >= 3, trap.hits


@pytest.mark.parametrize("way", ["framed", "direct"])
@pytest.mark.parametrize("stripped", [True, False], ids=["stripped", "policy alone"])
def test_a_hostile_capture_runs_nothing_and_calls_nobody(
    chromium: Browser,
    small_world: World,
    desk: str,
    trap: Trap,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    stripped: bool,
) -> None:
    source = HOSTILE.replace("HOST", trap.host)
    if not stripped:  # take the stripping away: the opaque origin and its policy must hold on their own
        monkeypatch.setattr(exhibits, "neutral_html", lambda text: text)
        # Hints to connect ahead are no loads: no policy governs them, only the stripping does.
        source = "\n".join(line for line in source.splitlines() if "preconnect" not in line and "prefetch" not in line)
    capture_id = small_world.capture(source)
    context, page = open_desk(chromium, desk)
    asked: list[str] = []
    told: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("page", lambda other: told.append(f"popup {other.url}"))
    context.on("dialog", lambda dialog: (told.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.expose_function("tell", lambda message: told.append(message))
    page.add_init_script("addEventListener('message', (event) => window === top && tell(String(event.data)))")
    address = f"{desk}/captures/{capture_id}" + ("" if way == "framed" else "/rejeu")
    page.goto(address)
    if way == "framed":
        frame = page.frame_locator("iframe.replay")
        page.locator("iframe.replay").scroll_into_view_if_needed()
        assert "CMU ne sont pas acceptés" in frame.locator("body").inner_text()
        assert page.locator("iframe.replay").get_attribute("sandbox") == ""
        if stripped:
            frame.get_by_text("Prendre rendez-vous").click()
    else:
        assert "CMU ne sont pas acceptés" in page.locator("body").inner_text()
        if stripped:
            page.get_by_text("Prendre rendez-vous").click()
    page.wait_for_timeout(1200)
    assert page.url == address
    inside = next(frame for frame in page.frames if frame.url.endswith("/rejeu"))
    assert inside.evaluate("origin") == "null"  # opaque: no cookie, no storage, no parent
    assert told == [] and "STOLEN" not in page.title()
    sent = [url for url in asked if not url.startswith(desk)]
    if stripped:
        assert sent == [] and trap.hits == [], trap.hits
    else:  # Chromium opens a connection for a frame before the policy forbids it: nothing is ever said over it
        assert [hit for hit in trap.hits if hit != "connection"] == [], trap.hits
    assert {cookie["name"] for cookie in context.cookies()} == {"vigie_seance"}
    context.close()


VOTER = [
    "/file", "/aide", "/cas/1", "/cas/2", "/cas/3", "/cas/4", "/cas/5", "/captures/1", "/cas/999", "/recherche",
    "/nouveautes", "/compte", "/echantillon",
]  # fmt: skip
STAFF = ["/tableau", "/qualite", "/personnes", "/journal", "/dossiers", "/recherche", "/cas/2", "/cas/4"]


def faults(page: Any, path: str) -> list[str]:
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    results = Axe().run(page, options={"resultTypes": ["violations"]})
    return [f"{path}: {v['id']} {[n['html'][:120] for n in v['nodes']]}" for v in results.response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("login", "paths"), [("camille", VOTER), ("adele", STAFF)])
def test_every_page_passes_axe(chromium: Browser, desk: str, scheme: Any, login: str, paths: list[str]) -> None:
    context, page = open_desk(chromium, desk, login, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    found: list[str] = []
    for path in paths:
        page.goto(desk + path)
        found += faults(page, path)
    context.close()
    assert found == []
    assert [line for line in complaints if "404" not in line] == []  # no policy was broken


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_doors_pass_axe_and_fit(chromium: Browser, small_world: World, scheme: Any) -> None:
    with small_world.ledger.session() as session:
        token = invite.invite(session, "neuve", "Neuve", "reviewer", "adele")
    found: list[str] = []
    with served(small_world.ledger, second_factor=True) as desk:
        context, page = open_desk(chromium, desk, "alix", color_scheme=scheme, viewport={"width": 320, "height": 640})
        for path in ("/second-facteur", "/connexion", f"/invitation/{token}"):
            if path == "/connexion":
                context.clear_cookies()
            page.goto(desk + path)
            found += faults(page, path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        context.close()
    assert found == []


@pytest.mark.parametrize(("login", "paths"), [("camille", VOTER), ("adele", STAFF)])
def test_no_page_scrolls_sideways_at_320_px_nor_at_200_percent(
    chromium: Browser, desk: str, login: str, paths: list[str]
) -> None:
    context, page = open_desk(chromium, desk, login, viewport={"width": 320, "height": 640})
    wide: list[str] = []
    for path in paths:
        page.goto(desk + path)
        page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wide.append(f"320 px: {path}")
        if page.locator("#touches").count():
            page.keyboard.press("?")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    page.set_viewport_size({"width": 1280, "height": 900})
    for path in paths:
        page.goto(desk + path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")  # text alone, twice as large
        if page.evaluate("document.documentElement.scrollWidth") > 1280:
            wide.append(f"200 %: {path}")
    context.close()
    assert wide == []


def mine(world: World, login: str) -> list[tuple[int, str, str, str]]:
    """What that person decided and did not take back."""
    with world.ledger.session() as session:
        own = select(Ballot).where(Ballot.reviewer_id == world.people[login], Ballot.ending != "withdrawn")
        return [(row.case_id, row.decision, row.stance, row.note) for row in session.scalars(own.order_by(Ballot.id))]


def test_the_keyboard_alone_decides(chromium: Browser, small_world: World, desk: str) -> None:
    before = mine(small_world, "basile")
    context, page = open_desk(chromium, desk, login="basile")
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.goto(f"{desk}/cas/suivant")
    first = page.url
    page.keyboard.press("?")
    assert page.locator("#touches").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.wait_for_url(lambda url: url != first and "/cas/" in url)
    page.goto(first)
    page.wait_for_load_state("networkidle")
    for key in ("d", "c", "n"):
        page.keyboard.press(key)
    page.keyboard.type("à revoir ? c e d 1")  # letters in a note are letters
    assert page.locator("details.choice[open]").count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("t")  # a restriction, whatever the reason implies
    page.keyboard.press("1")
    page.wait_for_url(lambda url: url != first)
    second = page.url
    assert page.get_by_role("status").inner_text().startswith("Avis enregistré")
    page.keyboard.press("e")  # two keys: a clear case
    page.keyboard.press("3")
    page.wait_for_url(lambda url: url != second)
    page.keyboard.press("u")  # one key: taken back
    page.wait_for_url(second)
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != second)
    context.close()
    assert errors == []
    number = int(first.rsplit("/", 1)[1])
    assert mine(small_world, "basile")[len(before) :] == [(number, "confirm", "restriction", "à revoir ? c e d 1")]


def test_a_desk_that_does_not_answer_says_so_and_keeps_the_form(chromium: Browser, desk: str) -> None:
    context, page = open_desk(chromium, desk, login="basile")
    page.goto(f"{desk}/cas/suivant")
    page.wait_for_load_state("networkidle")
    context.set_offline(True)
    page.keyboard.press("e")
    page.keyboard.press("3")
    page.get_by_role("alert").wait_for()
    assert "réessayez" in page.get_by_role("alert").inner_text()
    address = page.url
    context.set_offline(False)
    page.keyboard.press("3")
    page.wait_for_url(lambda url: url != address)
    context.close()


def test_the_desk_works_without_scripts(chromium: Browser, small_world: World, desk: str) -> None:
    context, page = open_desk(chromium, desk, login="basile", java_script_enabled=False)
    page.goto(f"{desk}/cas/1")
    page.click("details.doubt > summary")
    page.check("details.doubt [name=reason] >> nth=0")
    page.click("details.doubt > form > button")
    page.wait_for_url("**fait=1")
    assert page.get_by_role("status").inner_text().startswith("Avis enregistré")
    page.click("text=Reprendre")
    page.wait_for_url("**/cas/1")
    context.close()
