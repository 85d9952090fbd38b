"""The whole story in a real Chromium: invitations, second factors, forty cases by keyboard, a split, a dossier."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page
from review_browser import CHROMIUM, served
from review_world import PASSWORD, World
from sqlalchemy import select

from ledger import Ledger, cases
from ledger.models import Event, Verdict
from review import factor

NEW = "cinq pommes vertes dans un panier"
CASES = 20  # each decided by two people: forty decisions
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (chromium or google-chrome on the PATH)"),
]


class Someone:
    """A person with a browser of their own and a telephone that knows their secret."""

    def __init__(self, chromium: Browser, desk: str) -> None:
        self.page: Page = chromium.new_context(locale="fr-FR").new_page()
        self.desk, self.secret = desk, ""

    def enrol(self) -> None:
        """Set up the second factor from what the page shows."""
        self.page.click("text=Saisir la clé à la main")
        self.secret = self.page.locator("code.key").inner_text().replace(" ", "")
        self.page.fill("[name=code]", self.code(-1))
        self.page.click("text=Confirmer")
        assert self.page.locator(".codes li").count() == factor.RECOVERY_CODES
        self.page.click("text=C’est noté")

    def code(self, shift: int = 0) -> str:
        return factor.totp(self.secret, int(datetime.now(UTC).timestamp()) // factor.STEP + shift)

    def join(self, link: str) -> None:
        """Accept an invitation."""
        self.page.goto(link)
        self.page.fill("[name=password]", NEW)
        self.page.fill("[name=again]", NEW)
        self.page.click("text=Choisir ce mot de passe")
        self.enrol()

    def decide(self, keys: dict[int, str], number: int) -> None:
        """Decide `number` cases by keyboard; `keys` says how for some cases, « e 3 » for the others."""
        self.page.goto(f"{self.desk}/cas/suivant")
        for _ in range(number):
            address = self.page.url
            case_id = int(re.findall(r"/cas/(\d+)", address)[0])
            for key in keys.get(case_id, "e3"):
                self.page.keyboard.press(key)
            self.page.wait_for_url(lambda url, before=address: url != before)


@pytest.fixture
def story(sqlite_ledger: Ledger) -> Iterator[tuple[World, str]]:
    world = World(sqlite_ledger)
    for _ in range(CASES):
        world.case()
    world.reviewers("chef", role="administrator")
    with served(sqlite_ledger, second_factor=True) as desk:
        yield world, desk


def invited(chief: Page, desk: str, name: str, role: str) -> str:
    """The link that the people page makes."""
    chief.goto(f"{desk}/personnes")
    chief.fill("[name=display_name]", name)
    chief.fill("[name=login]", name.lower())
    chief.locator("#inviter ~ form [name=role]").select_option(role)
    chief.click("text=Créer le lien")
    return chief.locator("code.key").inner_text()


def test_from_the_invitation_to_the_log(chromium: Browser, story: tuple[World, str]) -> None:
    world, desk = story
    chief = Someone(chromium, desk)
    chief.page.goto(f"{desk}/connexion")
    chief.page.fill("[name=login]", "chef")
    chief.page.fill("[name=password]", PASSWORD)
    chief.page.click("main button")
    chief.enrol()  # the first time
    people = {}
    roles = (
        ("Anne", "reviewer"),
        ("Bruno", "reviewer"),
        ("Chloe", "adjudicator"),
        ("Denis", "editor"),
        ("Emma", "auditor"),
    )
    for name, role in roles:
        people[name] = Someone(chromium, desk)
        people[name].join(invited(chief.page, desk, name, role))

    # Case 5 splits, case 6 is confirmed by both, the others are set aside; Anne takes one decision back on the way.
    people["Anne"].decide({5: "c1", 6: "c1"}, CASES - 1)
    last = people["Anne"].page.url
    people["Anne"].page.keyboard.press("u")
    people["Anne"].page.wait_for_url(lambda url: url != last)
    people["Anne"].decide({5: "c1", 6: "c1"}, 2)
    people["Bruno"].decide({5: "e1", 6: "c1"}, CASES)
    world.settle()
    with world.ledger.session() as session:
        assert len(session.scalars(select(Verdict)).all()) == 2 * CASES
        assert cases.status_of(session, 5) is cases.CaseStatus.SPLIT

    third = people["Chloe"].page
    third.goto(f"{desk}/cas/suivant")
    assert "/cas/5" in third.url and "Le vôtre tranche" in third.content()
    people["Chloe"].decide({5: "c1"}, 1)
    world.settle()

    editor = people["Denis"].page
    editor.goto(f"{desk}/cas/6")
    editor.click("text=Demander le dossier")
    assert "demandé" in editor.content()

    auditor = people["Emma"].page
    auditor.goto(f"{desk}/journal")
    assert "dossier.requested" in auditor.content()
    assert auditor.goto(f"{desk}/personnes") is not None and auditor.locator("text=Créer le lien").count() == 0
    with world.ledger.session() as session:
        kinds = set(session.scalars(select(Event.kind)))
        assert cases.status_of(session, 5) is cases.CaseStatus.CONFIRMED
    assert {
        "invitation.issued", "reviewer.added", "factor.enrolled", "case.viewed", "ballot.cast", "ballot.withdrawn",
        "verdict.cast", "dossier.requested", "log.viewed",
    } <= kinds  # fmt: skip
    for one in (chief, *people.values()):
        one.page.context.close()
