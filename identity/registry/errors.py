"""What can go wrong with the register, each in one clear line."""

from __future__ import annotations

from reference.errors import VigieError


class BadExtraction(VigieError):
    """A file is not an extraction of the register that can be loaded; nothing of it was kept."""


class NoRegistry(VigieError):
    """There is no register in this home, or it cannot be read."""
