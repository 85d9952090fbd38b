"""The error of the readers. It knows no page and prints nothing."""

from __future__ import annotations

from reference.errors import VigieError


class Unreadable(VigieError):
    """An answer that should hold a listing cannot be read as one: broken JSON, not HTML, none of the expected parts.

    It is never raised for a page that merely says nothing: that page yields an empty reading.
    """
