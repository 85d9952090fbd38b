"""A decision may be taken back for two minutes by its author alone; none is lost and none counts twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from review_world import REFUSAL, Browser, World
from sqlalchemy import func, select

from ledger.desk import Ballot
from ledger.models import Event, Verdict
from review import decide, invite
from review.decide import Choice

Opener = Callable[[str], Browser]
DISMISS = Choice("dismiss", "legal_notice")


def verdicts(world: World) -> list[tuple[int, str, str]]:
    with world.ledger.session() as session:
        names = {number: login for login, number in world.people.items()}
        rows = session.scalars(select(Verdict).order_by(Verdict.id))
        return [(row.case_id, names[row.reviewer_id], row.decision) for row in rows]


def place(world: World, case_id: int, login: str, choice: Choice = DISMISS) -> None:
    with world.ledger.session() as session:
        decide.place(session, case_id, world.people[login], choice)


def test_a_ballot_becomes_a_verdict_in_time_or_at_the_next_decision(world: World) -> None:
    first, second = world.case(), world.case()
    place(world, first, "alix")
    assert verdicts(world) == []
    place(world, second, "alix")
    assert verdicts(world) == [(first, "alix", "dismiss")]
    with world.ledger.session() as session:
        assert decide.settle_due(session) == 0
        assert decide.settle_due(session, datetime.now(UTC) + decide.UNDO) == 1
        assert decide.settle_due(session, datetime.now(UTC) + decide.UNDO) == 0
    assert verdicts(world) == [(first, "alix", "dismiss"), (second, "alix", "dismiss")]


def test_what_was_taken_back_never_was_a_verdict_and_stands_in_the_log(world: World) -> None:
    case_id = world.case()
    place(world, case_id, "alix")
    with world.ledger.session() as session:
        assert decide.may_undo(session, world.people["alix"], case_id)
        assert not decide.may_undo(session, world.people["basile"], case_id)
        assert decide.undo(session, world.people["alix"]) == case_id
        with pytest.raises(decide.NothingToUndo):
            decide.undo(session, world.people["alix"])
    place(world, case_id, "alix", Choice("doubt", "legal_question"))
    world.settle()
    assert verdicts(world) == [(case_id, "alix", "doubt")]
    with world.ledger.session() as session:
        kinds = list(session.scalars(select(Event.kind).where(Event.subject == "case").order_by(Event.id)))
        assert kinds == ["ballot.cast", "ballot.withdrawn", "ballot.cast", "verdict.cast"]


def test_after_two_minutes_nothing_is_taken_back(world: World) -> None:
    case_id = world.case()
    place(world, case_id, "alix")
    later = datetime.now(UTC) + decide.UNDO + timedelta(seconds=1)
    with world.ledger.session() as session, pytest.raises(decide.NothingToUndo):
        decide.undo(session, world.people["alix"], later)


def test_reasons_imply_stance_and_ground_and_the_reviewer_may_say_otherwise(world: World) -> None:
    first, second = world.case(), world.case()
    place(world, first, "alix", Choice("confirm", "discourages_beneficiaries"))
    place(
        world, second, "alix",
        Choice("confirm", "refuses_beneficiaries", "restriction", "redirection", "ne sont pas acceptés", " vu "),
    )  # fmt: skip
    world.settle()
    with world.ledger.session() as session:
        one, two = session.scalars(select(Verdict).order_by(Verdict.case_id)).all()
    assert (one.stance, one.ground, one.span_start) == ("deterrence", "redirection", None)
    assert (two.stance, two.ground, two.note) == ("restriction", "redirection", "vu")
    assert REFUSAL[two.span_start : two.span_end] == "ne sont pas acceptés"


def test_words_that_are_not_in_the_passage_cannot_be_underlined(world: World) -> None:
    case_id = world.case()
    with pytest.raises(decide.NotAllowed, match="tels quels"):
        place(world, case_id, "alix", Choice("confirm", "refuses_beneficiaries", span="CMU refusée"))
    with pytest.raises(decide.NotAllowed, match="Confirmer"):
        place(world, case_id, "alix", Choice("dismiss", "legal_notice", span="CMU"))


def test_a_person_removed_after_voting_has_voted(world: World) -> None:
    case_id = world.case()
    place(world, case_id, "alix")
    with world.ledger.session() as session:
        invite.disable(session, world.people["alix"], "root")
    with pytest.raises(decide.NotAllowed):
        place(world, world.case(), "alix")
    world.settle()
    assert verdicts(world) == [(case_id, "alix", "dismiss")]


def test_ballots_hold_their_seats_and_settle_once_however_many_try(world: World) -> None:
    case_id = world.case()
    world.reviewers("dominique")
    place(world, case_id, "alix")
    place(world, case_id, "basile")
    with pytest.raises(decide.CaseClosed):
        place(world, case_id, "dominique")
    threads = [threading.Thread(target=world.settle) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(verdicts(world)) == [(case_id, "alix", "dismiss"), (case_id, "basile", "dismiss")]
    with world.ledger.session() as session:
        assert session.scalar(select(func.count()).select_from(Ballot).where(Ballot.ending == "verdict")) == 2


def test_crossing_people_never_wait_in_a_ring(world: World) -> None:
    ids = [world.case() for _ in range(8)]
    refused: list[Exception] = []

    def work(login: str, order: list[int]) -> None:
        for case_id in order:
            try:
                place(world, case_id, login)
            except decide.CaseClosed as error:
                refused.append(error)

    threads = [
        threading.Thread(target=work, args=("alix", ids)),
        threading.Thread(target=work, args=("basile", ids[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    world.settle()
    assert refused == [] and len(verdicts(world)) == 16 == len(set(verdicts(world)))


def test_who_saw_the_verdicts_in_another_role_never_votes(world: World, visit: Opener) -> None:
    case_id = world.case()
    with world.ledger.session() as session:
        invite.change_role(session, world.people["alix"], "auditor", "root")
    assert "Aucun avis" in visit("alix").get(f"/cas/{case_id}").text
    with world.ledger.session() as session:
        invite.change_role(session, world.people["alix"], "reviewer", "root")
    with pytest.raises(decide.NotAllowed, match="autre fonction"):
        place(world, case_id, "alix")


def test_undo_by_form_gives_the_case_back(world: World, visit: Opener) -> None:
    case_id = world.case()
    alix = visit("alix")
    page = alix.get(alix.vote(case_id, "confirm").headers["location"]).text
    assert "Reprendre" in page
    back = alix.post("/avis/annuler", data={"csrf": alix.token()}, follow_redirects=False)
    assert back.headers["location"] == f"/cas/{case_id}"
    assert "Enregistrer" in alix.get(f"/cas/{case_id}").text
    assert alix.post("/avis/annuler", data={"csrf": alix.token()}).status_code == 409
    alix.post(f"/cas/{case_id}/avis", data={"decision": "recuse", "csrf": alix.token()})
    assert "conflit d’intérêts" in alix.get(f"/cas/{case_id}").text
    alix.post("/avis/annuler", data={"csrf": alix.token()})
    assert "Enregistrer" in alix.get(f"/cas/{case_id}").text


def test_the_next_case_held_ready_is_not_seen_until_it_is_shown(world: World, visit: Opener) -> None:
    ids = [world.case(), world.case()]
    alix = visit("alix")
    first = int(alix.get("/cas/suivant", follow_redirects=False).headers["location"].rsplit("/", 1)[1])
    ahead = alix.get(f"/cas/avance?apres={first}")
    other = int(ahead.headers["vigie-cas"])
    assert {first, other} == set(ids)
    with world.ledger.session() as session:
        assert session.scalars(select(Event).where(Event.kind == "case.viewed")).all() == []
    form = {"decision": "doubt", "reason": "legal_question", "csrf": alix.token()}
    answer = alix.post(f"/cas/{first}/avis", data=form, headers={"Vigie-Avance": str(other)})
    assert (answer.status_code, answer.headers["vigie-cas"]) == (204, str(other))
    with world.ledger.session() as session:
        seen = session.scalars(select(Event.subject_id).where(Event.kind == "case.viewed")).all()
    assert seen == [other]
    wrong = alix.post(f"/cas/{other}/avis", data=form, headers={"Vigie-Avance": "999"}, follow_redirects=False)
    assert wrong.status_code == 303


def test_remarks_come_after_the_vote(world: World, visit: Opener) -> None:
    case_id = world.case()
    alix, basile = visit("alix"), visit("basile")
    form = {"text": "vu <b>ensemble</b>", "csrf": alix.token()}
    assert alix.post(f"/cas/{case_id}/commentaire", data=form).status_code == 403
    alix.vote(case_id, "confirm")
    assert alix.post(f"/cas/{case_id}/commentaire", data=form).status_code == 403  # it may still be taken back
    world.settle()
    assert "vu &lt;b&gt;ensemble" in alix.post(f"/cas/{case_id}/commentaire", data=form).text
    assert "ensemble" not in basile.get(f"/cas/{case_id}").text
