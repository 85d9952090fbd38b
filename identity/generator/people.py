"""The invented practitioners: person i is computed from (seed, i) alone, so that a million of them cost no memory.

It writes no file and knows no page. First names and family names are combined by chance; register numbers begin with
99, which the register has never given.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Literal

import yaml

from identity.rpps import luhn

DATA = Path(__file__).parent / "data"
START = date(2025, 1, 1)  # life in this world begins here
DAYS = 730  # and moves, retirements and changes of name fall within these days
SET_SIZE = 3  # persons of a planted homonym set
PERSONS_PER_PLACE = 2.5
Relation = Literal["elsewhere", "profession", "department", "town", "practice"]
RELATIONS: tuple[Relation, ...] = ("elsewhere", "profession", "department", "town", "practice")


@dataclass(frozen=True)
class Kind:
    """A kind of practitioner, as the register and as platforms name it."""

    code: str
    label: str
    authority: str
    title: bool
    shown: tuple[str, ...]
    skills: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Place:
    """A place of practice, written as the register writes it."""

    number: str
    repeat: str  # B, T or ""
    kind_code: str
    kind: str
    street: str
    postcode: str
    town: str
    phone: str
    house: str  # a trade name, or ""

    @property
    def line(self) -> str:
        """« 12 bis Rue de la Gare », as a page would write it."""
        repeat = {"B": " bis", "T": " ter"}.get(self.repeat, "")
        return f"{self.number}{repeat} {self.kind} {self.street}"


@dataclass(frozen=True)
class Person:
    """One practitioner on one day. `birth` is the family name before marriage, "" where it is the only one."""

    index: int
    rpps: str
    woman: bool | None  # None: the register does not say
    given: str
    family: str
    birth: str
    kind: Kind
    skill: tuple[str, str, str]  # type, code, label; three empty texts where the register knows none
    places: tuple[Place, ...]  # empty for those whose address the register does not know
    salaried: bool


@cache
def data(name: str) -> Any:
    """One of the word lists of this folder."""
    return yaml.safe_load((DATA / f"{name}.yaml").read_text("utf-8"))


def with_key(ten: str) -> str:
    """Ten digits and the check digit that makes a register number of them."""
    return next(ten + digit for digit in "0123456789" if luhn(ten + digit))


class Ranked:
    """Draw items with a weight that falls with their rank: the first are frequent, the last are not."""

    def __init__(self, items: list[Any], power: float = 0.75, weights: list[float] | None = None) -> None:
        """`items` most frequent first."""
        self.items = items
        self.sums = list(accumulate(weights or [1 / (rank + 3) ** power for rank in range(len(items))]))

    def draw(self, dice: Random) -> Any:
        """One of them."""
        return self.items[bisect(self.sums, dice.random() * self.sums[-1])]


@cache
def _tables() -> dict[str, Ranked]:
    kinds = data("professions")["kinds"]
    made = [
        Kind(k["code"], k["label"], k["authority"], k["title"], tuple(k["shown"]), tuple(map(tuple, k["skills"])))
        for k in kinds
    ]
    return {
        "female": Ranked(data("names")["female"]),
        "male": Ranked(data("names")["male"]),
        "family": Ranked(data("names")["family"], 0.6),
        "kind": Ranked(made, weights=[float(k["weight"]) for k in kinds]),
        "town": Ranked([town.split(" ", 1) for town in data("places")["towns"]], 0.5),
    }


class World:
    """The register of one seed: `persons` people, the first `3 × homonym_sets` of them in sets that share a name."""

    def __init__(self, seed: int = 1, persons: int = 10_000, homonym_sets: int = 0) -> None:
        """Nothing is computed until it is asked for."""
        self.seed, self.persons, self.homonym_sets = seed, persons, min(homonym_sets, persons // SET_SIZE)
        self.place_count = max(1, int(persons / PERSONS_PER_PLACE))

    def dice(self, index: int, purpose: int) -> Random:
        """The randomness of one person for one purpose."""
        return Random((self.seed * 1_000_003 + index) * 31 + purpose)

    def rpps(self, index: int) -> str:
        """The register number of person `index`."""
        return with_key(f"99{self.seed % 10}{index:07d}")

    def place(self, number: int) -> Place:
        """Place of practice `number`."""
        dice = self.dice(number, 1)
        postcode, town = _tables()["town"].draw(dice)
        code, kind = dice.choice(data("places")["kinds"])
        house = ""
        if dice.random() < 0.35:
            house = f"{dice.choice(data('places')['houses'])} {dice.choice(data('places')['house_names'])}"
        return Place(
            number=str(dice.randint(1, 180)),
            repeat=dice.choice("BBT") if dice.random() < 0.05 else "",
            kind_code=code,
            kind=kind,
            street=dice.choice(data("places")["streets"]),
            postcode=postcode,
            town=town,
            phone=f"0{dice.randint(1, 5)}99{dice.randint(0, 999_999):06d}" if dice.random() < 0.65 else "",
            house=house,
        )

    def set_of(self, index: int) -> tuple[int, Relation] | None:
        """The planted homonym set of a person, and how its members differ; None for most people."""
        if index >= self.homonym_sets * SET_SIZE:
            return None
        number = index // SET_SIZE
        return number, RELATIONS[number % len(RELATIONS)]

    def person(self, index: int, day: date = START) -> Person | None:
        """Person `index` as the register knows them on `day`; None before they register and after they retire."""
        life = self.life(index)
        if not life.enters <= day < life.leaves:
            return None
        person = self._born(index)
        if day >= life.moves:
            dice = self.dice(index, 4)
            person = replace(person, places=(self.place(dice.randrange(self.place_count)), *person.places[1:]))
        if day >= life.marries:
            dice = self.dice(index, 5)
            usage = self._family(dice)
            family = f"{person.family} {usage}" if dice.random() < 0.4 else usage
            person = replace(person, family=family, birth=person.family)
        return person

    def life(self, index: int) -> Life:
        """When a person enters, moves, changes name and leaves."""
        dice = self.dice(index, 2)

        def sometimes(share: float) -> date:
            return START + timedelta(days=dice.randint(30, DAYS)) if dice.random() < share else date.max

        enters, leaves, moves, marries = sometimes(0.03), sometimes(0.03), sometimes(0.06), sometimes(0.01)
        enters = START if enters is date.max else enters
        planted = self.set_of(index) is not None
        return Life(START, date.max, date.max, date.max) if planted else Life(enters, leaves, moves, marries)

    def _born(self, index: int) -> Person:
        planted = self.set_of(index)
        first = index if planted is None else planted[0] * SET_SIZE
        dice, own = self.dice(first, 3), self.dice(index, 3)
        woman = dice.random() < 0.6
        given, family = self._given(dice, woman), self._family(dice)
        kind, place = _tables()["kind"].draw(dice), dice.randrange(self.place_count)
        birth = ""
        if planted is None:
            family, birth = self._usage(dice, woman, family)
            if dice.random() < 0.10:  # a relative in the same practice
                family, birth = self._family(Random(self.seed * 7919 + place)), ""
        places = [self.place(place)]
        if planted is not None and index != first:
            places, kind = self._differing(own, planted[1], places[0], kind)
        while own.random() < 0.33 and len(places) < 5:
            places.append(self.place(own.randrange(self.place_count)))
        return Person(
            index=index,
            rpps=self.rpps(index),
            woman=woman,
            given=given,
            family=family,
            birth=birth,
            kind=kind,
            skill=own.choice(kind.skills) if kind.skills else ("", "", ""),
            places=tuple(places) if planted or own.random() > 0.05 else (),
            salaried=own.random() < 0.35,
        )

    def _differing(self, dice: Random, relation: Relation, place: Place, kind: Kind) -> tuple[list[Place], Kind]:
        """Where and what the namesake of a planted set practises."""
        if relation == "practice":
            return [place], kind
        if relation == "profession":
            other = kind
            while other.code == kind.code:
                other = _tables()["kind"].draw(dice)
            return [
                replace(self.place(dice.randrange(self.place_count)), postcode=place.postcode, town=place.town)
            ], other
        moved = self.place(dice.randrange(self.place_count))
        while relation == "elsewhere" and moved.postcode[:2] == place.postcode[:2]:
            moved = self.place(dice.randrange(self.place_count))
        if relation == "town":
            moved = replace(moved, postcode=place.postcode, town=place.town)
        if relation == "department":
            moved = replace(moved, postcode=f"{place.postcode[:2]}{dice.randint(150, 990)}", town="Villeneuve")
        return [moved], kind

    def _given(self, dice: Random, woman: bool) -> str:
        sex = "female" if woman else "male"
        if dice.random() < 0.13:
            return f"{dice.choice(data('names')['doubled'][sex])}-{dice.choice(data('names')['second'][sex])}"
        return str(_tables()[sex].draw(dice))

    def _family(self, dice: Random) -> str:
        if dice.random() < 0.38:
            return str(_tables()["family"].draw(dice))
        rare = data("names")["rare"]
        return str(dice.choice(rare["beginning"]) + dice.choice(rare["middle"]) + dice.choice(rare["end"])).capitalize()

    def _usage(self, dice: Random, woman: bool, family: str) -> tuple[str, str]:
        """(name of exercise, birth name): most keep one name, some bear two, some that of a marriage alone."""
        chance = dice.random()
        if chance < (0.08 if woman else 0.02):
            return dice.choice(("{} {}", "{}-{}")).format(family, self._family(dice)), family
        if woman and chance < 0.25:
            return self._family(dice), family
        return family, ""


@dataclass(frozen=True)
class Life:
    """The days on which the register changes about one person; `date.max` for what never happens."""

    enters: date
    leaves: date
    moves: date
    marries: date
