"""What people decided becomes training passages; what would teach most comes first, for the administrator alone."""

from __future__ import annotations

from review_world import REFUSAL, TRIGGER, World

from ledger.models import Finding
from monitor.teaching import most_instructive, taught


def test_decided_cases_become_annotated_passages(world: World) -> None:
    confirmed, dismissed, split, untouched = (world.case(f"{REFUSAL} {n}") for n in range(4))
    first, second, *_ = world.people
    for case, decisions in (
        (confirmed, ("confirm",) * 2),
        (dismissed, ("dismiss",) * 2),
        (split, ("confirm", "dismiss")),
    ):
        for login, decision in zip((first, second), decisions, strict=True):
            world.cast(case, login, decision)
    passages = {passage.id: passage for passage in taught(world.ledger)}
    assert set(passages) == {f"verdicts-{confirmed}", f"verdicts-{dismissed}"}
    yes, no = passages[f"verdicts-{confirmed}"], passages[f"verdicts-{dismissed}"]
    assert (yes.stance, yes.benefits, yes.trigger) == ("refusal", ("C2S",), TRIGGER)
    assert no.stance in {"acceptance", "neutral", "none"}
    assert untouched not in {int(name.split("-")[1]) for name in passages}


def test_the_least_sure_open_case_teaches_most(world: World) -> None:
    cases = [world.case(f"{REFUSAL} {n}") for n in range(3)]
    with world.ledger.session() as session:
        for case, sure in zip(session.query(Finding).filter(Finding.flagged), (0.9, 0.55, 0.7), strict=True):
            case.confidence = sure
    assert [case for case, _ in most_instructive(world.ledger)] == [cases[1], cases[2], cases[0]]
    for login in list(world.people)[:2]:
        world.cast(cases[1], login, "confirm")
    assert [case for case, _ in most_instructive(world.ledger)] == [cases[2], cases[0]]
