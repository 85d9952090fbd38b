"""Every file of `outcomes/<outcome>/` is an answer that must be called by its folder's name."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.outcomes import Outcome, classify
from ledger.warc import Exchange, from_warc_gz, to_warc_gz

FOLDER = Path(__file__).parent / "outcomes"
CASES = sorted(FOLDER.glob("*/*.json"))
# What no answer can be: the crawl records them itself.
NO_BYTES = {Outcome.NO_ANSWER, Outcome.FORBIDDEN_BY_ROBOTS, Outcome.BAD_CERTIFICATE}
# Known mistakes of the classifier, each with its cost. A case that passes must leave this list.
KNOWN: dict[str, str] = {}


def exchange_of(path: Path) -> Exchange:
    case = json.loads(path.read_text(encoding="utf-8"))
    body = base64.b64decode(case["body_base64"]) if "body_base64" in case else case["body"].encode()
    return Exchange(
        url=case["url"],
        method="GET",
        request_headers=(),
        request_body=b"",
        status=case["status"],
        reason="",
        response_headers=tuple((name, value) for name, value in case["headers"]),
        body=body,
        captured_at=datetime(2026, 1, 2, tzinfo=UTC),
    )


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def cases() -> list[object]:
    return [
        pytest.param(
            path,
            id=named(path),
            marks=[pytest.mark.xfail(strict=True, reason=KNOWN[named(path)])] if named(path) in KNOWN else [],
        )
        for path in CASES
    ]


@pytest.mark.parametrize("path", cases())
def test_an_answer_is_called_what_it_is(path: Path) -> None:
    outcome, reason = classify(exchange_of(path))
    assert outcome == path.parent.name, reason
    assert reason or outcome is Outcome.PAGE


@pytest.mark.parametrize("path", CASES, ids=named)
def test_a_stored_answer_is_called_the_same(path: Path) -> None:
    exchange = exchange_of(path)
    assert classify(from_warc_gz(to_warc_gz(exchange))) == classify(exchange)


def test_every_outcome_has_an_example() -> None:
    assert {path.parent.name for path in CASES} == {str(one) for one in Outcome if one not in NO_BYTES}


def test_known_mistakes_exist() -> None:
    assert KNOWN.keys() <= {named(path) for path in CASES}
