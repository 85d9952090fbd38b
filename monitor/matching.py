"""`vigie registry match`: JSONL listings in, JSONL answers out, same order, constant memory. No ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, BinaryIO, TextIO

from identity import Identity, Registry, Shown, identify
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
            sink.write(json.dumps({"id": _id_of(raw), "error": str(error)}) + "\n")
            continue
        answer = as_json(listing_id, identify(shown, registry))
        line = json.dumps(answer, ensure_ascii=False)
        # Lone surrogates of a page may stand in a reason, and are no UTF-8: those lines are written in ASCII.
        sink.write((line if line.isascii() or _is_utf8(line) else json.dumps(answer)) + "\n")
    return errors


def _is_utf8(line: str) -> bool:
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _id_of(raw: bytes) -> Any:
    """The id of a line that is no listing, where it can be read."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return record.get("id") if isinstance(record, dict) else None
