"""Say which listings name exactly one person of the register, by what they show and by the truth alone.

It uses none of the matcher's rules: names by their letters, professions by their code, places by their department.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from identity.generator.listings import Truth
from identity.generator.people import World
from identity.generator.rows import capitals

WITHOUT_ORDER = frozenset({"91", "93"})  # the generated professions that have no Order


class Truths:
    """Who of a world bears which name, for judging answers. About 150 bytes a person."""

    def __init__(self, world: World, day: date) -> None:
        """Walk the whole world once."""
        self._bearers: dict[int, list[tuple[str, int, str, frozenset[str]]]] = defaultdict(list)
        self.codes: dict[str, str] = {}
        for index in range(world.persons):
            person = world.person(index, day)
            if person is None:
                continue
            prefixes = frozenset(place.postcode[:2] for place in person.places)
            entry = (person.rpps, hash(_squash(capitals(person.given))), person.kind.code, prefixes)
            for name in set(_names(capitals(person.family))):
                self._bearers[hash(name)].append(entry)
            self.codes[person.rpps] = person.kind.code

    def fits(self, truth: Truth) -> set[str]:
        """The register numbers of everybody whom the listing, as it is shown, could name."""
        given = hash(_squash(truth.given))
        initials = len(truth.given) < 3 and truth.given.isupper()
        return {
            rpps
            for name in _names(truth.family)
            for rpps, theirs, code, prefixes in self._bearers.get(hash(name), ())
            if (initials or theirs == given)
            and (not truth.code or code == truth.code)
            and (not truth.prefix or not prefixes or truth.prefix in prefixes)
        }

    def is_unique(self, truth: Truth) -> bool:
        """Whether the listing shows a whole name, of somebody with an Order, that fits nobody else of the register."""
        if not (truth.full_name and truth.rpps) or self.codes.get(truth.rpps, "") in ("", *WITHOUT_ORDER):
            return False
        return self.fits(truth) == {truth.rpps}


def _names(family: str) -> Iterator[str]:
    """The family name in one word, and each name of a compound."""
    yield _squash(family)
    yield from (part for part in family.replace("-", " ").split() if len(part) > 3)


def _squash(name: str) -> str:
    return "".join(c for c in name if c.isalnum())
