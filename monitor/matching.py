"""`vigie registry match`: JSONL listings in, JSONL answers out, same order, constant memory. No ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, BinaryIO, TextIO

from identity import Identity, Registry, Shown, identify
from monitor.jsonl import id_of, line_of
from reference.errors import VigieError

TEXTS = ("display_name", "profession", "speciality", "street", "postcode", "city", "phone", "rpps", "adeli")


class BadListing(VigieError):
    """A line of the input is not a listing."""


def parse_listing(raw: bytes, place: str) -> tuple[Any, Shown]:
    """(id, what the listing shows) of one line. Raises `BadListing` naming `place` (file and line)."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError as well
        raise BadListing(f"{place}: not JSON in UTF-8 ({error})") from error
    if not isinstance(record, dict) or "id" not in record:
        raise BadListing(f'{place}: wanted an object {{"id", "display_name", …}}')
    texts = {}
    for name in TEXTS:
        value = record.get(name)
        if value is not None and not isinstance(value, str):
            raise BadListing(f"{place}: {name} must be a text, not {json.dumps(value)[:40]}")
        texts[name] = value or ""
    organisation = record.get("is_organisation")
    if organisation not in (None, True, False):
        raise BadListing(f"{place}: is_organisation must be true or false")
    return record["id"], Shown(is_organisation=bool(organisation), captured_on=_day(record, place), **texts)


def _day(record: Mapping[str, Any], place: str) -> date | None:
    """The day of capture; a time after it (« T10:00:00Z ») is left aside."""
    value = record.get("captured_on")
    if value is None or value == "":
        return None
    if isinstance(value, str) and (len(value) == 10 or value[10:11] in ("T", " ")):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            pass
    raise BadListing(f'{place}: captured_on must be a day such as "2026-03-04", not {json.dumps(value)[:40]}')


def as_json(listing_id: Any, answer: Identity) -> dict[str, Any]:
    """The answer as one object for machines."""
    return {
        "id": listing_id,
        "status": str(answer.status),
        "rpps": answer.rpps or None,
        "score": answer.score,
        "margin": answer.margin,
        "reasons": list(answer.reasons),
        "runner_up": answer.runner_up or None,
        "registry_date": answer.registry_date or None,
        "version": answer.version,
    }


def match_lines(source: BinaryIO, sink: TextIO, name: str, registry: Registry) -> list[str]:
    """Read `source` to its end and write to `sink`, in order, a line for each of its own: an answer or what is wrong.

    A line that is no listing is answered by `{"id", "error"}`, and the others all the same; returns the errors."""
    errors: list[str] = []
    for number, raw in enumerate(source, 1):
        if not raw.strip():
            continue
        try:
            listing_id, shown = parse_listing(raw, f"{name}:{number}")
        except BadListing as error:
            errors.append(str(error))
            sink.write(line_of({"id": id_of(raw), "error": str(error)}))
            continue
        sink.write(line_of(as_json(listing_id, identify(shown, registry))))
    return errors
