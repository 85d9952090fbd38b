"""The page of the identity in a real Chromium: two keys answer it, it is accessible and fits small screens."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from identity_screen import ONE, OTHER, SCREEN
from playwright.sync_api import Browser
from review_browser import CHROMIUM, open_desk, served
from review_world import World
from sqlalchemy import select

from ledger import Ledger
from ledger.identities import IdentityConfirmation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (chromium or google-chrome on the PATH)"),
]


def test_two_keys_answer_on_an_accessible_page(sqlite_ledger: Ledger, chromium: Browser) -> None:
    world = World(sqlite_ledger)
    world.reviewers("alix", "basile")
    world.reviewers("edith", role="editor")
    case = world.case()
    for login in ("alix", "basile"):
        world.cast(case, login, "confirm")
    with served(sqlite_ledger, lookup=lambda _session, _listing: SCREEN) as desk:
        context, page = open_desk(chromium, desk, "edith", viewport={"width": 360, "height": 740})
        address = f"{desk}/cas/{case}/identite"
        for keys in (("c", "3"), ("e", "Enter"), ("c", "1")):
            page.goto(address)
            with page.expect_navigation():
                for key in keys:
                    page.keyboard.press(key)
            assert page.url == address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("c")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        context.close()
    with sqlite_ledger.session() as session:
        said = list(session.scalars(select(IdentityConfirmation.rpps).order_by(IdentityConfirmation.id)))
    assert said == [OTHER, "", ONE]
