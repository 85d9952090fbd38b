"""Reach into a JSON value of any shape without raising. It knows no platform and no meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from crawler.reading.texts import storable

KEY_WIDTH = 300  # characters: the ledger's column


def at(value: Any, *path: str | int) -> Any:
    """The value at a path of keys and places, or None."""
    for step in path:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def mapping(value: Any, *path: str | int) -> Mapping[str, Any]:
    """The object at a path, or an empty one."""
    found = at(value, *path)
    return found if isinstance(found, Mapping) else {}


def entries(value: Any, *path: str | int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The objects of the list at a path, each with its place; what is no object is passed over."""
    found = at(value, *path)
    for place, entry in enumerate(found if isinstance(found, list) else ()):
        if isinstance(entry, Mapping):
            yield place, entry


def texts(value: Any, *path: str | int) -> list[str]:
    """The texts of the list at a path."""
    found = at(value, *path)
    return [storable(entry) for entry in found if isinstance(entry, str)] if isinstance(found, list) else []


def text(value: Any) -> str:
    """A text without the space around it; "" for anything else."""
    return storable(value).strip() if isinstance(value, str) else ""


def number(value: Any) -> Any:
    """A registration number as text, also when the platform sends it as a JSON number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def flag(value: Any) -> bool | None:
    """A boolean, also written as a string; None when it is neither."""
    return {"true": True, "false": False}.get(str(value).lower()) if isinstance(value, bool | str) else None


def present(signals: Mapping[str, Any]) -> dict[str, Any]:
    """The signals that say something: what the answer does not say is left out."""
    return {name: content for name, content in signals.items() if content not in (None, "", [], {})}


def key_of(name: str) -> str:
    """A listing's key, within the ledger's column."""
    return storable(name)[:KEY_WIDTH]


def absolute(url: str, path: str) -> str:
    """The address of a path on the host of `url`; `url` itself for what cannot be joined."""
    try:
        return storable(urljoin(url, path))
    except ValueError:  # brackets that look like a broken IPv6 host
        return storable(url)
