"""A small invented register in two dated states, loaded once for all tests of the room."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from identity import Identity, Registry, Shown, identify, load_extraction
from identity.generator import write_extraction

sys.path.insert(0, str(Path(__file__).parent))  # pytest imports each file by its path: the helpers need a home
from identity_world import AFTER, BEFORE, PEOPLE, WORLD


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
