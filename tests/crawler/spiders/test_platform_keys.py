"""Strict interpretation on every platform described by tables: a text is wording, the practitioner, or left out for a
reason; a platform's own wording is left out, and nothing that a practitioner adds to it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixture_cases import cases, exchange

from crawler.reading.answers import Answer, Platform
from crawler.reading.avecmondoc import AVECMONDOC
from crawler.reading.defaults import default_of
from crawler.reading.documents import is_json, parse_html
from crawler.reading.keldoc import KELDOC
from crawler.reading.keys import AUTHOR, IGNORE, PRACTITIONER, UNKNOWN, Keys, Kind, machine_value
from crawler.reading.locators import strings
from crawler.reading.maiia import MAIIA
from crawler.reading.ordoclic import ORDOCLIC
from ledger.warc import Exchange
from reference import load_reference

PLATFORMS = {platform.code: platform for platform in (MAIIA, KELDOC, ORDOCLIC, AVECMONDOC)}
SHARED = [parent / "shared" / "platform-samples" for parent in Path(__file__).resolve().parents]
SAMPLES = next((folder for folder in SHARED if folder.is_dir()), None)
KELDOC_API, ORDOCLIC_API = "https://booking.keldoc.com/api/patients/v2", "https://api.ordoclic.fr/v1"
AVECMONDOC_API, MAIIA_SITE = "https://api.avecmondoc.com/api", "https://www.maiia.com"
ANSWERS = {
    "keldoc/resource-ain.json": f"{KELDOC_API}/searches/resource?type=cabinet-medical&location=a-01200&slug=b",
    "keldoc/department-ain.json": f"{KELDOC_API}/searches/geo_location?specialty_id=a&page=1",
    "keldoc/motives-ain.json": f"{KELDOC_API}/clinics/1/specialties/2/cabinets/3/motive_categories",
    "keldoc/center1-cabinet.json": f"{KELDOC_API}/clinics/1/specialties/2/cabinets",
    "ordoclic/fetchslot-profile.json": f"{ORDOCLIC_API}/public/entities/profile/a",
    "ordoclic/fetchslot-reasons.json": f"{ORDOCLIC_API}/solar/entities/a/reasons",
    "avecmondoc/get_organization_slug.json": f"{AVECMONDOC_API}/Organizations/slug/a",
    "avecmondoc/get_by_organization.json": f"{AVECMONDOC_API}/Doctors/a",
    "avecmondoc/get_doctor_slug.json": f"{AVECMONDOC_API}/Doctors/slug/a",
    "avecmondoc/get_reasons.json": f"{AVECMONDOC_API}/Organizations/getConsultationReasons",
    "maiia/consultation-reason-hcd.json": f"{MAIIA_SITE}/api/pat-public/consultation-reason-hcd?rootCenterId=1",
    "maiia/maiia_script_response__2021-04.html": f"{MAIIA_SITE}/centre-de-vaccination/01500-a/b",
}


def answers_of(platform: Platform, answer: Exchange) -> list[Answer]:
    content = answer.content
    if is_json(content):
        return list(platform.answers(answer, json.loads(content)))
    return list(platform.state(parse_html(content), answer.url)) if platform.state else []


def unaccounted(platform: Platform, answers: list[Answer]) -> Iterator[str]:
    """The texts of an answer's parts that are neither read nor left out for a reason."""
    for part in (part for answer in answers for part in answer.parts):
        read = {passage.locator.split("#/0")[0] for passage in platform.keys.read([part], lambda _: False)[0]}
        for pointer, text in strings(part.value):
            rule = platform.keys.rule_of(part.kind, part.alias(pointer))
            left_out = rule.use in (PRACTITIONER, IGNORE) or (rule.subtree and machine_value(text.strip()))
            hidden = any(pointer == one or pointer.startswith(one + "/") for one in part.hidden)
            if not (part.at + pointer in read or left_out or hidden or not text.strip() or text.startswith("[")):
                yield part.at + pointer


@pytest.mark.skipif(SAMPLES is None, reason="no platform samples beside the project")
@pytest.mark.parametrize("name", ANSWERS)
def test_no_text_of_a_real_answer_is_lost_or_unknown(name: str) -> None:
    assert SAMPLES is not None
    platform = PLATFORMS[name.split("/")[0]]
    kind = "text/html" if name.endswith(".html") else "application/json"
    answers = answers_of(platform, exchange(ANSWERS[name], (SAMPLES / name).read_bytes(), kind))
    assert answers
    assert list(unaccounted(platform, answers)) == []
    unknown = [
        part.at + pointer
        for answer in answers
        for part in answer.parts
        for pointer, text in strings(part.value)
        if platform.keys.rule_of(part.kind, part.alias(pointer)).use == UNKNOWN and not machine_value(text.strip())
    ]
    assert unknown == []


def test_no_text_of_a_fixture_is_lost() -> None:
    seen = 0
    for case in cases():
        if case.spider in PLATFORMS and case.expected.keys().isdisjoint(("unreadable", "outcome")):
            answers = answers_of(PLATFORMS[case.spider], case.exchange)
            assert list(unaccounted(PLATFORMS[case.spider], answers)) == []
            seen += len(answers)
    assert seen > 25


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_tables_name_fields_of_the_guide_give_reasons_and_do_not_contradict_themselves(platform: Platform) -> None:
    for kind in platform.keys.kinds.values():
        assert set(kind.passages.values()) <= set(load_reference().fields)
        assert all(len(reason) > 5 for reason in kind.ignored.values())
        assert not set(kind.passages) & set(kind.ignored)
        assert not set(kind.passages) & set(kind.shown.split())
        assert not set(kind.ignored) & set(kind.shown.split())


def test_the_pattern_with_most_steps_wins_and_reviews_have_no_author() -> None:
    keys = Keys({"a": Kind({"/x/**": "motive", "/x/*/y": "payment"}, "", {"/x/*/id": "a code or an identifier"})})
    assert [keys.rule_of("a", p).detail for p in ("/x/7/y", "/x/z", "/x/7/id")] == [
        "payment", "motive", "a code or an identifier",
    ]  # fmt: skip
    assert keys.rule_of("a", "/reviews/3/text").detail == "review"
    assert {keys.rule_of("a", f"/reviews/3/{name}").detail for name in ("author", "userName", "first_name")} == {AUTHOR}
    assert keys.rule_of("a", "/other/3").use == UNKNOWN


@pytest.mark.parametrize(
    "platform", [p for p in load_reference().platforms.values() if p.default_texts], ids=lambda p: p.code
)
def test_a_platforms_own_wording_is_left_out_and_what_is_added_to_it_is_read(platform: object) -> None:
    shown = ("Cabinet du Gabarit", "Chirurgien-dentiste", "Ville-Inventée", "01000")
    is_default = default_of(platform.code, shown)  # type: ignore[attr-defined]
    for text in platform.default_texts:  # type: ignore[attr-defined]
        filled = text.replace("{…}", "Cabinet du Gabarit")
        assert is_default(filled)
        assert is_default(f"  {filled.upper()}\n")
        assert not is_default(f"{filled} CMU non acceptée.")
        assert not is_default(f"Pas de CMU. {filled}")
        if "{…}" in text:
            assert not is_default(text.replace("{…}", "Cabinet du Gabarit, pas de CMU"))
            assert not default_of(platform.code, ("Cabinet hors CMU",))(text.replace("{…}", "Cabinet hors CMU"))  # type: ignore[attr-defined]
            assert not default_of(platform.code)(filled)  # type: ignore[attr-defined]
