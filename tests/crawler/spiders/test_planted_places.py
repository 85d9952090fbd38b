"""Wording planted in every place of the checklist, on every platform, is found whole, named rightly, found again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fixture_cases import CASES_OF as CASES
from fixture_cases import SPIDERS, Case

from crawler.reading import resolve

TABLE = yaml.safe_load((Path(__file__).parent / "places.yaml").read_text("utf-8"))
WORDINGS = (
    "Les bénéficiaires de la complémentaire santé solidaire sont priés de consulter un confrère.",
    "Patients C2S : le mardi seulement",
    "pas de CMU",
    "AME ❌",
    "non-cmu",
)
PLACES = [
    pytest.param(spider, *entry, id=f"{spider} {entry[0]}: {entry[1]} {entry[2]}")
    for spider, entries in TABLE["places"].items()
    for entry in entries
]


def set_at(value: Any, pointer: str, words: str) -> Any:
    """The value with these words at a JSON Pointer; the last key may be new."""
    *path, last = pointer.split("/")[1:]
    place = value
    for step in path:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if isinstance(place, list):
        place[int(last)] = words
    else:
        place[last] = words
    return value


def planted(case: Case, where: str, words: str) -> bytes:
    """The body of a fixture with these words in that place."""
    body = case.exchange.content.decode("utf-8")
    if where.startswith("/"):
        return json.dumps(set_at(json.loads(body), where, words), ensure_ascii=False).encode()
    if where.startswith("state/"):
        before, rest = body.split('<script id="__NEXT_DATA__" type="application/json">')
        script, after = rest.split("</script>", 1)
        state = set_at(json.loads(script), "/props/initialState" + where.removeprefix("state"), words)
        dumped = json.dumps(state, ensure_ascii=False).replace("</", "<\\/")
        return f'{before}<script id="__NEXT_DATA__" type="application/json">{dumped}</script>{after}'.encode()
    if body.count(where) != 1:
        raise ValueError(f"« {where} » stands {body.count(where)} times in {case.name}")
    head, tail = (where[: where.rfind(mark) + 1] if mark in where else "" for mark in ('"', ">"))
    kept = max(head, tail if not where.endswith(">") else "", key=len)  # markup at the edge of the words stays
    end = where[where.rfind("</") :] if where.endswith(">") and "</" in where else ""
    return body.replace(where, kept + words + end).encode()


def found(case: Case, where: str, field: str, words: str) -> bool:
    """True when the wording is a passage of that field, whole, whose locator leads back to it in the stored bytes."""
    body = planted(case, where, words)
    answer = dataclasses.replace(case.exchange, body=body)
    return any(
        passage.field == field
        and words in passage.text
        and words in resolve(body, answer.header("content-type"), passage.locator)
        for listing in SPIDERS[case.spider].parse_listing(answer)
        for passage in listing.passages
    )


@pytest.mark.parametrize(("spider", "place", "name", "where", "field"), PLACES)
def test_wording_in_this_place_is_found(spider: str, place: str, name: str, where: str, field: str) -> None:
    assert place in TABLE["checklist"]
    case = CASES[spider, name]
    assert [words for words in WORDINGS if not found(case, where, field, words)] == []


def test_recall_over_the_whole_checklist_is_complete() -> None:
    results = [
        found(CASES[spider, name], where, field, WORDINGS[0])
        for spider, entries in TABLE["places"].items()
        for _, name, where, field in entries
    ]
    assert (sum(results), len(results)) == (len(results), 150)


def test_every_place_of_the_checklist_is_held_by_a_platform_and_every_platform_is_there() -> None:
    held = {entry[0] for entries in TABLE["places"].values() for entry in entries}
    assert held == set(TABLE["checklist"])
    assert set(TABLE["places"]) == set(SPIDERS)
    assert all(len(reason) > 20 for reason in TABLE["unread"].values())


def keys_at(value: Any, *path: Any) -> Any:
    for step in path:
        value = value[step]
    return value


FLAGS = [
    ("avecmondoc", "structure", ("coverage_flags", 0, "isCMU"), False),
    ("avecmondoc", "structure", ("coverage_flags", 1, "isCMU"), True),
    ("avecmondoc", "structure", ("coverage_flags", 0, "isALD"), True),
    ("avecmondoc", "reasons", ("coverage_flags", 1, "isCMU"), True),
    ("avecmondoc", "structure_of_one", ("vitale_card",), True),
    ("avecmondoc", "doctor", ("third_party_payer",), True),
    ("maiia", "page", ("vitale_card",), True),
    ("maiia", "page", ("third_party_payer",), False),
    ("maiia", "page", ("sector",), ["SECTOR1"]),
    ("maiia", "page", ("restrictions", 0, "limited_to"), "KNOWN"),
    ("maiia", "page", ("restrictions", 0, "minimum_age"), 16),
    ("maiia", "reasons", ("restrictions", 0, "limited_to"), "KNOWN"),
    ("keldoc", "search", ("sector",), "Conventionné secteur 1"),
    ("ordoclic", "reasons", ("motives", 1, "new_patients"), False),
    ("ordoclic", "profile", ("booking",), "internal"),
    ("doctolib", "profile_json", ("third_party_payer",), "social_security"),
    ("doctolib", "profile_json", ("vitale_card",), True),
    ("doctolib", "funnel", ("restrictions", 0, "no_new_patients"), ["all"]),
    ("doctolib", "funnel", ("restrictions", 0, "age"), ["lt 3 years"]),
    ("doctolib", "search", ("new_patients",), False),
]


@pytest.mark.parametrize(("spider", "name", "path", "value"), FLAGS)
def test_an_explicit_flag_is_kept_as_a_signal(spider: str, name: str, path: tuple[Any, ...], value: Any) -> None:
    shown = [listing.shown for listing in CASES[spider, name].read() if listing.shown]
    assert any(path[0] in one.signals and keys_at(one.signals, *path) == value for one in shown), [
        one.signals for one in shown
    ]


def texts() -> Iterator[tuple[str, str]]:
    for case in CASES.values():
        if case.expected.keys().isdisjoint(("unreadable", "outcome")):
            for listing in case.read():
                yield from ((passage.field, passage.text) for passage in listing.passages)


def test_no_author_of_a_review_is_kept_anywhere() -> None:
    for author in ("Marie D", "Paul D", "Dupont", "Jeanne", "Luc I", "Marie I"):
        assert not [text for _, text in texts() if author in text]
    assert sum(field == "review" for field, _ in texts()) >= 8


def test_what_no_patient_is_shown_is_not_read() -> None:
    for hidden in (
        "Agenda interne CMU",
        "Motif retiré",
        "Motif inactif",
        "Motif interne",
        "d’un confrère",
        "que personne ne voit",
    ):
        assert not [text for _, text in texts() if hidden in text]
