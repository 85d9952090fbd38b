"""Run one crawl: Scrapy in a process of its own, told its task as JSON and telling its progress as JSON lines.

A reactor starts once a process; a process per crawl lets one program crawl many times and survive a crash of Scrapy's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from crawler.guard import HostRefused, check
from crawler.pace import Agreement
from ledger import StoreFull
from reference import load_reference
from reference.errors import VigieError


class UnknownPlatform(VigieError):
    """There is no such platform, or no spider for it."""


class NothingToCrawl(VigieError):
    """The platform has no address of its own to begin at and none was given."""


class Unreachable(VigieError):
    """Not one request of the run got an answer."""


class AlreadyCrawling(VigieError):
    """Another run, perhaps on another machine, is crawling this platform."""


class CrawlFailed(VigieError):
    """The crawling process ended without a report."""


@dataclass(frozen=True)
class CrawlSpec:
    """What to crawl. `delay_seconds` shortens the pause for `allow_hosts` ("host:port") and for no other.

    `due_only`: only what is due, of all that is known of the platform. Otherwise the start addresses and all that is
    reached from them; an unfinished run of the same command is gone on with.
    """

    home: Path
    database_url: str | None
    platform: str
    start_urls: tuple[str, ...]
    limit: int | None = None
    allow_hosts: tuple[str, ...] = ()
    delay_seconds: float | None = None
    contact: str = "vigie@example.org"
    due_only: bool = False
    agreements: tuple[Agreement, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far the crawl is."""

    captures: int
    listings: int
    passages: int


@dataclass(frozen=True)
class CrawlReport:
    """What a crawl did: captures by outcome, listings and passages recorded, why it ended early if it did."""

    crawl_id: int
    captures: dict[str, int]
    listings: int
    passages: int
    bytes: int
    seconds: float
    items_without_evidence: int = 0
    stopped: str = ""
    refused: list[str] = field(default_factory=list)
    resumed: bool = False  # an unfinished run of the same command was gone on with
    left: int = 0  # addresses that wait for the next run
    unchanged: int = 0  # pages that were what they were
    vanished: int = 0
    new_listings: int = 0
    unreadable: int = 0  # pages whose parser could not read them
    refusals: list[str] = field(default_factory=list)  # hosts that said no, and why
    alarms: list[str] = field(default_factory=list)  # what the watchmen found
    held: bool = False  # its passages open no case until a person has looked

    def as_json(self) -> dict[str, Any]:
        """The report as one object for machines."""
        return asdict(self)


NOT_OUTCOMES = frozenset(
    (
        "bytes",
        "listings",
        "new_listings",
        "passages",
        "items_without_evidence",
        "unreadable_listings",
        "unchanged",
        "vanished",
        "tries",
        "revisited",
        "changed",
        "emptied",
    )
)


def resolve(spec: CrawlSpec) -> CrawlSpec:
    """The spec with its start addresses, checked. Raises `UnknownPlatform`, `NothingToCrawl` or `HostRefused`."""
    platforms = load_reference().platforms
    if spec.platform not in platforms:
        raise UnknownPlatform(f"{spec.platform}: no such platform; there are {', '.join(sorted(platforms))}")
    starts = spec.start_urls or tuple(platforms[spec.platform].start_urls)
    if not starts:
        raise NothingToCrawl(f"{spec.platform}: name where to begin with --start")
    for url in starts:
        check(url, spec.allow_hosts)
    if spec.delay_seconds is not None and not spec.allow_hosts:
        raise HostRefused("--delay goes with --allow-host: it shortens the pause for those hosts and for no other")
    return replace(spec, start_urls=starts)


def crawl(spec: CrawlSpec, on_progress: Callable[[Progress], None] | None = None) -> CrawlReport:
    """Crawl in a subprocess and return its report. Every failure of the run is a `VigieError` of one line."""
    spec = resolve(spec)
    task = json.dumps({**asdict(spec), "home": str(spec.home.absolute())})
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler.run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    if process.stdin is None or process.stdout is None:
        raise CrawlFailed("the crawling process has no pipes")
    answer: dict[str, Any] = {}
    try:
        process.stdin.write(task)
        process.stdin.close()
        for line in process.stdout:
            message = json.loads(line)
            if "progress" in message and on_progress is not None:
                on_progress(Progress(**message["progress"]))
            answer = message
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=30)
        process.stdout.close()
    if "report" in answer:
        return CrawlReport(**answer["report"])
    if "error" in answer:
        kinds: dict[str, type[VigieError]] = {
            "Unreachable": Unreachable,
            "HostRefused": HostRefused,
            "StoreFull": StoreFull,
            "AlreadyCrawling": AlreadyCrawling,
        }
        raise kinds.get(answer["error"]["kind"], CrawlFailed)(answer["error"]["message"])
    raise CrawlFailed(f"the crawling process ended with status {process.returncode} and no report")


def main() -> int:
    """Read a spec from standard input, crawl, tell the report or the error."""
    from crawler.process import run_here, tell

    task = json.loads(sys.stdin.read())
    spec = CrawlSpec(
        **{
            **task,
            "home": Path(task["home"]),
            "start_urls": tuple(task["start_urls"]),
            "allow_hosts": tuple(task["allow_hosts"]),
            "agreements": tuple(Agreement(**one) for one in task.get("agreements", ())),
        }
    )
    try:
        tell({"report": run_here(spec).as_json()})
    except VigieError as error:
        tell({"error": {"kind": type(error).__name__, "message": str(error)}})
        return 2
    except BrokenPipeError:
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
