"""The desk in a real Chromium: hostile captures stay inert, every page is accessible, small screens and keys work."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from review_world import PASSWORD, SECRET, World
from sqlalchemy import select

from ledger import Ledger
from ledger.models import Verdict
from review import create_app, exhibits

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
HOSTILE = (Path(__file__).parent / "hostile.html").read_text(encoding="utf-8")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (chromium or google-chrome on the PATH)"),
]


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all tests of the desk."""
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield launched
    launched.close()


@pytest.fixture
def small_world(sqlite_ledger: Ledger) -> World:
    """Cases in every state that a page can show."""
    world = World(sqlite_ledger)
    world.reviewers("alix", "basile", "claude")
    ids = [world.case() for _ in range(4)]
    world.case(text="CMU : non — https://exemple.test/" + "x" * 200, trigger="CMU : non", welcome="")
    world.cast(ids[1], "alix", "confirm")
    world.cast(ids[1], "basile", "dismiss", note="La suite du texte les accueille.")  # a split: claude settles
    world.cast(ids[2], "claude", "confirm", note="vu " * 100)  # mine, waiting
    for login in ("claude", "alix"):
        world.cast(ids[3], login, "dismiss")  # mine, closed
    return world


@pytest.fixture
def desk(small_world: World) -> Iterator[str]:
    """The address of a desk served on this machine."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(small_world.ledger, secret=SECRET, second_factor=False), port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def open_desk(chromium: Browser, desk: str, login: str = "claude", **options: Any) -> tuple[BrowserContext, Page]:
    """A signed-in page; `options` go to the browser context."""
    context = chromium.new_context(locale="fr-FR", **options)
    page = context.new_page()
    page.goto(f"{desk}/connexion")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{desk}/file")
    return context, page


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


PATHS = [
    "/file", "/aide", "/cas/1", "/cas/2", "/cas/3", "/cas/4", "/cas/5", "/captures/1", "/cas/999", "/connexion",
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_passes_axe(chromium: Browser, desk: str, scheme: Any) -> None:
    context, page = open_desk(chromium, desk, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    axe = Axe()
    faults: list[str] = []
    for path in PATHS:
        if path == "/connexion":
            context.clear_cookies()
        page.goto(desk + path)
        page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        results = axe.run(page, options={"resultTypes": ["violations"]})
        faults += [f"{path}: {v['id']} {[n['html'][:120] for n in v['nodes']]}" for v in results.response["violations"]]
    context.close()
    assert faults == []


def test_no_page_scrolls_sideways_at_320_px(chromium: Browser, desk: str) -> None:
    context, page = open_desk(chromium, desk, viewport={"width": 320, "height": 640})
    for path in PATHS:
        if path == "/connexion":
            context.clear_cookies()
        page.goto(desk + path)
        page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        if page.locator("#touches").count():
            page.keyboard.press("?")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    context.close()


def test_the_keyboard_alone_decides(chromium: Browser, small_world: World, desk: str) -> None:
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
    for key in ("d", "c", "2", "r", "n"):
        page.keyboard.press(key)
    page.keyboard.type("à revoir ? c e d 1")  # letters in a note are letters
    assert page.locator("details.choice[open]").count() == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cas/*?fait=1")
    page.keyboard.press("e")
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    page.wait_for_url("**?fait=3")
    context.close()
    assert errors == []
    with small_world.ledger.session() as session:
        mine = session.scalars(
            select(Verdict).where(Verdict.reviewer_id == small_world.people["basile"]).order_by(Verdict.id.desc())
        ).all()
    assert [(v.case_id, v.decision, v.stance, v.note) for v in mine[:2]] == [
        (3, "dismiss", "", ""), (1, "confirm", "refusal", "à revoir ? c e d 1"),
    ]  # fmt: skip


def test_the_desk_works_without_scripts(chromium: Browser, small_world: World, desk: str) -> None:
    context, page = open_desk(chromium, desk, login="basile", java_script_enabled=False)
    page.goto(f"{desk}/cas/1")
    page.click("details.doubt summary")
    page.check("details.doubt [name=reason] >> nth=0")
    page.click("details.doubt button")
    page.wait_for_url("**?fait=1")
    assert page.get_by_role("status").inner_text().startswith("Avis enregistré")
    context.close()
