"""Read what any platform's profile page shows: head, JSON-LD, visible wording, patients' reviews without their authors.

It knows no platform's classes: it serves pages that people saved, and pages whose data stand elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup

from crawler.items import FoundPassage, ShownPractitioner
from crawler.reading.fields import field_of_heading
from crawler.reading.jsonld import Node, nodes, scalar
from crawler.reading.pieces import read_pieces, without_author
from crawler.reading.practice_page import head, shown_on, structured
from crawler.reading.texts import fold


def page_passages(soup: BeautifulSoup, label: str, *, visible: bool) -> Iterator[FoundPassage]:
    """The head's descriptions and the JSON-LD's wording, and with `visible` every piece of text that the page shows.

    `label` is the platform's name: what its JSON-LD says of itself is left out.
    """
    yield from structured(_described(soup, label))
    yield from head(soup)
    for piece in read_pieces(soup.body) if soup.body is not None else ():
        heading = next((field for _, text in piece.headings if (field := field_of_heading(text))), "")
        field = piece.zone or heading or "presentation"
        if field == "review":
            yield FoundPassage(field, piece.locator, without_author(piece.text))
        elif visible:
            yield FoundPassage(field, piece.locator, piece.text)


def page_shown(soup: BeautifulSoup, label: str) -> ShownPractitioner | None:
    """The practitioner as the page shows them, or None; the platform itself is never taken for one."""
    shown = shown_on(soup, _described(soup, label), at_home=True)
    return None if shown is None or fold(shown.display_name) == fold(label) else shown


def names_listing(key: str, soup: BeautifulSoup) -> bool:
    """True when title, headings or JSON-LD hold a word of the listing's slug: a wall never names who is behind it."""
    slug = {word for word in re.split(r"[^a-z]+", fold(key.rsplit("/", 1)[-1])) if len(word) > 2}
    headings = [node.get_text(" ") for node in soup.find_all(["title", "h1", "h2", "h3"])]
    shown = fold(" ".join([*headings, *(scalar(node.data.get("name")) for node in nodes(soup))]))
    return not slug.isdisjoint(re.findall(r"[a-z]+", shown))


def _described(soup: BeautifulSoup, label: str) -> list[Node]:
    return [node for node in nodes(soup) if fold(scalar(node.data.get("name"))) != fold(label)]
