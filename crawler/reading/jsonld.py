"""Find the JSON-LD of a page, each node with its locator. It knows schema.org's shapes, not what a refusal is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bs4 import BeautifulSoup

from crawler.reading.documents import lenient_json
from crawler.reading.locators import css_path, escape

_MAX_NODES = 2000  # a page with more than that is not a practice's page


@dataclass(frozen=True)
class Node:
    """One JSON-LD object with a type, and where it stands."""

    types: tuple[str, ...]
    data: Mapping[str, Any]
    locator: str  # of the object itself: CSS of the script, "#", JSON Pointer


def scripts(soup: BeautifulSoup) -> Iterator[tuple[str, Any]]:
    """Every readable JSON-LD script of the page: its locator and its value. Broken scripts are passed over."""
    for script in soup.find_all("script"):
        if str(script.get("type", "")).split(";")[0].strip().lower() == "application/ld+json":
            value = lenient_json(script.get_text())
            if value is not None:
                yield css_path(script) + "#", value


def nodes(soup: BeautifulSoup) -> Iterator[Node]:
    """Every typed object of the page's JSON-LD, nested ones included, outermost first."""
    budget = _MAX_NODES
    for locator, value in scripts(soup):
        stack: list[tuple[str, Any]] = [(locator, value)]
        while stack and budget:
            where, current = stack.pop()
            if isinstance(current, Mapping):
                budget -= 1
                if types := types_of(current):
                    yield Node(types, current, where)
                stack.extend((f"{where}/{escape(str(k))}", v) for k, v in reversed(list(current.items())))
            elif isinstance(current, list):
                stack.extend((f"{where}/{i}", current[i]) for i in range(len(current) - 1, -1, -1))


def types_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The schema.org types of an object, without the vocabulary's address."""
    raw = data.get("@type")
    values = raw if isinstance(raw, list) else [raw]
    return tuple(v.rsplit("/", 1)[-1].removeprefix("schema:") for v in values if isinstance(v, str) and v)


def scalar(value: Any) -> str:
    """A schema.org value as text: a string, the name or value of an object, the first of a list; "" otherwise."""
    for _ in range(8):
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            value = value[0] if value else None
        elif isinstance(value, Mapping):
            value = value.get("name") or value.get("@value") or value.get("value")
        else:
            return ""
    return ""
