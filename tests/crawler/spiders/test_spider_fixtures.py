"""Every stored answer is read as its folder says, one assertion a field; names keep their law; locators lead back."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
from fixture_cases import FIXTURES, SPIDERS, Case, cases, fields

import crawler.spiders
from crawler.reading import resolve
from crawler.reading.texts import clean
from crawler.spiders.base import PlatformSpider
from reference import load_reference

CASES = list(cases())
CHECKS = [
    pytest.param(want, got, id=f"{case.spider}/{case.name}: {name}")
    for case in CASES
    for name, want, got in fields(case)
]


@pytest.mark.parametrize(("want", "got"), CHECKS)
def test_a_stored_answer_is_read_as_its_folder_says(want: object, got: object) -> None:
    assert got == want


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.spider}/{case.name}")
def test_every_locator_leads_back_to_its_passage(case: Case) -> None:
    content_type = case.exchange.header("content-type")
    for listing in case.read() if case.expected.keys().isdisjoint(("unreadable", "outcome")) else []:
        for passage in listing.passages:
            there = clean(resolve(case.exchange.content, content_type, passage.locator))
            words = [word for word in passage.text.split() if word not in (":", ";", "-")]
            assert [word for word in words if word not in there] == [], passage.locator


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.spider}/{case.name}")
def test_a_locator_stands_once_in_a_listing_and_every_field_is_the_guides(case: Case) -> None:
    for listing in case.read() if case.expected.keys().isdisjoint(("unreadable", "outcome")) else []:
        locators = [passage.locator for passage in listing.passages]
        assert len(locators) == len(set(locators))
        assert {passage.field for passage in listing.passages} <= set(load_reference().fields)


def test_file_class_and_name_agree_and_the_platform_is_in_the_reference() -> None:
    modules = {module.name for module in pkgutil.iter_modules(crawler.spiders.__path__)} - {"base"}
    assert modules == set(SPIDERS) == {folder.name for folder in FIXTURES.iterdir()}
    for module in modules:
        loaded = importlib.import_module(f"crawler.spiders.{module}")
        own = [c for _, c in inspect.getmembers(loaded, inspect.isclass) if c.__module__ == loaded.__name__]
        spiders = [c for c in own if issubclass(c, PlatformSpider)]
        assert [c.__name__ for c in spiders] == ["".join(part.capitalize() for part in module.split("_")) + "Spider"]
        assert spiders[0].name == module
        assert spiders[0].parser_version.startswith(module + "-")
        assert len(spiders[0].parser_version) <= 40
        assert module in load_reference().platforms


def test_a_review_keeps_no_name_of_its_author() -> None:
    texts = [p.text for case in CASES if case.spider == "practice_site" and case.name in ("avis", "home")
             for listing in case.read() for p in listing.passages]  # fmt: skip
    for name in ("Marie", "Paul", "Jeanne", "Luc"):
        assert not any(name in text for text in texts)


def test_what_is_hidden_or_frames_the_page_is_left_out() -> None:
    (home,) = (case for case in CASES if (case.spider, case.name) == ("practice_site", "home"))
    texts = "\n".join(p.text for listing in home.read() for p in listing.passages)
    for absent in ("caché", "cookies", "var x", "©", "\nA\n"):
        assert absent not in texts
