"""What the tests in a real Chromium share: the browser's flags, a desk served on this machine, a signed-in page."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page
from review_world import PASSWORD, SECRET

from ledger import Ledger
from review import create_app

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


@contextmanager
def served(ledger: Ledger, *, second_factor: bool = False, **options: Any) -> Iterator[str]:
    """The address of a desk served on this machine."""
    app = create_app(ledger, secret=SECRET, second_factor=second_factor, **options)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def open_desk(chromium: Browser, desk: str, login: str = "camille", **options: Any) -> tuple[BrowserContext, Page]:
    """A signed-in page; `options` go to the browser context."""
    context = chromium.new_context(locale="fr-FR", **options)
    page = context.new_page()
    page.goto(f"{desk}/connexion")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda url: "/connexion" not in url)
    return context, page
