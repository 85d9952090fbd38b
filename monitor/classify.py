"""`vigie classify`: JSONL passages in, JSONL readings out, same order, constant memory. No ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, BinaryIO, TextIO

from detection import load_reader
from reference import load_reference
from reference.errors import VigieError


class BadPassage(VigieError):
    """A line of the input is not a passage."""


def parse_line(raw: bytes, place: str, fields: frozenset[str]) -> dict[str, Any]:
    """One `{"id", "text", "field"}` record. Raises `BadPassage` naming `place` (file and line)."""
    try:
        record = json.loads(raw)
    except ValueError as error:  # UnicodeDecodeError is one as well
        raise BadPassage(f"{place}: not JSON in UTF-8 ({error})") from error
    if not isinstance(record, dict) or not isinstance(record.get("text"), str) or "id" not in record:
        raise BadPassage(f'{place}: wanted an object {{"id", "text", "field"}}')
    if record.get("field") not in fields:
        raise BadPassage(f"{place}: field {record.get('field')!r} is none of {', '.join(sorted(fields))}")
    return record


def classify_lines(source: BinaryIO, sink: TextIO, name: str) -> None:
    """Read `source` to its end and write one reading a line to `sink`. Stops at the first bad line."""
    reader = load_reader()
    fields = frozenset(load_reference().fields)
    ids: list[Any] = []

    def passages() -> Iterator[tuple[str, str]]:
        for number, raw in enumerate(source, 1):
            if not raw.strip():
                continue
            record = parse_line(raw, f"{name}:{number}", fields)
            ids.append(record["id"])
            yield record["text"], record["field"]

    for position, reading in enumerate(reader.read_many(passages())):
        answer = asdict(reading)
        answer.pop("flagged", None)
        sink.write(json.dumps({"id": ids[position], **answer}, ensure_ascii=False) + "\n")
        ids[position] = None
