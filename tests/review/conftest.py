"""Fixtures of the desk: an invented world on both databases, cheap hashes, signed-in browsers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser as RealBrowser
from playwright.sync_api import Playwright

from ledger import Ledger
from review import create_app, people

sys.path.insert(0, str(Path(__file__).parent))  # pytest imports each file by its path: the helpers need a home
from review_browser import CHROMIUM, FLAGS
from review_world import SECRET, Browser, World


@pytest.fixture(autouse=True)
def light_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Argon2 at its cheapest: the cost of a hash is tested once, elsewhere."""
    monkeypatch.setattr(people, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    people._decoy.cache_clear()
    yield
    people._decoy.cache_clear()


@pytest.fixture
def world(ledger: Ledger) -> World:
    """An invented world on both databases, with two reviewers and an adjudicator."""
    made = World(ledger)
    made.reviewers("alix", "basile")
    made.reviewers("camille", role="adjudicator")
    return made


@pytest.fixture
def visit(world: World) -> Callable[[str], Browser]:
    """A signed-in browser for that login, all on one desk."""
    app = create_app(world.ledger, secret=SECRET, second_factor=False)

    def open_browser(login: str) -> Browser:
        client = Browser(app)
        if login:
            assert client.sign_in(login).status_code == 303
        return client

    return open_browser


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[RealBrowser]:
    """One Chromium for all tests of the desk."""
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield launched
    launched.close()
