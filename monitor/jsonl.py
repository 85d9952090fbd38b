"""What the commands that read and write JSON lines share: a line for any value, the id of a line that is no record."""

from __future__ import annotations

import json
from typing import Any


def line_of(value: Any) -> str:
    """`value` as one line of JSON, LF included; in ASCII where a lone surrogate stands in it, which is no UTF-8."""
    line = json.dumps(value, ensure_ascii=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(value)
    return line + "\n"


def id_of(raw: bytes) -> Any:
    """The id of a line that is no record, where it can be read; None where it cannot, however deep it is nested."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return record.get("id") if isinstance(record, dict) else None
