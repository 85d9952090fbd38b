"""The one form of JSON that evidence is hashed in. It knows no content.

The rule is that of `docs/evidence-format.md`, section 1.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime


def canonical(value: object) -> bytes:
    """Sorted keys, no spaces, ASCII, one final LF."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return (text + "\n").encode("ascii")


def moment(at: datetime) -> str:
    """UTC with six decimals. A time without a zone raises `ValueError`: it proves nothing."""
    if at.tzinfo is None:
        raise ValueError("a time needs a time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
