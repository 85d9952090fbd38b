"""The invented register of the demonstration: the practice platform's people among others, loaded as any other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from crawler.sandbox import Sandbox
from crawler.sandbox.world import Person, with_luhn
from identity import load_extraction
from identity.generator import Extra, Place, World, write_extraction
from identity.registry import FOLDER
from identity.trade import skill_labels
from reference import load_reference

PEOPLE = 3_000  # besides those of the platform: enough for names to be common or rare
_LABELS = {
    "10": "Médecin", "40": "Chirurgien-Dentiste", "50": "Sage-Femme", "70": "Masseur-Kinésithérapeute",
    "80": "Pédicure-Podologue",
}  # fmt: skip


def load_demo_register(home: Path, sandbox: Sandbox) -> int:
    """Load an extraction of today that holds everybody of the platform who has an Order; returns how many it names."""
    with TemporaryDirectory() as folder:
        world = World(seed=sandbox.seed, persons=PEOPLE)
        path = write_extraction(Path(folder), world, datetime.now(UTC).date(), extras=_people(sandbox))
        return load_extraction(path, home / FOLDER).persons


def _people(sandbox: Sandbox) -> Iterator[Extra]:
    for number in range(sandbox.listings):
        person = sandbox.person(number)
        profession = load_reference().profession_of(person.speciality)
        if profession is None or profession.order is None:
            continue
        given, _, family = person.name.removeprefix("Dr ").partition(" ")
        code = profession.rpps_codes[0]
        yield Extra(
            rpps=register_number(sandbox, person),
            given=given,
            family=family.upper(),
            profession_code=code,
            profession_label=_LABELS.get(code, profession.label),
            skill_label=next(iter(sorted(skill_labels().get(profession.code, ()))), ""),
            place=_place(person),
        )


def register_number(sandbox: Sandbox, person: Person) -> str:
    """The number under which the register knows a person of the platform, whether their page shows it or not."""
    return with_luhn(f"99{sandbox.seed % 100:02d}{person.number:06d}")


def _place(person: Person) -> Place:
    number, _, street = person.street.partition(" ")
    kind, _, rest = street.partition(" ")
    return Place(
        number, "", "", kind.capitalize(), rest, person.postcode, person.city, person.phone.replace(" ", ""), ""
    )
