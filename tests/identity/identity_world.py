"""The invented people of the tests of this room: a small world, and some whom the tests call by name."""

from __future__ import annotations

from datetime import date

from identity.generator import Extra, Place, World
from identity.generator.people import with_key

BEFORE, AFTER = date(2025, 6, 1), date(2026, 6, 1)
WORLD = World(seed=5, persons=6_000, homonym_sets=60)


def number(at: int) -> str:
    """A register number that nobody bears."""
    return with_key(f"98{at:08d}")


LILLE = Place("12", "B", "R", "Rue", "de la Gare", "59000", "Lille", "0399000012", "Maison de santé du Lac")
DOUAI = Place("3", "", "AV", "Avenue", "Victor Hugo", "59500", "Douai", "0399000003", "")
NICE = Place("7", "", "PL", "Place", "Carnot", "06000", "Nice", "", "")

PEOPLE = {
    "ysaline": Extra(number(1), "Ysaline", "QUERVAUX", "10", "Médecin", "Ophtalmologie", LILLE, woman=True),
    "cousin": Extra(number(2), "Oscar", "QUERVAUX", "10", "Médecin", "Ophtalmologie", LILLE),
    "namesake": Extra(number(3), "Ysaline", "QUERVAUX", "50", "Sage-Femme", "", NICE, woman=True),
    "compound": Extra(number(4), "Marie-Laure", "ORVAL DETREMONT", "40", "Chirurgien-Dentiste", "", DOUAI),
    "father": Extra(number(5), "Anselme", "VELIN", "70", "Masseur-Kinésithérapeute", "", DOUAI),
    "son": Extra(number(6), "Anselme", "VELIN", "70", "Masseur-Kinésithérapeute", "", DOUAI),
}
