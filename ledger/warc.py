"""Exchanges as WARC 1.1: written so that the same exchange gives the same bytes, and read from other tools' files too.

warcio writes SHA-1 digests; `X-Vigie-Body-SHA256` keeps ours. What the crawler cannot know is not there: the reason
phrase as sent, the case of header names, the transfer coding (`docs/method.md`).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ledger.errors import DamagedCapture, TooLarge

MAX_BODY = 64 * 1024 * 1024  # bytes, as received and once unpacked
Headers = tuple[tuple[str, str], ...]
_SPACE = uuid.UUID("7a1c5f0e-3f0b-5f5e-9d43-6c1a0a9e2c11")


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. `body` is as received, still content-encoded; `captured_at` is aware UTC."""

    url: str
    method: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    response_headers: Headers
    body: bytes
    captured_at: datetime
    ip_address: str = ""

    def header(self, name: str) -> str:
        """The first response header of that name, whatever its case; empty when absent."""
        return next((value for key, value in self.response_headers if key.lower() == name.lower()), "")

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.header("content-type").split(";")[0].strip().lower()

    @property
    def body_sha256(self) -> str:
        """SHA-256 hex of the body as received."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def content(self) -> bytes:
        """The body without its content codings. Raises `TooLarge` (64 MiB) or `DamagedCapture`."""
        data = self.body
        codings = [coding.strip().lower() for coding in self.header("content-encoding").split(",") if coding.strip()]
        for coding in reversed(codings):
            data = _unpack(data, coding)
        return data

    @property
    def text(self) -> str:
        """The content as text: the declared charset, else UTF-8; what does not decode becomes U+FFFD."""
        charset = "utf-8"
        for part in self.header("content-type").split(";")[1:]:
            key, _, value = part.strip().partition("=")
            if key.lower() == "charset":
                charset = value.strip("\"' ")
        try:
            return self.content.decode(charset, "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")


def _unpack(data: bytes, coding: str) -> bytes:
    """One content coding undone, refusing what unpacks to more than `MAX_BODY`."""
    if coding in ("identity", ""):
        return data
    if coding == "br":
        return _unpack_brotli(data)
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise DamagedCapture(f"content coding {coding!r} is not known")
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        unpacker = zlib.decompressobj(window)
        try:
            unpacked = unpacker.decompress(data, MAX_BODY + 1)
        except zlib.error as error:
            if window < 0 or coding != "deflate":
                raise DamagedCapture(f"the body does not unpack as {coding}: {error}") from error
            continue
        if len(unpacked) > MAX_BODY:
            raise TooLarge(f"the body unpacks to more than {MAX_BODY} bytes")
        if not unpacker.eof:
            raise DamagedCapture(f"the {coding} body is cut short")
        return unpacked
    raise DamagedCapture(f"the body does not unpack as {coding}")


def _unpack_brotli(data: bytes) -> bytes:
    """Brotli undone in pieces, so that a bomb is noticed before it fills the memory."""
    unpacker = brotli.Decompressor()
    pieces: list[bytes] = []
    size = 0
    try:
        for start in range(0, len(data), 65536):
            piece = unpacker.process(data[start : start + 65536])
            size += len(piece)
            if size > MAX_BODY:
                raise TooLarge(f"the body unpacks to more than {MAX_BODY} bytes")
            pieces.append(piece)
    except brotli.error as error:
        raise DamagedCapture(f"the body does not unpack as br: {error}") from error
    return b"".join(pieces)


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _clean(headers: Headers) -> list[tuple[str, str]]:
    """Headers that cannot break out of their line."""
    return [(name, " ".join(value.split("\n")).replace("\r", " ")) for name, value in headers]


def _ascii_url(url: str) -> str:
    """The address without white space or control characters, which a WARC header cannot hold."""
    return "".join(char if char.isprintable() and char != " " else f"%{ord(char):02X}" for char in url)


def to_warc_gz(exchange: Exchange) -> bytes:
    """A two-record `.warc.gz` (request, response), each record its own gzip member, the same bytes every time."""
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=False, warc_version="WARC/1.1")
    url = _ascii_url(exchange.url)
    seed = f"{url}\n{_date(exchange.captured_at)}\n{exchange.method}\n{exchange.status}\n{exchange.body_sha256}"
    response_id = f"<urn:uuid:{uuid.uuid5(_SPACE, 'response ' + seed)}>"
    request_id = f"<urn:uuid:{uuid.uuid5(_SPACE, 'request ' + seed)}>"
    common = {"WARC-Date": _date(exchange.captured_at)}
    if exchange.ip_address:
        common["WARC-IP-Address"] = exchange.ip_address
    response = writer.create_warc_record(
        url,
        "response",
        payload=io.BytesIO(exchange.body),
        length=len(exchange.body),
        http_headers=StatusAndHeaders(
            f"{exchange.status} {exchange.reason}".strip(), _clean(exchange.response_headers), protocol="HTTP/1.1"
        ),
        warc_headers_dict={**common, "WARC-Record-ID": response_id, "X-Vigie-Body-SHA256": exchange.body_sha256},
    )
    target = url.split("://", 1)[-1]
    path = "/" + target.split("/", 1)[1] if "/" in target else "/"
    request = writer.create_warc_record(
        url,
        "request",
        payload=io.BytesIO(exchange.request_body),
        length=len(exchange.request_body),
        http_headers=StatusAndHeaders(
            f"{exchange.method} {path} HTTP/1.1", _clean(exchange.request_headers), is_http_request=True
        ),
        warc_headers_dict={**common, "WARC-Record-ID": request_id, "WARC-Concurrent-To": response_id},
    )
    packed = b""
    for record in (request, response):
        writer.write_record(record)
        packed += gzip.compress(buffer.getvalue(), mtime=0)
        buffer.seek(0)
        buffer.truncate()
    return packed


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise DamagedCapture(f"a WARC record has no readable date: {text!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_body(record: Any) -> bytes:
    body: bytes = record.raw_stream.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise TooLarge(f"a WARC record holds more than {MAX_BODY} bytes")
    declared = record.rec_headers.get_header("Content-Length") or ""
    if declared.isdigit() and record.rec_type in ("response", "resource") and len(body) > int(declared):
        raise DamagedCapture("a WARC record is longer than it says")
    return body


def _answer(record: Any) -> Exchange:
    """A `response` or `resource` record as an exchange that does not know its request yet."""
    headers: Headers = ()
    status, reason = 200, ""
    if record.http_headers is not None:
        headers = tuple((str(name), str(value)) for name, value in record.http_headers.headers)
        code, _, reason = (record.http_headers.statusline or "").partition(" ")
        if not code.isdigit():
            raise DamagedCapture(f"a WARC response has no status: {record.http_headers.statusline!r}")
        status = int(code)
    elif record.rec_headers.get_header("Content-Type"):
        headers = (("Content-Type", record.rec_headers.get_header("Content-Type")),)
    body = _read_body(record)
    promised = record.rec_headers.get_header("X-Vigie-Body-SHA256")
    if promised and hashlib.sha256(body).hexdigest() != promised:
        raise DamagedCapture("a WARC response does not have the body its own header promises")
    if not promised:
        _check_length(record, body)
    return Exchange(
        url=record.rec_headers.get_header("WARC-Target-URI") or "",
        method="GET",
        request_headers=(),
        request_body=b"",
        status=status,
        reason=reason,
        response_headers=headers,
        body=body,
        captured_at=_moment(record.rec_headers.get_header("WARC-Date") or ""),
        ip_address=record.rec_headers.get_header("WARC-IP-Address") or "",
    )


def _check_length(record: Any, body: bytes) -> None:
    """A record cut short by another tool's crash must not pass for a whole page."""
    declared = record.rec_headers.get_header("Content-Length") or ""
    if record.rec_type == "resource" and declared.isdigit() and len(body) != int(declared):
        raise DamagedCapture("the WARC file ends in the middle of a record")
    if record.http_headers is not None and not record.http_headers.get_header("transfer-encoding"):
        length = record.http_headers.get_header("content-length") or ""
        if length.isdigit() and len(body) < int(length):
            raise DamagedCapture("the WARC file ends in the middle of a record")


def _records(stream: Any) -> Iterator[Any]:
    """warcio's records, with its many ways of failing turned into `DamagedCapture`."""
    iterator = iter(ArchiveIterator(stream, no_record_parse=False))
    while True:
        try:
            record = next(iterator)
        except StopIteration:
            return
        except (ArchiveLoadFailed, EOFError, OSError, ValueError, zlib.error) as error:
            raise DamagedCapture(f"not a readable WARC file: {' '.join(str(error).split())[:120]}") from error
        yield record


def _exchanges(stream: Any) -> Iterator[Exchange]:
    """Pair requests with answers of the same address, whichever comes first next to the other."""
    answer: Exchange | None = None
    request: tuple[str, str, Headers, bytes] | None = None
    for record in _records(stream):
        url = record.rec_headers.get_header("WARC-Target-URI") or ""
        if record.rec_type == "request":
            request = (url, *_request(record))
        elif record.rec_type in ("response", "resource"):
            if answer is not None:
                yield answer
            answer = _answer(record)
        if answer is not None and request is not None and request[0] == answer.url:
            yield replace(answer, method=request[1], request_headers=request[2], request_body=request[3])
            answer, request = None, None
    if answer is not None:
        yield answer


def _request(record: Any) -> tuple[str, Headers, bytes]:
    """Method, headers and body of a `request` record."""
    if record.http_headers is None:
        return "GET", (), _read_body(record)
    headers = tuple((str(name), str(value)) for name, value in record.http_headers.headers)
    return record.http_headers.protocol or "GET", headers, _read_body(record)


def _whole(stream: Any) -> None:
    """Unpack every gzip member to its checksum: a file cut short must not pass for a whole one."""
    stream.seek(0)
    try:
        with gzip.GzipFile(fileobj=stream) as packed:
            while packed.read(1 << 20):
                pass
    except (EOFError, OSError, zlib.error) as error:
        raise DamagedCapture(f"the WARC file is damaged or cut short: {error}") from error


def from_warc_gz(data: bytes) -> Exchange:
    """The exchange of a capture written by `to_warc_gz`. Raises `DamagedCapture`."""
    _whole(io.BytesIO(data))
    exchange = next(_exchanges(io.BytesIO(data)), None)
    if exchange is None:
        raise DamagedCapture("the WARC file holds no answer of a server")
    return exchange


def iter_exchanges(path: Path) -> Iterator[Exchange]:
    """The exchanges of any WARC file, one at a time. Raises `DamagedCapture`, also when the file ends too early."""
    with path.open("rb") as stream:
        if stream.read(2) == b"\x1f\x8b":
            _whole(stream)
        stream.seek(0)
        yield from _exchanges(stream)
