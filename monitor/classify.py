"""`vigie classify`: JSONL passages in, JSONL readings out, same order, constant memory. No ledger."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, BinaryIO, TextIO

from detection import load_reader
from monitor.jsonl import id_of, line_of
from reference import load_reference
from reference.errors import VigieError


class BadPassage(VigieError):
    """A line of the input is not a passage."""


def parse_line(raw: bytes, place: str, fields: frozenset[str]) -> dict[str, Any]:
    """One `{"id", "text", "field"}` record. Raises `BadPassage` naming `place` (file and line)."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError as well
        raise BadPassage(f"{place}: not JSON in UTF-8 ({error})") from error
    if not isinstance(record, dict) or not isinstance(record.get("text"), str) or "id" not in record:
        raise BadPassage(f'{place}: wanted an object {{"id", "text", "field"}}')
    if record.get("field") not in fields:
        raise BadPassage(f"{place}: field {record.get('field')!r} is none of {', '.join(sorted(fields))}")
    return record


def classify_lines(source: BinaryIO, sink: TextIO, name: str) -> list[str]:
    """Read `source` to its end and write to `sink`, in order, a line for each of its own: a reading or what is wrong.

    A line that is no passage is answered by `{"id", "error"}`, and the others all the same; returns the errors."""
    reader = load_reader()
    fields = frozenset(load_reference().fields)
    errors: list[str] = []
    for number, raw in enumerate(source, 1):
        if not raw.strip():
            continue
        try:
            record = parse_line(raw, f"{name}:{number}", fields)
        except BadPassage as error:
            errors.append(str(error))
            sink.write(line_of({"id": id_of(raw), "error": str(error)}))
            continue
        answer = asdict(reader.read(record["text"], record["field"]))
        answer.pop("flagged", None)
        sink.write(line_of({"id": record["id"], **answer}))
    return errors
