"""A small invented register in two dated states, loaded once for all tests of the room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from identity import Identity, Registry, Shown, identify, load_extraction
from identity.generator import Extra, Place, World, write_extraction
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
    "ysaline": Extra(number(1), "Ysaline", "QUERVAUX", "10", "Médecin", "Ophtalmologie", LILLE),
    "cousin": Extra(number(2), "Oscar", "QUERVAUX", "10", "Médecin", "Ophtalmologie", LILLE),
    "namesake": Extra(number(3), "Ysaline", "QUERVAUX", "50", "Sage-Femme", "", NICE),
    "compound": Extra(number(4), "Marie-Laure", "ORVAL DETREMONT", "40", "Chirurgien-Dentiste", "", DOUAI),
    "father": Extra(number(5), "Anselme", "VELIN", "70", "Masseur-Kinésithérapeute", "", DOUAI),
    "son": Extra(number(6), "Anselme", "VELIN", "70", "Masseur-Kinésithérapeute", "", DOUAI),
}


@dataclass(frozen=True)
class Loaded:
    """The folder of the register, the files it was loaded from, and the register."""

    folder: Path
    files: tuple[Path, Path]
    registry: Registry


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The register of `WORLD` and `PEOPLE`, on `BEFORE` and on `AFTER`."""
    home = tmp_path_factory.mktemp("register")
    files = []
    for day in (BEFORE, AFTER):
        files.append(write_extraction(home / "files", WORLD, day, extras=PEOPLE.values()))
        load_extraction(files[-1], home / "registry")
    return Loaded(home / "registry", (files[0], files[1]), Registry(home / "registry"))


@pytest.fixture(scope="session")
def registry(loaded: Loaded) -> Registry:
    """The register, open."""
    return loaded.registry


@pytest.fixture
def who(registry: Registry) -> Callable[..., Identity]:
    """Who a page shows, by the register."""

    def ask(display_name: str, **shown: str) -> Identity:
        return identify(Shown(display_name=display_name, **shown), registry)

    return ask
