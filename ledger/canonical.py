"""The one way to turn a value into bytes that are hashed (`docs/evidence-format.md`, section 1). It keeps nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any


def canonical_text(value: Any) -> str:
    """`value` as JSON with sorted keys, no spaces, ASCII alone. Raises `ValueError` (NaN) or `TypeError`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical_bytes(value: Any) -> bytes:
    """The canonical text and one LF, which is part of what is hashed."""
    return (canonical_text(value) + "\n").encode("ascii")


def utc_text(moment: datetime) -> str:
    """An aware time as `YYYY-MM-DDTHH:MM:SS.ffffffZ`. Raises `ValueError` for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a recorded time needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def sha256_hex(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()
