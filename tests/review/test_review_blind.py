"""Before voting a person learns nothing of the others' verdicts, nor what the machine thinks, by any page or header."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from review_world import CONFIDENCE, MODEL_VERSION, Browser, World
from sqlalchemy import select

from ledger.models import Capture

Opener = Callable[[str], Browser]


def everything(browser: Browser, world: World, case_ids: list[int]) -> dict[str, tuple[int, dict[str, str], str]]:
    """Each page that a person can reach, with status and headers; the session's own token is masked."""
    with world.ledger.session() as session:
        captures = session.scalars(select(Capture.id)).all()
    paths = ["/", "/file", "/aide", "/cas/suivant", "/cas/suivant?apres=1", "/cas/999", "/connexion", "/cas/avance"]
    paths += [f"/cas/{i}" for i in case_ids] + [f"/cas/suivant?apres={i}" for i in case_ids]
    paths += [f"/captures/{i}{tail}" for i in captures for tail in ("", "/rejeu", "/capture.warc.gz")]
    seen = {}
    for path in paths:
        answer = browser.get(path, follow_redirects=False)
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        body = answer.content.decode("latin-1")
        seen[path] = (answer.status_code, headers, re.sub(r'name="csrf" value="[0-9a-f]+"', "", body))
    return seen


@pytest.mark.parametrize("decision", ["confirm", "dismiss", "doubt"])
def test_one_verdict_changes_nothing_that_another_can_see(world: World, visit: Opener, decision: str) -> None:
    ids = [world.case() for _ in range(3)]
    alix, basile = visit("alix"), visit("basile")
    before = everything(basile, world, ids)
    for page in (ids[1], ids[2]):
        alix.get(f"/cas/{page}")  # having looked does not show either
    assert alix.vote(ids[1], decision, note="remarque secrète d’Alix").status_code == 303
    after = everything(basile, world, ids)
    assert after == before
    for _, _, body in after.values():
        for secret in ("secrète", "Alix", "deuxième avis", "second avis"):
            assert secret not in body.replace("Basile", "")


def test_the_machine_s_reading_is_not_shown_before_the_vote(world: World, visit: Opener) -> None:
    case_id = world.case()
    page = visit("basile").get(f"/cas/{case_id}").text
    score = f"{CONFIDENCE:.2f}"
    for secret in (
        MODEL_VERSION,
        str(CONFIDENCE),
        score,
        score.replace(".", ","),
        "Lecture automatique",
        "refus.verbe",
    ):
        assert secret not in page
    assert "checked" not in page  # no stance is proposed
    assert "<mark>patients CMU ne sont pas acceptés</mark>" in page


def test_the_voter_then_sees_the_machine_and_at_the_end_the_others(world: World, visit: Opener) -> None:
    case_id = world.case()
    alix = visit("alix")
    alix.vote(case_id, "confirm", note="ma note")
    page = alix.get(f"/cas/{case_id}").text
    assert "ma note" in page and "Reprendre mon avis" in page and MODEL_VERSION not in page  # it may be taken back
    world.settle()
    page = alix.get(f"/cas/{case_id}").text
    assert "Votre avis est enregistré" in page and "ma note" in page and MODEL_VERSION in page
    assert "(règle refus.verbe)" in page
    assert "Enregistrer" not in page  # no form any more
    world.cast(case_id, "basile", "confirm", note="note de Basile")
    page = alix.get(f"/cas/{case_id}").text
    assert "Clos" in page and "note de Basile" in page


def test_the_third_reads_both_verdicts_but_not_the_machine(world: World, visit: Opener) -> None:
    case_id = world.case()
    camille = visit("camille")
    world.cast(case_id, "alix", "confirm", note="premier avis d’Alix")
    assert "premier avis" not in camille.get(f"/cas/{case_id}").text
    world.cast(case_id, "basile", "dismiss", note="avis contraire de Basile")
    page = camille.get(f"/cas/{case_id}").text
    assert "premier avis d’Alix" in page and "avis contraire de Basile" in page and "Le vôtre tranche" in page
    assert MODEL_VERSION not in page
    assert camille.vote(case_id, "dismiss").status_code == 303
    world.settle()
    assert "Clos" in camille.get(f"/cas/{case_id}").text


def test_a_closed_case_takes_no_form_and_no_forged_vote(world: World, visit: Opener) -> None:
    case_id = world.case()
    world.cast(case_id, "alix", "confirm")
    world.cast(case_id, "basile", "confirm")
    camille = visit("camille")
    assert "Enregistrer" not in camille.get(f"/cas/{case_id}").text
    assert camille.vote(case_id, "dismiss").status_code == 409
    assert visit("alix").vote(case_id, "dismiss").status_code == 409
