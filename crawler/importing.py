"""Take in what people collected by hand, with its own provenance: whole or not at all. It asks no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from crawler.collected import CannotImport, Collected, opened
from crawler.outcomes import Outcome, classify
from crawler.parsers import Parser, parser_of, platform_of
from crawler.reading import Unreadable
from crawler.recording import open_crawl, record_capture, record_listing
from crawler.settings import SOFTWARE
from ledger import DamagedCapture, Ledger
from ledger.events import record
from ledger.models import Crawl
from ledger.sealing.seals import make_seals
from ledger.warc import Exchange

PRACTICE_SITE = "practice_site"
_SESSION = frozenset(("cookie", "set-cookie", "authorization", "proxy-authorization", "x-csrf-token"))
__all__ = ["CannotImport", "ImportReport", "import_file"]


@dataclass(frozen=True)
class ImportReport:
    """What one file brought: exchanges kept, listings and passages read, answers no parser could read.

    `platform` and `crawl_id` are those of the file's first page; `platforms` counts the exchanges of each platform,
    `others` those of hosts that the file is not about (counters, fonts), which are left out.
    """

    file: str
    crawl_id: int
    platform: str
    captures: int
    listings: int
    passages: int
    unreadable: int
    others: int
    platforms: Mapping[str, int]
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """The report as one object for machines."""
        return asdict(self)


def import_file(ledger: Ledger, path: Path, platform: str | None = None, url: str | None = None) -> ImportReport:
    """Take in one file, whole or not at all, each exchange with the provenance « import:name ».

    An exchange is read by the parser of the platform whose host it is on, or of `platform` if that is given; each
    platform has a run of its own. Raises `CannotImport`, `TooLarge` or `DamagedCapture`, one line with the file's name.
    """
    try:
        with opened(path, url) as collected:
            owners = _owners(path, collected, platform)
            with ledger.session() as session:
                taking = _Taking(ledger, session, path, collected, owners, platform)
                for exchange in collected.exchanges():
                    if _is_web(exchange):
                        taking.take(exchange)
                report = taking.finish()
    except DamagedCapture as error:
        raise DamagedCapture(str(error) if path.name in str(error) else f"{path}: {error}") from error
    for run in taking.runs.values():
        make_seals(ledger, SOFTWARE, crawl_id=run.id)
    return report


def _is_web(exchange: Exchange) -> bool:
    return urlsplit(exchange.url).scheme in ("http", "https")


def without_session(exchange: Exchange) -> Exchange:
    """The exchange without what would let another act as the person who collected it: cookies and credentials."""
    return replace(
        exchange,
        request_headers=tuple(h for h in exchange.request_headers if h[0].lower() not in _SESSION),
        response_headers=tuple(h for h in exchange.response_headers if h[0].lower() not in _SESSION),
    )


def _owners(path: Path, collected: Collected, platform: str | None) -> dict[str, str]:
    """Whose each host of the file is; hosts that the file is not about are absent.

    Reads the file once to its end, so that a damaged one leaves no row behind.
    """
    hosts = dict.fromkeys(urlsplit(one.url).hostname or "" for one in collected.exchanges() if _is_web(one))
    if not hosts:
        raise CannotImport(f"{path}: it holds no answer of a web server")
    about = {urlsplit(page).hostname for page in collected.pages} or {next(iter(hosts))}
    owners = {host: platform or platform_of(f"https://{host}/") for host in hosts}
    return {host: owner for host, owner in owners.items() if platform or owner != PRACTICE_SITE or host in about}


class _Taking:
    """One file on its way in: a run for each platform, counts for the report."""

    def __init__(
        self,
        ledger: Ledger,
        session: Session,
        path: Path,
        collected: Collected,
        owners: Mapping[str, str],
        platform: str | None,
    ) -> None:
        self.ledger, self.session, self.path, self.collected, self.owners = ledger, session, path, collected, owners
        self.main = platform or next(iter(owners.values()), PRACTICE_SITE)
        self.runs: dict[str, Crawl] = {}
        self.counts = {"captures": 0, "passages": 0, "unreadable": 0, "others": 0}
        self.platforms: dict[str, int] = {}
        self.listings: set[tuple[str, str]] = set()
        self._run(self.main)

    def _run(self, owner: str) -> Crawl:
        if owner not in self.runs:
            told = {"file": self.path.name, "sha256": self.collected.sha256}
            self.runs[owner] = open_crawl(self.session, owner, "import", SOFTWARE, **told)
        return self.runs[owner]

    def take(self, exchange: Exchange) -> None:
        """Keep one exchange when the file is about its host, and read it when it is a page."""
        owner = self.owners.get(urlsplit(exchange.url).hostname or "")
        if owner is None:
            self.counts["others"] += 1
            return
        exchange = without_session(exchange)
        outcome, reason = classify(exchange)
        run, provenance = self._run(owner), f"import:{self.path.name}"
        kept = record_capture(self.session, self.ledger.store, run.id, exchange, outcome, reason, provenance)
        self.counts["captures"] += 1
        self.platforms[owner] = self.platforms.get(owner, 0) + 1
        if outcome is Outcome.PAGE:
            self._read(parser_of(owner), exchange, kept.id)

    def _read(self, parser: Parser, exchange: Exchange, capture_id: int) -> None:
        try:
            for found in parser.parse(exchange):
                self.listings.add((found.platform, found.key))
                added = record_listing(self.session, found, capture_id, parser.version)
                self.counts["passages"] += added.passages
        except Unreadable:
            self.counts["unreadable"] += 1

    def finish(self) -> ImportReport:
        """Record the end of each run, and say what the file brought."""
        report = ImportReport(
            file=self.path.name,
            crawl_id=self.runs[self.main].id,
            platform=self.main,
            listings=len(self.listings),
            platforms=self.platforms,
            sha256=self.collected.sha256,
            **self.counts,
        )
        for run in self.runs.values():
            record(self.session, "crawl_finished", "crawl", run.id, "vigie", **report.as_json())
        return report
