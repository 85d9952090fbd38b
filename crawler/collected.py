"""Open what people collected by hand: web archives (`.wacz`, `.warc.gz`), saved pages, lists of addresses.

Everything in such a file is someone else's: names are never used as paths, sizes are bounded before anything is read,
and a digest that the file itself announces must hold. It asks no network and writes no row.
"""

from __future__ import annotations

import email
import email.policy
import email.utils
import hashlib
import json
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

from ledger import DamagedCapture, TooLarge
from ledger.warc import Exchange, iter_exchanges
from reference.errors import VigieError

MAX_HTML = 64 * 1024 * 1024  # bytes of a saved page
MAX_WARC = 4 * 1024**3  # bytes: read one record at a time
MAX_LIST = 4 * 1024 * 1024  # bytes of a list of addresses
MAX_NOTE = 64 * 1024 * 1024  # bytes of an archive's own index of pages or files
MAX_ENTRIES = 10_000  # files in one archive
MAX_RATIO = 200  # times an archive may unpack to its own size (a WARC inside is packed already)
LEAST_UNPACKED = 1 << 28  # bytes under which no packed file is called a bomb
_WARC_ENTRY = re.compile(r"archive/[^/]+\.warc(?:\.gz)?")
_SAVED_FROM = re.compile(r"saved from url=\(\d+\)(\S+)", re.IGNORECASE)
_SHA256 = re.compile(r"sha-?256:([0-9a-f]{64})", re.IGNORECASE)


class CannotImport(VigieError):
    """The file cannot be taken in: empty, binary, of an unknown kind, or it does not say whose page it is."""


@dataclass(frozen=True)
class Collected:
    """One opened file: its SHA-256, the WARC files in it or its one page, and the pages that it says it is about."""

    sha256: str
    warcs: tuple[Path, ...] = ()
    page: Exchange | None = None
    pages: tuple[str, ...] = ()

    def exchanges(self) -> Iterator[Exchange]:
        """Every exchange of the file, from the beginning, each time it is called."""
        if self.page is not None:
            yield self.page
        for warc in self.warcs:
            yield from iter_exchanges(warc)


@contextmanager
def opened(path: Path, url: str | None = None) -> Iterator[Collected]:
    """The file at `path`, after the checks that need no reading of its answers. `url`: of a page that does not tell.

    Raises `CannotImport`, `TooLarge` or `DamagedCapture`.
    """
    try:
        size = path.stat().st_size
        name = path.name.lower()
        if size == 0:
            raise CannotImport(f"{path}: the file is empty")
        if name.endswith(".wacz"):
            _at_most(path, size, MAX_WARC)
            with tempfile.TemporaryDirectory(prefix="vigie-") as folder:
                yield _from_wacz(path, Path(folder))
        elif name.endswith((".warc.gz", ".warc")):
            _at_most(path, size, MAX_WARC)
            if not _begins_as_warc(path):
                raise DamagedCapture("not a WARC file")
            _no_bomb(path, path)
            yield Collected(_sha256(path), warcs=(path,))
        elif name.endswith((".html", ".htm", ".xhtml", ".mhtml", ".mht")):
            _at_most(path, size, MAX_HTML)
            read = _from_mhtml if name.endswith((".mhtml", ".mht")) else _from_html
            yield Collected(_sha256(path), page=read(path, url))
        else:
            raise CannotImport(f"{path}: neither .wacz, .warc.gz, .html, .mhtml nor a .txt list of addresses")
    except OSError as error:
        raise CannotImport(f"{path}: {error.strerror or error}") from error


def is_list(path: Path) -> bool:
    """True for a list of addresses."""
    return path.name.lower().endswith((".txt", ".urls"))


def read_addresses(path: Path) -> tuple[str, ...]:
    """The addresses of a list, one a line, each once; blank lines and lines that begin with `#` are passed over.

    Raises `CannotImport`, naming the first line that is no address of the web.
    """
    try:
        if path.stat().st_size > MAX_LIST:
            raise TooLarge(f"{path}: a list of addresses of at most {MAX_LIST} bytes is read")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CannotImport(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotImport(f"{path}: not a text in UTF-8") from error
    found: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        address = line.strip()
        if not address or address.startswith("#"):
            continue
        if not _is_address(address):
            raise CannotImport(f"{path}:{number}: « {address[:80]} » is not an http or https address")
        found[address] = None
    if not found:
        raise CannotImport(f"{path}: the list holds no address")
    return tuple(found)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", text)
    except ValueError:
        return False


def _at_most(path: Path, size: int, most: int) -> None:
    if size > most:
        raise TooLarge(f"{path}: {size} bytes; a file of this kind of at most {most} is read")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _begins_as_warc(path: Path) -> bool:
    """True for gzip or a WARC's first line: a reader would look through all of anything else for one."""
    with path.open("rb") as file:
        return file.read(5).startswith((b"\x1f\x8b", b"WARC/"))


def _no_bomb(path: Path, shown: Path) -> None:
    """Refuse a packed file that unpacks to far more than any archive of pages does, before it is read.

    `shown` is the file that the person named.
    """
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return
        file.seek(0)
        unpacked = 0
        most = max(MAX_RATIO * path.stat().st_size, LEAST_UNPACKED)
        unpacker = zlib.decompressobj(31)
        while block := file.read(1 << 16):
            while block:
                try:
                    unpacked += len(unpacker.decompress(block, 1 << 22))
                except zlib.error:
                    return  # damaged: the reader says how
                if unpacked > most:
                    raise TooLarge(f"{shown}: it unpacks to more than {MAX_RATIO} times its size")
                block = unpacker.unconsumed_tail or unpacker.unused_data
                if unpacker.eof:
                    unpacker = zlib.decompressobj(31)


# A zip of WARC files, as browser extensions write it (WACZ 1.1.1).


def _from_wacz(path: Path, folder: Path) -> Collected:
    """The WARC files of an archive, copied one by one under names of ours into `folder`."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(path, archive)
            promised = _promised(path, archive, entries)
            inside = [name for name in entries if _WARC_ENTRY.fullmatch(name)]
            if not inside:
                raise CannotImport(f"{path}: not a web archive: no WARC file under archive/")
            warcs = [_copied(path, archive, entries[name], promised.get(name), folder / f"{n}.warc.gz")
                     for n, name in enumerate(inside)]  # fmt: skip
            pages = _pages(path, archive, entries)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DamagedCapture(f"not a readable archive: {' '.join(str(error).split())[:120]}") from error
    for warc in warcs:
        if not _begins_as_warc(warc):
            raise DamagedCapture("the archive holds a WARC file that is none")
        _no_bomb(warc, path)
    return Collected(_sha256(path), tuple(warcs), None, pages)


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip by name. Raises for names that lead out of it, links, names twice, and bombs."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise TooLarge(f"{path}: more than {MAX_ENTRIES} files in one archive")
    found: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for info in infos:
        name = info.filename
        parts = PurePosixPath(name).parts
        if name.startswith("/") or "\\" in name or ".." in parts or ":" in name or "\0" in info.orig_filename:
            raise CannotImport(f"{path}: a name in the archive leads out of it")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise CannotImport(f"{path}: the archive holds a link")
        if info.flag_bits & 1:
            raise CannotImport(f"{path}: the archive is locked with a password")
        if name in found:
            raise CannotImport(f"{path}: a name stands twice in the archive")
        total += info.file_size
        if total > MAX_WARC or info.file_size > MAX_RATIO * max(info.compress_size, 1 << 12):
            raise TooLarge(f"{path}: the archive unpacks to more than is read")
        if not info.is_dir():
            found[name] = info
    return found


def _note(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo | None) -> bytes:
    """A small file of the archive, b"" when it is not there."""
    if info is None:
        return b""
    with archive.open(info) as file:
        data = file.read(MAX_NOTE + 1)
    if len(data) > MAX_NOTE:
        raise TooLarge(f"{path}: an index in the archive is larger than {MAX_NOTE} bytes")
    return data


def _promised(path: Path, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> dict[str, str]:
    """The SHA-256 that the archive's own list announces for its files."""
    listed = _note(path, archive, entries.get("datapackage.json"))
    try:
        value = json.loads(listed) if listed else {}
    except (ValueError, RecursionError) as error:
        raise DamagedCapture("the archive's datapackage.json is not JSON") from error
    resources = value.get("resources") if isinstance(value, dict) else None
    found: dict[str, str] = {}
    for entry in resources if isinstance(resources, list) else ():
        if isinstance(entry, dict) and (match := _SHA256.fullmatch(str(entry.get("hash")))):
            found[str(entry.get("path"))] = match[1].lower()
    return found


def _copied(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, promised: str | None, target: Path) -> Path:
    """Copy one file out of the archive, no further than it announced, and hold it to the announced digest."""
    digest = hashlib.sha256()
    left = info.file_size
    with archive.open(info) as source, target.open("wb") as copy:
        while block := source.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise TooLarge(f"{path}: a file in the archive is longer than it says")
            digest.update(block)
            copy.write(block)
    if promised and digest.hexdigest() != promised:
        raise DamagedCapture("a file in the archive does not have the digest that the archive announces")
    return target


def _pages(path: Path, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> tuple[str, ...]:
    """The pages the archive says it is about; lines that say nothing readable are passed over."""
    found: dict[str, None] = {}
    for name in ("pages/pages.jsonl", "pages/extraPages.jsonl"):
        for line in _note(path, archive, entries.get(name)).splitlines():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            address = value.get("url") if isinstance(value, dict) else None
            if isinstance(address, str) and _is_address(address):
                found[address] = None
    return tuple(found)


# One page, as a browser saves it.


def _from_html(path: Path, url: str | None) -> Exchange:
    """A saved page as an exchange of its own; its time is the file's, which the dossier says."""
    data = path.read_bytes()
    if b"\0" in data[:8192] or b"<" not in data[:65536]:
        raise CannotImport(f"{path}: not an HTML page")
    kind = "text/html; charset=utf-8" if _is_utf8(data) else "text/html"
    moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return _page(_html_address(data.decode("utf-8", "replace"), path, url), data, kind, moment)


def _page(url: str, body: bytes, kind: str, moment: datetime) -> Exchange:
    return Exchange(
        url=url,
        method="GET",
        request_headers=(),
        request_body=b"",
        status=200,
        reason="",
        response_headers=(("Content-Type", kind),),
        body=body,
        captured_at=moment,
    )


def _from_mhtml(path: Path, url: str | None) -> Exchange:
    """The page of a « single file » that a browser saved (MHTML): address and time are the browser's own."""
    try:
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        parts = [p for p in message.walk() if isinstance(p, EmailMessage) and p.get_content_type() == "text/html"]
        told = url or str(message.get("Snapshot-Content-Location") or "").strip()
        part = next((p for p in parts if str(p.get("Content-Location", "")).strip() == told), next(iter(parts), None))
        body = part.get_payload(decode=True) if part is not None else None
        charset = (part.get_content_charset() if part is not None else None) or "utf-8"
        date = str(message.get("Date") or "")
    except (ValueError, LookupError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise CannotImport(f"{path}: not a page saved as a single file") from error
    if part is None or not isinstance(body, bytes) or not body.strip():
        raise CannotImport(f"{path}: the saved file holds no HTML page")
    if not told:
        told = str(part.get("Content-Location") or "").strip()
    if not _is_address(told):
        raise CannotImport(f"{path}: the page does not say its address: give it with --url")
    return _page(told, body, f"text/html; charset={charset}", _moment(date, path))


def _moment(date: str, path: Path) -> datetime:
    """The time a browser wrote down, else the file's."""
    try:
        moment = email.utils.parsedate_to_datetime(date)
    except (TypeError, ValueError, IndexError):
        moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


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


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
