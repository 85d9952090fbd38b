"""Lets these tests import their helpers: pytest imports each file by its path."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from monitor.local_authority import LocalAuthority

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def locals_(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalAuthority, LocalAuthority]:
    """Two authorities of this machine; a machine without openssl cannot have any."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("authorities")
    return LocalAuthority(folder / "a", "Autorité A"), LocalAuthority(folder / "b", "Autorité B")
