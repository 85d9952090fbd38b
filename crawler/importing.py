"""Take in pages that people saved by hand: a browser's `.html`, or another tool's `.warc.gz`. It asks no network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

from crawler.outcomes import Outcome, classify
from crawler.parsers import Parser, parser_of, platform_of
from crawler.reading import Unreadable
from crawler.recording import open_crawl, record_capture, record_listing
from crawler.settings import SOFTWARE
from ledger import DamagedCapture, Ledger, TooLarge
from ledger.events import record
from ledger.sealing.seals import make_seals
from ledger.warc import Exchange, iter_exchanges
from reference.errors import VigieError

MAX_HTML = 64 * 1024 * 1024  # bytes
MAX_WARC = 4 * 1024**3  # bytes: read one record at a time
_SAVED_FROM = re.compile(r"saved from url=\(\d+\)(\S+)", re.IGNORECASE)


class CannotImport(VigieError):
    """The file cannot be taken in: empty, binary, of an unknown kind, or it does not say whose page it is."""


@dataclass(frozen=True)
class ImportReport:
    """What one file brought: exchanges kept, listings and passages read, answers no parser could read."""

    file: str
    crawl_id: int
    platform: str
    captures: int
    listings: int
    passages: int
    unreadable: int

    def as_json(self) -> dict[str, Any]:
        """The report as one object for machines."""
        return asdict(self)


def _html_address(page: str, path: Path, url: str | None) -> str:
    """The address a saved page came from: as told, or as the browser or the page itself wrote it down."""
    if url:
        return url
    saved = _SAVED_FROM.search(page[:4000])
    if saved and saved.group(1).startswith("http"):
        return saved.group(1)
    tree = BeautifulSoup(page, "lxml")
    for selector, key in (('link[rel="canonical"]', "href"), ('meta[property="og:url"]', "content")):
        node = tree.select_one(selector)
        value = str(node.get(key) or "") if node else ""
        if value.startswith("http"):
            return value
    raise CannotImport(f"{path}: the page does not say its address: give it with --url")


def _from_html(path: Path, url: str | None) -> Iterator[Exchange]:
    """A saved page as an exchange of its own; its time is the file's, which the dossier says."""
    data = path.read_bytes()
    if b"\0" in data[:8192] or b"<" not in data[:65536]:
        raise CannotImport(f"{path}: not an HTML page")
    page = data.decode("utf-8", "replace")
    yield Exchange(
        url=_html_address(page, path, url),
        method="GET",
        request_headers=(),
        request_body=b"",
        status=200,
        reason="",
        response_headers=(("Content-Type", "text/html; charset=utf-8" if _is_utf8(data) else "text/html"),),
        body=data,
        captured_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
    )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _opened(path: Path, url: str | None) -> Iterator[Exchange]:
    """The exchanges of a file, after the checks that need no reading."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CannotImport(f"{path}: {error.strerror}") from error
    name = path.name.lower()
    if size == 0:
        raise CannotImport(f"{path}: the file is empty")
    if name.endswith((".warc.gz", ".warc")):
        if size > MAX_WARC:
            raise TooLarge(f"{path}: {size} bytes; a WARC file of at most {MAX_WARC} is read")
        if not _begins_as_warc(path):
            raise DamagedCapture("not a WARC file")
        return iter_exchanges(path)
    if name.endswith((".html", ".htm")):
        if size > MAX_HTML:
            raise TooLarge(f"{path}: {size} bytes; a saved page of at most {MAX_HTML} is read")
        return _from_html(path, url)
    raise CannotImport(f"{path}: neither .warc.gz nor .html")


def _begins_as_warc(path: Path) -> bool:
    """True for gzip or a WARC's first line: a reader would look through all of anything else for one."""
    with path.open("rb") as file:
        return file.read(5).startswith((b"\x1f\x8b", b"WARC/"))


def _checked(path: Path, url: str | None) -> list[str]:
    """Read the file once to its end, so that a damaged one leaves no row behind; the addresses it holds."""
    try:
        addresses = [exchange.url for exchange in _opened(path, url)]
    except DamagedCapture as error:
        raise DamagedCapture(f"{path}: {error}") from error
    except OSError as error:
        raise CannotImport(f"{path}: {error.strerror}") from error
    usable = [address for address in addresses if urlsplit(address).scheme in ("http", "https")]
    if not usable:
        raise CannotImport(f"{path}: it holds no answer of a web server")
    return usable


def import_file(ledger: Ledger, path: Path, platform: str | None = None, url: str | None = None) -> ImportReport:
    """Take in one file, whole or not at all, each exchange with the provenance « import:name ».

    Raises `CannotImport`, `TooLarge` or `DamagedCapture`, each one line with the file's name.
    """
    addresses = _checked(path, url)
    owner = platform or platform_of(addresses[0])
    parser = parser_of(owner)
    listings: set[str] = set()
    captures = passages = unreadable = 0
    with ledger.session() as session:
        run = open_crawl(session, owner, "import", SOFTWARE, file=path.name)
        for exchange in _opened(path, url):
            if urlsplit(exchange.url).scheme not in ("http", "https"):
                continue
            outcome, reason = classify(exchange)
            kept = record_capture(session, ledger.store, run.id, exchange, outcome, reason, f"import:{path.name}")
            captures += 1
            if outcome is not Outcome.PAGE:
                continue
            keys, added, failed = _read(session, parser, exchange, kept.id)
            listings |= keys
            passages += added
            unreadable += failed
        report = ImportReport(path.name, run.id, owner, captures, len(listings), passages, unreadable)
        record(session, "crawl_finished", "crawl", run.id, "vigie", **report.as_json())
    make_seals(ledger, SOFTWARE, crawl_id=report.crawl_id)
    return report


def _read(session: Any, parser: Parser, exchange: Exchange, capture_id: int) -> tuple[set[str], int, int]:
    """Listing keys, passages added, and 1 when the parser could not read the answer."""
    keys: set[str] = set()
    added = 0
    try:
        for found in parser.parse(exchange):
            keys.add(found.key)
            added += record_listing(session, found, capture_id, parser.version).passages
    except Unreadable:
        return keys, added, 1
    return keys, added, 0
