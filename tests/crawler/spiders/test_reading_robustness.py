"""Hostile and broken answers: `parse_listing` reads them, reads nothing, or raises `Unreadable`, nothing else."""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
import time

import pytest
from fixture_cases import SPIDERS, Case, cases, exchange
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.items import FoundListing
from crawler.reading import Unreadable, resolve
from ledger.warc import Exchange

CASES = list(cases())
WIDTHS = {
    "display_name": 300, "profession": 120, "speciality": 200, "street": 300, "postcode": 10, "city": 120, "phone": 40,
    "rpps": 20, "adeli": 20,
}  # fmt: skip
HOSTILE = [
    b"\x00", b"\xff\xfe", b'"', b"{", b"]", b"</p>", b"<table>", b"<script>", b"\\ud800", b"null", b"-1e999", b"&#0;",
    b"<li>", b"<details>", b"[[", b"<!--", b"\xed\xa0\x80", b"<h2>", b"]]>", b"http://[", b"\\u0000", b":?", b"<dl>",
]  # fmt: skip


def read(spider: str, answer: Exchange) -> list[FoundListing]:
    try:
        return list(SPIDERS[spider].parse_listing(answer))
    except Unreadable as error:
        assert "\n" not in str(error)
        return []


def check_storable(listings: list[FoundListing]) -> None:
    """What is read fits the ledger: no NUL, no lone surrogate, no column overrun, JSON signals."""
    for listing in listings:
        assert 0 < len(listing.key) <= 300
        texts = [listing.key, listing.url, *(part for p in listing.passages for part in (p.text, p.locator))]
        if listing.shown is not None:
            shown = dataclasses.asdict(listing.shown)
            texts += [str(shown[name]) for name in WIDTHS]
            assert all(len(shown[name]) <= width for name, width in WIDTHS.items())
            texts.append(json.dumps(shown["signals"], allow_nan=False, ensure_ascii=False))
        for text in texts:
            text.encode("utf-8")
            assert "\x00" not in text
        assert all(p.text.strip() for p in listing.passages)


@given(case=st.sampled_from(CASES), seed=st.integers(0, 2**32), times=st.integers(1, 8))
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_mutated_answer_never_crashes_the_reader(case: Case, seed: int, times: int) -> None:
    rng = random.Random(seed)
    body = bytearray(case.exchange.body)
    for _ in range(times):
        at = rng.randrange(len(body) + 1)
        match rng.randrange(4):
            case 0:
                body[at:at] = rng.choice(HOSTILE)
            case 1:
                del body[at : at + rng.randrange(1, 40)]
            case 2:
                body[at : at + 1] = bytes([rng.randrange(256)])
            case _:
                there = rng.randrange(len(body) + 1)
                body[at:at] = body[there : there + 60]
    check_storable(read(case.spider, dataclasses.replace(case.exchange, body=bytes(body))))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_value_in_the_place_of_any_other_never_crashes_the_reader(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([case for case in CASES if case.name in ("profile_json", "funnel", "search")]))
    value = json.loads(case.exchange.body)
    place = value
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = place[key]
    body = json.dumps(value).encode()
    check_storable(read(case.spider, dataclasses.replace(case.exchange, body=body)))


@given(url=st.text(max_size=60), body=st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_at_any_address_never_crash_the_reader(url: str, body: bytes) -> None:
    for spider in SPIDERS:
        read(spider, exchange(f"https://{url}", body))
        read(spider, exchange(f"https://a.example/{url}", b"<html><body><p>" + body))


@pytest.mark.parametrize("spider", SPIDERS)
@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>" + b"<div>" * 5000 + b"CMU" + b"</div>" * 5000,
        b"<html><body>" + b"<ul><li>" * 2000,
        b"<html><body>" + b"<b>" * 5000 + b"x",
        b"<html><body>" + b"<p>CMU ?</p>" * 5000,
        b"<html><body><table>" + b"<tr><td>a<td>b" * 5000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'<html><script type="application/ld+json">' + b"[" * 50_000 + b"</script>",
        b'{"data": {"profile": {"slug": "a"}, "details": ' + b"[" * 900 + b"]" * 900 + b"}}",
    ],
    ids=range(9),
)
def test_answers_beyond_reason_are_survived_in_reasonable_time(spider: str, body: bytes) -> None:
    began = time.monotonic()
    check_storable(read(spider, exchange("https://cabinet-invente.example/dentiste/ville/nom", body)))
    assert time.monotonic() - began < 20


def test_a_body_that_does_not_unpack_is_unreadable() -> None:
    answer = exchange("https://cabinet-invente.example/", gzip.compress(b"<html>" * 99)[:-9])
    answer = dataclasses.replace(answer, response_headers=(*answer.response_headers, ("Content-Encoding", "gzip")))
    for spider in SPIDERS.values():
        with pytest.raises(Unreadable):
            list(spider.parse_listing(answer))


@pytest.mark.parametrize("locator", ["", "/nowhere", "p[", "html > body > p", "html@x#/a", "html > body#text/9"])
def test_a_locator_that_leads_nowhere_says_so(locator: str) -> None:
    body = b'{"data": 1}' if locator.startswith("/") else b"<html><body>x</body></html>"
    with pytest.raises(Unreadable):
        resolve(body, "", locator)
