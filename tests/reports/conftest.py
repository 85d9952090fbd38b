"""Lets the tests of the dossiers import their invented world: pytest imports each file by its path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
