"""robots.txt means what RFC 9309 says: one test per address of `robots_cases.yaml`, and the hostile files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from crawler.robots import MAX_ROBOTS, of_answer, parse, unreachable

TABLE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "robots_cases.yaml").read_text("utf-8"))
ORIGIN = "https://exemple.fr"
CASES = [
    (number, path, allowed)
    for number, entry in enumerate(TABLE["files"] + TABLE["answers"])
    for allowed, key in ((True, "allowed"), (False, "refused"))
    for path in entry.get(key, [])
]
ENTRIES = TABLE["files"] + TABLE["answers"]


def test_there_are_enough_cases() -> None:
    assert len(CASES) + sum("delay" in entry for entry in ENTRIES) >= 250
    assert all(entry["section"] for entry in ENTRIES)


@pytest.mark.parametrize("number", range(len(ENTRIES)), ids=lambda n: f"{n}-{ENTRIES[n]['section'][:40]}")
def test_conformance(number: int) -> None:
    entry = ENTRIES[number]
    token = entry.get("token", "Vigie")
    body = (entry["robots"] if "robots" in entry else entry["body"]).encode()
    robots = of_answer(entry["status"], body, token) if "status" in entry else parse(body, token)
    for _, path, allowed in (case for case in CASES if case[0] == number):
        assert robots.allows(ORIGIN + path) is allowed, path
    if "delay" in entry:
        assert robots.crawl_delay == entry["delay"]


def test_what_could_not_be_had_refuses_everything_with_a_reason() -> None:
    robots = unreachable("no answer")
    assert not robots.allows(ORIGIN + "/")
    assert robots.refused == "no answer"
    assert robots.allows(ORIGIN + "/robots.txt")


def test_at_least_500_kibibytes_are_read_and_no_more() -> None:
    filler = b"# " + b"x" * 97 + b"\n"
    head = b"User-agent: *\n" + filler * (MAX_ROBOTS // 100 - 1)
    inside = head + b"Disallow: /a\n"
    assert len(inside) < MAX_ROBOTS
    assert not parse(inside, "Vigie").allows(ORIGIN + "/a")
    beyond = inside + filler + b"Disallow: /b\n"
    assert parse(beyond, "Vigie").allows(ORIGIN + "/b")
    assert not parse(beyond, "Vigie").allows(ORIGIN + "/a")
    cut = b"User-agent: *\nDisallow: /a\n" + b"Disallow: /" + b"b" * MAX_ROBOTS
    assert parse(cut, "Vigie").allows(ORIGIN + "/bb")


def test_hostile_patterns_take_no_time() -> None:
    body = "User-agent: *\n" + "Disallow: /" + "*a" * 20_000 + "$\n" + "Disallow: /*" * 3000
    began = time.process_time()
    assert parse(body.encode(), "Vigie").allows(ORIGIN + "/" + "a" * 4000 + "b")
    assert time.process_time() - began < 2


@given(st.binary(max_size=400))
def test_any_bytes_are_answered(body: bytes) -> None:
    parse(body, "Vigie").allows(ORIGIN + "/a?b")


_PATHS = st.lists(st.sampled_from(["a", "b", "ab", "/", "*", "."]), min_size=1, max_size=5).map(
    lambda parts: "/" + "".join(parts)
)


@given(
    st.lists(st.tuples(st.booleans(), _PATHS), min_size=1, max_size=6),
    st.lists(st.sampled_from(["a", "b", "ab", "/", "."]), max_size=6).map(lambda parts: "/" + "".join(parts)),
)
def test_protego_agrees_on_plain_files(rules: list[tuple[bool, str]], path: str) -> None:
    body = "User-agent: *\n" + "".join(f"{'Allow' if allow else 'Disallow'}: {rule}\n" for allow, rule in rules)
    assert parse(body.encode(), "Vigie").allows(ORIGIN + path) == Protego.parse(body).can_fetch(ORIGIN + path, "Vigie")
