"""Each fact of law that a letter or a dossier uses has its source and whether it was verified, in the data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reference import load_reference
from reference.models import Reference

REFERENCE: Reference = load_reference()
REPORTS = Path(__file__).parents[2] / "reports"
CITED = re.compile(r"\b([LRDA])\.[  ]?(\d+(?:-\d+)*)")
NUMBERS = {article.number: article for article in REFERENCE.articles.values()}


def cited(text: str) -> set[str]:
    """« L1110-3 », for every article that a text names."""
    return {f"{letter}{number}" for letter, number in CITED.findall(text)}


def used() -> dict[str, set[str]]:
    """Articles by number, for everything that names some."""
    found = {f"letter {path.stem}": cited(path.read_text("utf-8")) for path in REPORTS.glob("data/letters/*.txt")}
    found["dossier"] = cited((REPORTS / "templates/dossier.typ").read_text("utf-8"))
    for route in REFERENCE.routes.values():
        named = {REFERENCE.articles[one].number for one in route.articles}
        found[f"route {route.code}"] = cited(f"{route.copies_rule} {' '.join(route.says)}") | named
    for order in REFERENCE.orders.values():
        found[f"order {order.code}"] = {REFERENCE.articles[one].number for one in order.competence}
    for profession in REFERENCE.professions.values():
        found[f"profession {profession.code}"] = {REFERENCE.articles[one].number for one in profession.code_of_ethics}
    for deadline in REFERENCE.deadlines.values():
        found[f"deadline {deadline.code}"] = {REFERENCE.articles[deadline.article].number}
    return found


@pytest.mark.parametrize("place", used())
def test_an_article_that_is_used_has_its_source(place: str) -> None:
    for number in used()[place]:
        assert number in NUMBERS, f"{place}: {number} is not in articles.yaml"
        assert NUMBERS[number].source.strip() and isinstance(NUMBERS[number].verified, bool)


@pytest.mark.parametrize("route", REFERENCE.routes)
def test_what_a_letter_names_is_listed_with_its_mark(route: str) -> None:
    """The list of texts of a letter bears « à vérifier »: a text that is named and not verified must stand in it."""
    listed = {REFERENCE.articles[one].number for one in REFERENCE.routes[route].articles}
    always = {one.number for one in REFERENCE.articles.values() if one.role == "principle"}
    text = (REPORTS / f"data/letters/{route}.txt").read_text("utf-8")
    unlisted = {number for number in cited(text) - listed - always if not NUMBERS[number].verified}
    assert not unlisted


def test_every_kind_of_fact_says_whether_it_was_verified() -> None:
    kinds = (REFERENCE.articles, REFERENCE.councils, REFERENCE.deadlines, REFERENCE.routes)
    for kind in kinds:
        for fact in kind.values():
            assert isinstance(fact.verified, bool) and fact.source.strip(), fact
