"""Two people confirm who a confirmed case is about, each before their own screen, which is kept; nobody else may."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from identity_screen import ONE, OTHER, SCREEN
from review_world import SECRET, Browser, World
from sqlalchemy import select

from ledger.desk import Conflict
from ledger.identities import IdentityConfirmation, IdentityState, IdentityStatus, canonical, identity_state
from ledger.models import Case, Event
from review import create_app
from review.candidates import Screen

Opener = Callable[[str], Browser]


class House:
    """A desk whose register can be changed; one person of each role."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.screen: Screen | None = SCREEN
        world.reviewers("edith", "emile", role="editor")
        world.reviewers("adele", role="administrator")
        self.app = create_app(
            world.ledger, secret=SECRET, second_factor=False, lookup=lambda _session, _listing: self.screen
        )

    def browser(self, login: str) -> Browser:
        made = Browser(self.app)
        assert made.sign_in(login).status_code == 303
        return made

    def confirmed(self, *voters: str) -> int:
        """A case that these people confirmed."""
        case = self.world.case()
        for login in voters or ("alix", "basile"):
            self.world.cast(case, login, "confirm")
        return case

    def state(self, case: int) -> IdentityState:
        with self.world.ledger.session() as session:
            return identity_state(session, case)

    def words(self, case: int) -> list[tuple[int, str, str]]:
        with self.world.ledger.session() as session:
            rows = session.scalars(select(IdentityConfirmation).order_by(IdentityConfirmation.id))
            return [(row.reviewer_id, row.decision, row.rpps) for row in rows if row.case_id == case]


@pytest.fixture
def house(world: World) -> House:
    return House(world)


def say(browser: Browser, case: int, rpps: str, **changed: str) -> Any:
    """Answer the page as it stands."""
    page = browser.get(f"/cas/{case}/identite").text
    shown = re.search(r'name="screen" value="([0-9a-f]{64})"', page)
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert token
    form = {"csrf": token.group(1), "screen": shown.group(1) if shown else "", "rpps": rpps, **changed}
    return browser.post(f"/cas/{case}/identite", data=form, follow_redirects=False)


def test_the_page_lays_the_candidates_beside_what_the_page_shows(house: House) -> None:
    case = house.confirmed()
    edith = house.browser("edith")
    assert f'href="/cas/{case}/identite"' in edith.get(f"/cas/{case}").text
    page = edith.get(f"/cas/{case}/identite").text
    for text in ("Dr Camille &lt;Exemple&gt;", "EXEMPLE Camil<", "69000 Ville-Fictive", "diffère : autre commune"):
        assert text in page, text
    assert "État du registre au 1er mars 2026" in page
    assert re.findall(r'name="rpps" value="(\w+)" data-key="(\d)"', page) == [(ONE, "1"), (OTHER, "3")]
    assert "ne peut pas être retenue" in page  # a person of the register without a number


def test_two_different_people_confirm_and_the_screen_of_each_is_kept(house: House) -> None:
    case = house.confirmed()
    edith, emile = house.browser("edith"), house.browser("emile")
    assert say(edith, case, ONE).status_code == 303
    assert house.state(case).status is IdentityStatus.SECOND
    assert say(edith, case, ONE).status_code == 303  # the same person twice is one key
    assert house.state(case).status is IdentityStatus.SECOND
    page = emile.get(f"/cas/{case}/identite").text
    assert "vous sera dit après votre réponse" in page and "Une personne a confirmé" not in page
    assert say(emile, case, ONE).status_code == 303
    assert house.state(case) == IdentityState(IdentityStatus.CONFIRMED, ONE)
    assert "Identité confirmée par deux personnes" in emile.get(f"/cas/{case}/identite").text
    with house.world.ledger.session() as session:
        for row in session.scalars(select(IdentityConfirmation)):
            assert row.registry_date == "2026-03-01"
            assert row.screen["candidates"][2]["fields"][1]["registered"] == "69000 Ville-Fictive"
            assert row.screen["shown"] == [["Nom affiché", "Dr Camille <Exemple>"], ["Commune", "Bourg-Fictif"]]
            assert hashlib.sha256(canonical(row.screen)).hexdigest() == row.screen_sha256
        kinds = list(session.scalars(select(Event.kind).where(Event.subject == "case", Event.subject_id == case)))
    assert kinds.count("identity_confirm") == 3


def test_a_contrary_word_splits_and_the_last_word_counts(house: House) -> None:
    case = house.confirmed()
    edith, emile = house.browser("edith"), house.browser("emile")
    say(edith, case, ONE)
    say(emile, case, "aucune")
    assert house.state(case).status is IdentityStatus.SPLIT
    assert "ne concordent pas" in edith.get(f"/cas/{case}/identite").text
    say(emile, case, OTHER)
    assert house.state(case).status is IdentityStatus.SPLIT
    say(emile, case, ONE)
    assert house.state(case).status is IdentityStatus.CONFIRMED
    assert len(house.words(case)) == 4


def test_what_was_not_on_the_screen_is_not_taken(house: House) -> None:
    case = house.confirmed()
    edith = house.browser("edith")
    for rpps in ("99000000038", "", "x", "9" * 20):
        assert say(edith, case, rpps).status_code == 409, rpps
    assert say(edith, case, ONE, screen="0" * 64).status_code == 409
    old = re.search(r'name="screen" value="(\w+)"', edith.get(f"/cas/{case}/identite").text)
    house.screen = replace(SCREEN, registry_date="2026-03-20")  # another state was loaded between reading and answering
    assert old
    answer = say(edith, case, ONE, screen=old.group(1))
    assert answer.status_code == 409 and "L’affichage a changé" in answer.text and "20 mars 2026" in answer.text
    assert house.words(case) == []


@pytest.mark.parametrize("screen", [None, replace(SCREEN, registry_date="", candidates=())])
def test_without_a_register_the_page_says_so_and_takes_nothing(house: House, screen: Screen | None) -> None:
    case, house.screen = house.confirmed(), screen
    edith = house.browser("edith")
    page = edith.get(f"/cas/{case}/identite").text
    assert ("vigie registry load" if screen else "rien à comparer") in page
    assert "<details name=" not in page
    for rpps in (ONE, "aucune"):
        assert say(edith, case, rpps).status_code == 409
    assert house.words(case) == []


def test_nobody_of_the_name_can_only_be_answered_by_nobody(house: House) -> None:
    case, house.screen = house.confirmed(), replace(SCREEN, candidates=())
    edith = house.browser("edith")
    page = edith.get(f"/cas/{case}/identite").text
    assert "ne connaît personne de ce nom" in page and 'data-key="c"' not in page
    assert say(edith, case, "aucune").status_code == 303
    assert house.state(case).status is IdentityStatus.REJECTED


def test_only_those_who_may_know_that_the_case_is_confirmed(house: House) -> None:
    world = house.world
    still_open, case, mine = world.case(), house.confirmed(), house.confirmed("alix", "camille")
    dismissed = world.case()
    for login in ("alix", "basile"):
        world.cast(dismissed, login, "dismiss")
    camille, edith = house.browser("camille"), house.browser("edith")
    told = {re.sub(r"nº \d+|/\d+", "", camille.get(f"/cas/{n}/identite").text) for n in (still_open, case, dismissed)}
    assert len(told) == 1 and "Pas d’identité à confirmer" in told.pop()  # an adjudicator stays blind
    assert camille.get(f"/cas/{mine}/identite").status_code == 200  # and knows what they decided themselves
    for number in (still_open, dismissed):
        assert edith.get(f"/cas/{number}/identite").status_code == 409
        assert f"/cas/{number}/identite" not in edith.get(f"/cas/{number}").text
    for login in ("alix", "adele"):
        browser = house.browser(login)
        assert browser.get(f"/cas/{case}/identite").status_code == 403
        form = {"csrf": browser.token(), "rpps": ONE}
        assert browser.post(f"/cas/{case}/identite", data=form).status_code == 403
    assert edith.get("/cas/999/identite").status_code == 404
    assert edith.post("/cas/999/identite", data={"csrf": edith.token()}).status_code == 404
    assert house.words(case) == []


def test_who_knows_the_practitioner_confirms_nothing(house: House) -> None:
    case = house.confirmed()
    edith = house.browser("edith")
    assert edith.get(f"/cas/{case}/identite").status_code == 200
    with house.world.ledger.session() as session:
        listing = str(session.get_one(Case, case).listing_id)
        person, now = house.world.people["edith"], datetime.now(UTC)
        session.add(Conflict(reviewer_id=person, kind="listing", value=listing, declared_at=now))
    assert edith.get(f"/cas/{case}/identite").status_code == 409
    assert say(edith, case, ONE).status_code == 409
    assert house.words(case) == []
