"""Lets these tests import their invented world; pytest imports each file by its path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import bundle_world as world


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> world.Authority:
    """A timestamp authority on this machine."""
    return world.Authority(tmp_path_factory.mktemp("authority"), "essai")


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory, authority: world.Authority) -> world.Made:
    """A signed, stamped bundle with three captures under two seals. Tests copy it and change the copy."""
    return world.make(tmp_path_factory.mktemp("sealed"), authority=authority, signer=world.signer())
