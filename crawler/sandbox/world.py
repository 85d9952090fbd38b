"""The practice world: listing i is computed from (seed, i) alone, so that 100,000 of them cost nothing until asked.

It serves nothing; `crawler.sandbox.pages` writes its pages and `crawler.sandbox.server` answers for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"
FLAGGED = ("refusal", "restriction", "deterrence")
ON_PROFILES = ("presentation", "instructions", "motive", "payment", "hours")
EVERY_FLAGGED, EVERY_UNFLAGGED, EVERY_SITE = 8, 4, 5  # listing i is planted, or is a practice site, by its remainder
EDITED_DAY, APPEARS_DAY, WITHDRAWN_DAY, VANISHED_DAY = 2, 2, 3, 2
LAST = 10**6
STRIDE = 7  # walks the composed passages out of their order, so that a small world meets every stance


@dataclass(frozen=True)
class Wording:
    """A composed passage with its gold label."""

    field: str
    stance: str
    benefits: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class PlantedPassage:
    """Planted wording on one listing, in force from `first_day` to `last_day` (both included)."""

    listing_key: str
    field: str
    text: str
    stance: str
    benefits: tuple[str, ...]
    first_day: int = 0
    last_day: int = LAST


@dataclass(frozen=True)
class Person:
    """An invented practitioner and the place of practice."""

    number: int
    slug: str
    name: str
    speciality: str
    speciality_slug: str
    street: str
    postcode: str
    city: str
    city_slug: str
    phone: str
    rpps: str
    is_site: bool

    @property
    def key(self) -> str:
        """The listing's key: the slug, or the path of the practice's site."""
        return f"sites/{self.slug}" if self.is_site else self.slug


@cache
def wordings() -> tuple[Wording, ...]:
    """Every composed passage. Raises `ValueError` for a line that is not one."""
    found = []
    for line in yaml.safe_load((DATA / "wording.yaml").read_text("utf-8"))["passages"]:
        parts = [part.strip() for part in line.split("|", 3)]
        if len(parts) != 4 or not parts[3]:
            raise ValueError(f"wording.yaml: not « field | stance | benefits | text »: {line}")
        benefits = tuple(code for code in parts[2].split(",") if code)
        found.append(Wording(parts[0], parts[1], benefits, parts[3]))
    return tuple(found)


@cache
def people_data() -> dict[str, Any]:
    """Names, streets, cities and harmless sentences."""
    data: dict[str, Any] = yaml.safe_load((DATA / "people.yaml").read_text("utf-8"))
    return data


def with_luhn(ten: str) -> str:
    """Ten digits and the check digit that makes eleven pass Luhn's test."""
    total = 0
    for position, digit in enumerate(reversed(ten)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return ten + str(-total % 10)


class Sandbox:
    """The world of one seed on one day. `day` may be set; everything else is fixed."""

    def __init__(self, seed: int = 1, listings: int = 300, day: int = 0) -> None:
        """A world of `listings` listings, four profiles to one practice site."""
        self.seed, self.listings, self.day = seed, listings, day

    def rng(self, number: int, purpose: str = "") -> Random:
        """The listing's own randomness for one purpose."""
        return Random(f"{self.seed}:{number}:{purpose}")

    def person(self, number: int) -> Person:
        """Listing `number`. Raises `IndexError` outside the world."""
        if not 0 <= number < self.listings:
            raise IndexError(number)
        rng, data = self.rng(number), people_data()
        given = rng.choice(data["given"])
        family = rng.choice(data["first"]) + rng.choice(data["last"])
        city, speciality = rng.choice(data["cities"]), data["specialities"][number % len(data["specialities"])]
        title = "Dr " if speciality["slug"] in ("medecin-generaliste", "dentiste", "ophtalmologue") else ""
        shown = rng.random()
        rpps = with_luhn(f"99{self.seed % 100:02d}{number:06d}") if shown < 0.75 else ""
        if shown < 0.05:
            rpps = rpps[:-1] + str((int(rpps[-1]) + 1) % 10)  # a number that fails the test
        return Person(
            number=number,
            slug=f"{given}-{family}-{number}".lower(),
            name=f"{title}{given} {family.capitalize()}",
            speciality=speciality["name"],
            speciality_slug=speciality["slug"],
            street=f"{rng.randint(1, 99)} {rng.choice(data['streets'])}",
            postcode=city["postcode"],
            city=city["city"],
            city_slug=city["slug"],
            phone=f"01 99 00 {number // 100 % 100:02d} {number % 100:02d}",
            rpps=rpps,
            is_site=number % EVERY_SITE == EVERY_SITE - 1,
        )

    def number_of(self, slug: str) -> int | None:
        """The listing a slug names, in constant time; None for a stranger."""
        tail = slug.rsplit("-", 1)[-1]
        if not tail.isdigit() or int(tail) >= self.listings or self.person(int(tail)).slug != slug:
            return None
        return int(tail)

    def is_gone(self, number: int) -> bool:
        """True from the day on which the profile vanished."""
        return number % 97 == 50 and self.day >= VANISHED_DAY

    def _wording(self, person: Person) -> Wording | None:
        pool = [one for one in wordings() if person.is_site or one.field in ON_PROFILES]
        number = person.number
        if number % EVERY_FLAGGED == 1:
            chosen = [one for one in pool if one.stance in FLAGGED]
            return chosen[(number // EVERY_FLAGGED * STRIDE + self.seed) % len(chosen)]
        if number % EVERY_UNFLAGGED == 2:
            chosen = [one for one in pool if one.stance not in FLAGGED]
            return chosen[(number // EVERY_UNFLAGGED * STRIDE + self.seed) % len(chosen)]
        return None

    def planted(self, number: int) -> list[PlantedPassage]:
        """The wording planted on a listing, with the days it is in force, whatever the day is now."""
        person = self.person(number)
        wording = self._wording(person)
        if wording is None:
            return []

        def passage(text: str, first: int, last: int) -> PlantedPassage:
            return PlantedPassage(person.key, wording.field, text, wording.stance, wording.benefits, first, last)

        fate = number % 11 if wording.stance in FLAGGED else 0
        if fate == 5:
            return [passage(wording.text, 0, WITHDRAWN_DAY - 1)]
        if fate == 1:
            return [passage(wording.text, APPEARS_DAY, LAST)]
        if fate == 9:
            edited = passage(f"{wording.text} Merci de votre compréhension.", EDITED_DAY, LAST)
            return [passage(wording.text, 0, EDITED_DAY - 1), edited]
        return [passage(wording.text, 0, LAST)]

    def in_force(self, number: int) -> PlantedPassage | None:
        """The wording on a listing today."""
        today = [one for one in self.planted(number) if one.first_day <= self.day <= one.last_day]
        return today[0] if today and not self.is_gone(number) else None

    def truth(self) -> Iterator[PlantedPassage]:
        """Every planted passage in force today."""
        for number in range(self.listings):
            passage = self.in_force(number)
            if passage is not None:
                yield passage

    def texts(self, number: int) -> dict[str, list[str]]:
        """The texts of a listing by field: harmless sentences, and the planted one among them."""
        rng, harmless, planted = self.rng(number, "texts"), people_data()["harmless"], self.in_force(number)
        texts = {
            field: rng.sample(lines, k=min(len(lines), 3 if field == "motive" else 2))
            for field, lines in harmless.items()
        }
        if planted is None:
            return texts
        alone = planted.field == "motive" or rng.random() < 0.4
        texts[planted.field] = (
            [*texts[planted.field], planted.text] if planted.field == "motive" or not alone else [planted.text]
        )
        return texts
