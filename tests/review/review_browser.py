"""What the tests in a real Chromium share: the browser's flags, a desk served on this machine, a signed-in page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page
from review_world import PASSWORD, SECRET

from benchmarks.desk import serving
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
    with serving(create_app(ledger, secret=SECRET, second_factor=second_factor, **options)) as address:
        yield address


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
