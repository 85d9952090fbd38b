"""Walk the folders `fixtures/<spider>/<case>/{info.json, body.*, expected.json}`: adding a folder adds tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crawler.items import FoundListing
from crawler.outcomes import classify
from crawler.reading import Unreadable
from crawler.spiders.avecmondoc import AvecmondocSpider
from crawler.spiders.doctolib import DoctolibSpider
from crawler.spiders.keldoc import KeldocSpider
from crawler.spiders.maiia import MaiiaSpider
from crawler.spiders.ordoclic import OrdoclicSpider
from crawler.spiders.practice_site import PracticeSiteSpider
from ledger.warc import Exchange

FIXTURES = Path(__file__).parent / "fixtures"
SPIDERS = {
    spider.name: spider
    for spider in (
        AvecmondocSpider, DoctolibSpider, KeldocSpider, MaiiaSpider, OrdoclicSpider, PracticeSiteSpider,
    )
}  # fmt: skip


def exchange(
    url: str, body: bytes, content_type: str = "text/html; charset=utf-8", status: int = 200, referer: str = ""
) -> Exchange:
    """A captured answer."""
    return Exchange(
        url=url,
        method="GET",
        request_headers=(("Referer", referer),) if referer else (),
        request_body=b"",
        status=status,
        reason="",
        response_headers=(("Content-Type", content_type),),
        body=body,
        captured_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    )


@dataclass(frozen=True)
class Case:
    """One stored answer and what must be read in it."""

    spider: str
    name: str
    exchange: Exchange
    expected: dict[str, Any]

    def read(self) -> list[FoundListing]:
        """What the spider reads; raises what it raises."""
        return list(SPIDERS[self.spider].parse_listing(self.exchange))


def cases() -> Iterator[Case]:
    """Every fixture."""
    for folder in sorted(FIXTURES.glob("*/*")):
        info = json.loads((folder / "info.json").read_text("utf-8"))
        body = next(folder.glob("body.*")).read_bytes()
        expected = json.loads((folder / "expected.json").read_text("utf-8"))
        answer = exchange(info["url"], body, info["content_type"], info["status"], info.get("referer", ""))
        yield Case(folder.parent.name, folder.name, answer, expected)


def fields(case: Case) -> Iterator[tuple[str, object, object]]:
    """What is compared, one thing at a time: its name, the expected value, the value read.

    An answer that is expected to be a wall or an error never reaches the reader: its outcome is all that is compared.
    """
    if "outcome" in case.expected:
        yield "outcome", case.expected["outcome"], str(classify(case.exchange)[0])
        return
    try:
        read: list[FoundListing] = case.read()
    except Unreadable as error:
        yield "unreadable", case.expected.get("unreadable"), str(error).split(":")[0]
        return
    yield "unreadable", case.expected.get("unreadable"), None
    wanted = case.expected.get("listings", [])
    yield "keys", [one["key"] for one in wanted], [one.key for one in read]
    for want, got in zip(wanted, read, strict=False):
        yield f"{got.key} platform", case.spider, got.platform
        yield f"{got.key} url", want["url"], got.url
        yield f"{got.key} is shown", want["shown"] is not None, got.shown is not None
        for name, value in (want["shown"] or {}).items():
            yield f"{got.key} {name}", value, getattr(got.shown, name, None)
        locators = [locator for _, locator, _ in want["passages"]]
        yield f"{got.key} locators", locators, [passage.locator for passage in got.passages]
        for (field, locator, text), passage in zip(want["passages"], got.passages, strict=False):
            yield f"{got.key} {locator} field", field, passage.field
            yield f"{got.key} {locator} text", text, passage.text


CASES_OF = {(case.spider, case.name): case for case in cases()}
CASES_BY_KIND = {
    kind: [case for case in CASES_OF.values() if case.spider == "doctolib" and case.name in names]
    for kind, names in {
        "profile": ("profile_json", "profile_json_default_text", "profile_json_organisation"),
        "funnel": ("funnel",),
        "search": ("search",),
    }.items()
}
