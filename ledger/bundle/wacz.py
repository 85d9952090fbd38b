"""Write captures as WACZ 1.1.1, which public viewers replay. It packs WARC files as they are and changes none.

The container is the canonical ZIP of `ledger.bundle.zipping`; every file but the two datapackage files is listed with
its SHA-256, and `datapackage-digest.json` holds that of the list. Source: specs.webrecorder.net/wacz/1.1.1.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from ledger.bundle.evidence import Evidence, evidence_files
from ledger.bundle.zipping import Content, write_zip
from ledger.errors import DamagedCapture

WACZ_VERSION = "1.1.1"
INDEXED = ("response", "resource", "revisit")
_SPACE = uuid.UUID("5b0e0a53-9a43-5c0e-8a43-0b7d6f4f1d10")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Page:
    """A page a reader may open in the archive."""

    url: str
    at: datetime
    title: str


@dataclass(frozen=True)
class WebArchive:
    """One `.warc.gz`, each record its own gzip member, under the name it will have in `archive/`."""

    name: str
    data: bytes
    pages: tuple[Page, ...]


def write_wacz(
    archives: Sequence[WebArchive],
    *,
    title: str,
    made_at: datetime,
    software: str,
    extra: Mapping[str, bytes] | None = None,
) -> bytes:
    """The bytes of the WACZ; `extra` files (`folder/name`) are listed beside the archives.

    The same arguments give the same bytes. Raises `DamagedCapture` for a WARC without an index, `BadName`, `TooBig`.
    """
    files: dict[str, bytes] = {f"archive/{archive.name}": archive.data for archive in archives}
    if len(files) != len(archives):
        raise ValueError("two archives of one name")
    lines = sorted(line for archive in archives for line in _index(archive))
    files["indexes/index.cdxj"] = "".join(lines).encode()
    files["pages/pages.jsonl"] = _pages(archives, title)
    files.update(extra or {})
    package = _json(
        {
            "profile": "data-package",
            "wacz_version": WACZ_VERSION,
            "title": title,
            "created": _iso(made_at),
            "software": software,
            "mainPageUrl": archives[0].pages[0].url if archives and archives[0].pages else "",
            "resources": [_resource(name, data, plain=name in (extra or {})) for name, data in sorted(files.items())],
        }
    )
    files["datapackage.json"] = package
    files["datapackage-digest.json"] = _json({"path": "datapackage.json", "hash": f"sha256:{_sha256(package)}"})
    members: dict[str, Content] = dict(files)
    target = io.BytesIO()
    write_zip(target, members)
    return target.getvalue()


def sealed_wacz(
    archives: Sequence[WebArchive], evidence: Evidence, *, title: str, made_at: datetime, software: str
) -> bytes:
    """A WACZ that carries the proofs of its archives: the files of `evidence_files`, each in a folder of its own kind.

    The evidence names its files `archive/…`. Tools for WACZ look two levels deep alone, hence the folders.
    """
    extra = {
        name if name.count("/") else f"{name.partition('.')[0]}/{name}": data
        for name, data in evidence_files(evidence).items()
    }
    return write_wacz(archives, title=title, made_at=made_at, software=software, extra=extra)


def surt(url: str) -> str:
    """The sort key of an address: host reversed, the rest in lower case, query in order (`fr,exemple)/page?a=1`)."""
    parts = urlsplit(url.strip())
    if parts.scheme.lower() not in _DEFAULT_PORTS:
        return url
    host = ",".join(reversed(re.sub(r"^www\d*\.", "", (parts.hostname or "").lower()).split(".")))
    try:
        port = parts.port
    except ValueError:
        port = None
    named = f":{port}" if port and port != _DEFAULT_PORTS[parts.scheme.lower()] else ""
    path = _escaped(parts.path)
    path = path[:-1] if len(path) > 1 and path.endswith("/") else path or "/"
    query = "&".join(sorted(_escaped(parts.query).split("&"))) if parts.query else ""
    return f"{host}{named}){path}" + (f"?{query}" if query else "")


def _escaped(text: str) -> str:
    return quote(text, safe="/?%:@!$&'()*+,;=~-._#[]|^`{}\\\"").lower()


def _index(archive: WebArchive) -> Iterator[str]:
    """The CDXJ lines of one archive."""
    try:
        with closing(ArchiveIterator(io.BytesIO(archive.data), no_record_parse=False)) as records:
            for record in records:
                headers = record.rec_headers
                answer = record.http_headers
                kind = record.rec_type
                digest = headers.get_header("WARC-Payload-Digest") or headers.get_header("WARC-Block-Digest") or ""
                record.raw_stream.read()
                # Only after the record is read through does warcio know where it ends.
                offset, length = records.get_record_offset(), records.get_record_length()
                if kind not in INDEXED:
                    continue
                mime = (answer if answer else headers).get_header("Content-Type") or "application/octet-stream"
                entry = {
                    "url": headers.get_header("WARC-Target-URI"),
                    "digest": digest,
                    "mime": "warc/revisit" if kind == "revisit" else mime.split(";")[0].strip().lower(),
                    "offset": str(offset),
                    "length": str(length),
                    "recordDigest": f"sha256:{_sha256(archive.data[offset : offset + length])}",
                    "status": answer.get_statuscode() if answer else "200",
                    "filename": archive.name,
                }
                stamp = re.sub(r"\D", "", headers.get_header("WARC-Date") or "")[:14]
                yield f"{surt(entry['url'])} {stamp} {json.dumps(entry, ensure_ascii=True)}\n"
    except (ArchiveLoadFailed, ValueError, TypeError, EOFError, OSError) as error:
        raise DamagedCapture(f"{archive.name}: the web archive cannot be indexed: {str(error)[:120]}") from error


def _pages(archives: Sequence[WebArchive], title: str) -> bytes:
    """The list of pages, in the archives' order, under identifiers drawn from address and time."""
    lines: list[dict[str, Any]] = [{"format": "json-pages-1.0", "id": "pages", "title": title}]
    for archive in archives:
        for page in archive.pages:
            stamp = _iso(page.at)
            identifier = uuid.uuid5(_SPACE, f"{archive.name} {stamp} {page.url}")
            lines.append({"id": str(identifier), "url": page.url, "ts": stamp, "title": page.title})
    return "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines).encode()


def _resource(path: str, data: bytes, *, plain: bool) -> dict[str, Any]:
    """One file of the list, under a name in lower case, as the schema of data packages asks.

    A plain file is no data to be parsed: a proof has a key `path`, and would be taken for a description.
    """
    name = re.sub(r"[^a-z0-9._-]", "-", path.lower().replace("/", "-"))
    kind = {"type": "file"} if plain else {}
    return {"name": name, "path": path, "hash": f"sha256:{_sha256(data)}", "bytes": len(data), **kind}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, indent=1).encode() + b"\n"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
