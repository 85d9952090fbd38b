"""Strict interpretation: every string of every known answer is wording, the practitioner, or ignored for a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixture_cases import CASES_BY_KIND, exchange

from crawler.reading.defaults import default_of
from crawler.reading.doctolib_fields import IGNORED, KEYS, PASSAGES
from crawler.reading.keys import IGNORE, UNKNOWN, machine_value
from crawler.reading.locators import strings
from crawler.spiders.doctolib import DoctolibSpider
from reference import load_reference

SHARED = [parent / "shared" / "platform-samples" / "doctolib" for parent in Path(__file__).resolve().parents]
SAMPLES = next((folder for folder in SHARED if folder.is_dir()), None)
ANSWERS = {
    "profile__anonymised_2026.json": ("profile", "/profiles/jane-doe-bordeaux.json"),
    "booking_info_organization__anonymised.json": ("funnel", "/online_booking/info.json?profile_slug=cabinet"),
    "booking_info_practitioner__anonymised.json": ("funnel", "/online_booking/info.json?profile_slug=jane-doe"),
    "phs_proxy_raw_search__2025-10.json": ("search", "/phs_proxy/raw?page=0"),
}


def unaccounted(kind: str, url: str, body: bytes) -> Iterator[str]:
    """The string leaves that are neither read nor left out for a reason."""
    listings = list(DoctolibSpider.parse_listing(exchange(url, body, "application/json")))
    read = {passage.locator for listing in listings for passage in listing.passages}
    for pointer, text in strings(json.loads(body)):
        rule = KEYS.rule_of(kind, pointer)
        settled = (
            pointer in read
            or rule.use in ("practitioner", IGNORE)
            or not text.strip()
            or default_of("doctolib")(text)
            or (rule.subtree and machine_value(text.strip()))
            or pointer.endswith("/subtitle")  # the speciality's own name when it is not read
            or (
                kind == "search"  # a profile listed twice is read once
                and rule.use != UNKNOWN
            )
        )
        if not settled:
            yield pointer


@pytest.mark.skipif(SAMPLES is None, reason="no platform samples beside the project")
@pytest.mark.parametrize("name", ANSWERS)
def test_no_string_of_a_real_answer_is_lost_or_unknown(name: str) -> None:
    assert SAMPLES is not None
    kind, path = ANSWERS[name]
    body = (SAMPLES / name).read_bytes()
    assert list(unaccounted(kind, f"https://www.doctolib.fr{path}", body)) == []
    unknown = [
        p for p, text in strings(json.loads(body)) if KEYS.rule_of(kind, p).use == UNKNOWN and not machine_value(text)
    ]
    assert unknown == []


@pytest.mark.parametrize("kind", ["profile", "funnel", "search"])
def test_no_string_of_a_fixture_is_lost(kind: str) -> None:
    for case in CASES_BY_KIND[kind]:
        assert list(unaccounted(kind, case.exchange.url, case.exchange.content)) == []


def test_every_ignored_key_says_why_and_every_passage_names_a_field_of_the_guide() -> None:
    assert all(len(reason) > 5 for table in IGNORED.values() for reason in table.values())
    assert {field for table in PASSAGES.values() for field in table.values()} <= set(load_reference().fields)


def test_no_key_is_both_read_and_ignored() -> None:
    for kind, table in PASSAGES.items():
        assert not set(table) & set(IGNORED[kind])


@pytest.mark.parametrize(
    "text",
    ["CMU", "Pas de CMU", "CMU : non", "Non-CMU", "c2s : voir secrétariat", "Lundi 9 h", "AME non", "C.M.U. non"],
)
def test_wording_is_never_taken_for_a_code(text: str) -> None:
    assert machine_value(text) == ""


@pytest.mark.parametrize(
    "text",
    ["", "12:30", "contracted_1", "INDIVIDUAL_PRACTITIONER", "https://a.example/b", "2026-02-28T10:00:00.000+01:00",
     "Mo 08:00-13:00, 14:00-19:00", "#ff0000", "practice-125055"],
)  # fmt: skip
def test_codes_are_not_wording(text: str) -> None:
    assert machine_value(text) != ""


def with_key(key: str, value: Any) -> bytes:
    return json.dumps(
        {"data": {"profile": {"slug": "x-y", "name": "Dr Anouk Fictive"}, "details": [], key: value}}
    ).encode()


def test_a_text_under_an_unknown_key_becomes_a_passage_and_is_noted() -> None:
    url = "https://www.doctolib.fr/profiles/x-y.json"
    body = with_key("nouvelle_clé", [{"message": "Pas de CMU ici."}, "fr"])
    (listing,) = DoctolibSpider.parse_listing(exchange(url, body, "application/json"))
    assert [(p.field, p.locator, p.text) for p in listing.passages] == [
        ("presentation", "/data/nouvelle_clé/0/message", "Pas de CMU ici.")
    ]
    assert listing.shown is not None
    assert listing.shown.signals["unknown_field"] == ["/data/nouvelle_clé/0/message"]


def test_the_platforms_own_biography_is_left_out_whatever_its_case() -> None:
    (default, *_) = load_reference().platforms["doctolib"].default_texts
    body = json.dumps(
        {"data": {"profile": {"slug": "x-y", "bio": f"<p>{default.upper()}</p>"}, "details": []}}
    ).encode()
    (listing,) = DoctolibSpider.parse_listing(
        exchange("https://www.doctolib.fr/profiles/x-y.json", body, "application/json")
    )
    assert listing.passages == ()
