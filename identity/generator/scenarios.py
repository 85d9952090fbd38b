"""Pages captured before and after something happened to a person of the register: arrival, move, new name, departure.

The truth of each says what the register's state of that day allows; nothing here knows how it is matched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from identity.generator.people import SET_SIZE, Person, World


@dataclass(frozen=True)
class Scenario:
    """A page and what may be said of it: `rpps` is the person shown, `known` whether the state of the day of the
    capture knows them as shown (then they must be linked; else nobody may be)."""

    kind: str
    listing: dict[str, Any]
    rpps: str
    known: bool


def dated_scenarios(world: World, before: date, after: date, count: int) -> Iterator[Scenario]:
    """`count` scenarios on people to whom something happens between two states of the register."""
    made = 0
    early, late = after - timedelta(days=1), after + timedelta(days=40)
    for index in range(world.homonym_sets * SET_SIZE, world.persons):
        old, new = world.person(index, before), world.person(index, after)
        shown = old or new
        if old == new or shown is None or not shown.places or shown.kind.code in ("91", "93"):
            continue
        for scenario in _of(index, old, new, early, late):
            if made == count:
                return
            made += 1
            yield scenario


def _of(index: int, old: Person | None, new: Person | None, early: date, late: date) -> Iterator[Scenario]:
    """Under the state before (captured on `early`) and under the one after (`late`)."""
    if old is None and new is not None:
        yield _scenario(f"arrived-{index}-early", "arrival", new, early, known=False)
        yield _scenario(f"arrived-{index}-late", "arrival", new, late, known=True)
    elif new is None and old is not None:
        yield _scenario(f"left-{index}-early", "departure", old, early, known=True)
        yield _scenario(f"left-{index}-late", "departure", old, late, known=False)
    elif old is not None and new is not None:
        kind = "name" if old.family != new.family else "move"
        yield _scenario(f"{kind}-{index}-early", kind, old, early, known=True)
        yield _scenario(f"{kind}-{index}-late", kind, new, late, known=True)


def _scenario(number: str, kind: str, person: Person, day: date, known: bool) -> Scenario:
    place = person.places[0]
    listing = {
        "id": number,
        "display_name": f"{person.given} {person.family.upper()}",
        "profession": person.kind.shown[0],
        "street": place.line,
        "postcode": place.postcode,
        "city": place.town,
        "phone": place.phone,
        "captured_on": day.isoformat(),
    }
    return Scenario(kind, listing, person.rpps, known)
