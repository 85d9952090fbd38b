"""Write generated people as the public extraction of the register does: three layouts, any size, any day.

It writes files and judges nothing. The layouts are those of the public files (see `identity/data/columns.yaml`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from identity.generator.people import Kind, Person, Place, World, data

Layout = Literal["a", "b", "split"]
STAMP = "%Y%m%d0700"


@dataclass(frozen=True)
class Extra:
    """A person to add to the generated ones: somebody of a demonstration, who must be found in the register."""

    rpps: str
    given: str
    family: str
    profession_code: str
    profession_label: str
    skill_label: str
    place: Place
    woman: bool | None = None


def headers(layout: Layout) -> list[str]:
    """The named columns of a layout, in order."""
    return list(data("layouts")[layout])


def write_extraction(
    folder: Path,
    world: World,
    day: date,
    layout: Layout = "b",
    extras: Iterable[Extra] = (),
    only: Iterable[int] | None = None,
) -> Path:
    """Write the activity file of `world` on `day` (and the skills file of the layout « split »); returns its path.

    `only` limits it to some persons (a daily difference). The same arguments give the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"PS_LibreAcces_Personne_activite_{day.strftime(STAMP)}.txt"
    columns = headers(layout)
    skills = (folder / f"PS_LibreAcces_SavoirFaire_{day.strftime(STAMP)}.txt") if layout == "split" else None
    people = _people(world, day, only, extras)
    with path.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as sink:
        sink.write("|".join(columns) + "|\n")
        if skills is None:
            for person in people:
                sink.writelines(_lines(person, columns))
            return path
        with skills.open("w", encoding="utf-8", newline="\n") as second:
            second.write("|".join(data("layouts")["skills"]) + "|\n")
            for person in people:
                sink.writelines(_lines(person, columns))
                if person.skill[2]:
                    facts = _facts(person, None)
                    second.write("|".join(facts.get(name, "") for name in data("layouts")["skills"]) + "|\n")
    return path


def _people(world: World, day: date, only: Iterable[int] | None, extras: Iterable[Extra]) -> Iterator[Person]:
    for index in range(world.persons) if only is None else only:
        if (person := world.person(index, day)) is not None:
            yield person
    for number, extra in enumerate(extras):
        kind = Kind(extra.profession_code, extra.profession_label, "", True, (), ())
        skill = ("S", "SM99", extra.skill_label) if extra.skill_label else ("", "", "")
        yield Person(
            -1 - number, extra.rpps, extra.woman, extra.given, extra.family, "", kind, skill, (extra.place,), False
        )


def _lines(person: Person, columns: list[str]) -> Iterator[str]:
    for place in person.places or (None,):
        facts = _facts(person, place)
        yield "|".join([facts.get(name, "") for name in columns]) + "|\n"


def capitals(text: str) -> str:
    """As the register writes names: capitals without accents."""
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe"))
    return "".join(c for c in plain if not unicodedata.combining(c)).upper()


def _facts(person: Person, place: Place | None) -> dict[str, str]:
    """Every column that the generator fills, by the names of all layouts."""
    doctor = person.kind.code in ("10", "40")
    civil = {True: ("MME", "Madame"), False: ("M", "Monsieur"), None: ("", "")}[person.woman]
    facts = {
        "Type d'identifiant PP": "8",
        "Identifiant PP": person.rpps,
        "Identification nationale PP": "8" + person.rpps,
        "Code civilité d'exercice": "DR" if doctor else "",
        "Libellé civilité d'exercice": "Docteur" if doctor else "",
        "Libellé civilité exercice": "Docteur" if doctor else "",
        "Code civilité": civil[0],
        "Libellé civilité": civil[1],
        "Nom d'exercice": capitals(person.family),
        "Prénom d'exercice": person.given,
        "Code profession": person.kind.code,
        "Libellé profession": person.kind.label,
        "Code catégorie professionnelle": "C",
        "Libellé catégorie professionnelle": "Civil",
        "Code type savoir-faire": person.skill[0],
        "Libellé type savoir-faire": "Spécialité ordinale" if person.skill[0] else "",
        "Code savoir-faire": person.skill[1],
        "Libellé savoir-faire": person.skill[2],
        "Code mode exercice": "S" if person.salaried else "L",
        "Libellé mode exercice": "Salarié" if person.salaried else "Libéral",
        "Autorité d'enregistrement": "/".join([person.kind.authority] * 3),
    }
    if place is not None:
        facts.update(_address(place))
    return facts


def _address(place: Place) -> dict[str, str]:
    department = place.postcode[:3] if place.postcode.startswith("97") else place.postcode[:2]
    return {
        "Raison sociale site": capitals(place.house) or "CABINET",
        "Enseigne commerciale site": capitals(place.house),
        "Numéro Voie (coord. structure)": place.number,
        "Indice répétition voie (coord. structure)": place.repeat,
        "Indice répétition voie (coord. Structure)": place.repeat,
        "Code type de voie (coord. structure)": place.kind_code,
        "Libellé type de voie (coord. structure)": place.kind,
        "Libellé Voie (coord. structure)": capitals(place.street),
        "Bureau cedex (coord. structure)": f"{place.postcode} {capitals(place.town)}",
        "Code postal (coord. structure)": place.postcode,
        "Code commune (coord. structure)": place.postcode,
        "Libellé commune (coord. structure)": place.town,
        "Code pays (coord. structure)": "99000",
        "Libellé pays (coord. structure)": "France",
        "Téléphone (coord. structure)": place.phone,
        "Code Département (structure)": department,
        "Code département (coord. structure)": department,
        "Code secteur d'activité": "SA07",
        "Libellé secteur d'activité": "Cabinet individuel",
    }
