"""Exchanges as WARC 1.1: written so that the same exchange gives the same bytes, and read from other tools' files too.

warcio writes SHA-1 digests; `X-Vigie-Body-SHA256` keeps ours. What the crawler cannot know is not there: the reason
phrase as sent, the case of header names, the transfer coding (`docs/method.md`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import struct
import uuid
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParserException
from warcio.warcwriter import WARCWriter

from ledger.coding import MAX_BODY
from ledger.errors import DamagedCapture, TooLarge
from ledger.exchange import Exchange, Headers
from ledger.http_message import Message, parse_message

__all__ = ["MAX_BODY", "Exchange", "Headers", "from_warc_gz", "iter_exchanges", "to_warc_gz"]

_SPACE = uuid.UUID("7a1c5f0e-3f0b-5f5e-9d43-6c1a0a9e2c11")
_MAX_HEAD = 1024 * 1024  # bytes of HTTP headers allowed on top of the largest body
_BREAKS = re.compile(r"[\r\n]+")
_UNSAFE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff<>]")
_DIGEST = re.compile(r"(sha1|sha256):([A-Za-z0-9=]+)")
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, no system: equal everywhere


class _Head(StatusAndHeaders):  # type: ignore[misc]
    """An HTTP head that warcio writes as we give it: its own would percent-encode accents, or fail on them."""

    def __init__(self, first_line: str, headers: Headers) -> None:
        super().__init__(first_line, list(headers))
        lines = [first_line, *(f"{name}: {value}" if value else f"{name}:" for name, value in headers), "", ""]
        self._exact = "\r\n".join(lines).encode("utf-8", "replace")

    def compute_headers_buffer(self, header_filter: Any = None) -> None:  # noqa: ARG002
        self.headers_buff = self._exact


class _Archive(ArchiveIterator):  # type: ignore[misc]
    """warcio's reader, which counts the records that do not end where they said instead of writing to the terminal."""

    INC_RECORD = ""


def _line(text: str) -> str:
    """`text` on one line, without space around it: a header or status cannot break out and forge another."""
    return _BREAKS.sub(" ", text).strip(" \t")


def _clean(headers: Headers) -> Headers:
    """Headers as they can stand in a message: a name is a token, a value is one line."""
    named = ((re.sub(r"[\s:]+", "", name), _line(value)) for name, value in headers)
    return tuple((name, value) for name, value in named if name)


def _clean_url(url: str) -> str:
    """The address as one word, as a WARC header can hold it; accents stay."""
    return _UNSAFE.sub(lambda found: quote(found.group().encode("utf-8", "replace")), url)


def _normal(exchange: Exchange) -> Exchange:
    """The exchange as the file will hold it. A time without a zone raises `ValueError`: it proves nothing."""
    if exchange.captured_at.tzinfo is None:
        raise ValueError("a capture time needs a time zone")
    return replace(
        exchange,
        url=_clean_url(exchange.url),
        method="".join(exchange.method.split()) or "GET",
        reason=_line(exchange.reason),
        request_headers=_clean(exchange.request_headers),
        response_headers=_clean(exchange.response_headers),
        captured_at=exchange.captured_at.astimezone(UTC),
        ip_address="".join(exchange.ip_address.split()),
    )


def _identifiers(exchange: Exchange) -> tuple[str, str]:
    """Record ids of request and response, drawn from everything they hold: equal content, equal id, and only then."""
    fields = (
        exchange.url,
        exchange.method,
        str(exchange.status),
        exchange.reason,
        exchange.captured_at.isoformat(),
        exchange.ip_address,
        hashlib.sha256(exchange.request_body).hexdigest(),
        exchange.body_sha256,
        *(part for header in (*exchange.request_headers, ("", ""), *exchange.response_headers) for part in header),
    )
    seed = hashlib.sha256(b"".join(f"{len(f)}:{f}".encode("utf-8", "surrogatepass") for f in fields)).hexdigest()
    request, response = (uuid.uuid5(_SPACE, f"{kind} {seed}") for kind in ("request", "response"))
    return f"<urn:uuid:{request}>", f"<urn:uuid:{response}>"


def _target(url: str) -> str:
    """The path and query of the address, in ASCII, as a request line holds them."""
    rest = url.split("#", 1)[0].split("://", 1)[-1]
    start = min((rest.index(sign) for sign in "/?" if sign in rest), default=len(rest))
    path = rest[start:]
    return quote(path if path.startswith("/") else "/" + path, safe="/?%:@!$&'()*+,;=~-._#[]|^`{}\\\"")


def _pack(record: bytes) -> bytes:
    """One gzip member, with a head that names no time and no system."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = packer.compress(record) + packer.flush()
    return _GZIP_HEAD + deflated + struct.pack("<II", zlib.crc32(record), len(record) & 0xFFFFFFFF)


def to_warc_gz(exchange: Exchange) -> bytes:
    """A two-record `.warc.gz` (request, response), each record its own gzip member, the same bytes every time.

    `from_warc_gz` gives the exchange back; only what would break a message is changed: line breaks and outer blanks in
    headers, blanks in the address.
    """
    exchange = _normal(exchange)
    request_id, response_id = _identifiers(exchange)
    common = {"WARC-Date": exchange.captured_at.isoformat(timespec="microseconds").replace("+00:00", "Z")}
    if exchange.ip_address:
        common["WARC-IP-Address"] = exchange.ip_address
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=False, warc_version="WARC/1.1")
    request = writer.create_warc_record(
        exchange.url,
        "request",
        payload=io.BytesIO(exchange.request_body),
        length=len(exchange.request_body),
        http_headers=_Head(f"{exchange.method} {_target(exchange.url)} HTTP/1.1", exchange.request_headers),
        warc_headers_dict={**common, "WARC-Record-ID": request_id, "WARC-Concurrent-To": response_id},
    )
    response = writer.create_warc_record(
        exchange.url,
        "response",
        payload=io.BytesIO(exchange.body),
        length=len(exchange.body),
        http_headers=_Head(f"HTTP/1.1 {exchange.status} {exchange.reason}", exchange.response_headers),
        warc_headers_dict={**common, "WARC-Record-ID": response_id, "X-Vigie-Body-SHA256": exchange.body_sha256},
    )
    packed = b""
    for record in (request, response):
        writer.write_record(record)
        packed += _pack(buffer.getvalue())
        buffer.seek(0)
        buffer.truncate()
    return packed


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise DamagedCapture(f"a WARC record has no readable date: {text[:40]!r}") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _block(record: Any) -> bytes:
    """The whole block of a record, of the length and digest its header announces, and within the limits."""
    try:
        length = int(record.rec_headers.get_header("Content-Length") or "")
    except ValueError as error:
        raise DamagedCapture("a WARC record does not say how long it is") from error
    if length > MAX_BODY + _MAX_HEAD:
        raise TooLarge(f"a WARC record holds more than {MAX_BODY} bytes")
    block: bytes = record.raw_stream.read(length) if length > 0 else b""
    while len(block) < length:
        more: bytes = record.raw_stream.read(length - len(block))
        if not more:
            raise DamagedCapture("the WARC file ends in the middle of a record")
        block += more
    promised = _DIGEST.fullmatch(record.rec_headers.get_header("WARC-Block-Digest") or "")
    if promised and not _has_digest(block, *promised.groups()):
        raise DamagedCapture("a WARC record does not have the content its own digest promises")
    return block


def _has_digest(block: bytes, algorithm: str, value: str) -> bool:
    """True when the digest holds; it may be written in base 32 or base 16, and in neither it proves nothing."""
    digest = hashlib.new(algorithm, block, usedforsecurity=False).digest()
    plain = value.rstrip("=").upper()
    if len(plain) == len(digest) * 2:
        return plain == digest.hex().upper()
    return len(plain) != -(-len(digest) * 8 // 5) or plain == base64.b32encode(digest).decode("ascii").rstrip("=")


def _answer(record: Any, url: str) -> Exchange:
    """A `response` or `resource` record as an exchange that does not know its request yet."""
    block = _block(record)
    promised = record.rec_headers.get_header("X-Vigie-Body-SHA256") or ""
    if record.rec_type == "resource":
        kind = record.rec_headers.get_header("Content-Type") or ""
        message = Message("HTTP/1.1 200", (("Content-Type", kind),) if kind else (), block)
    else:
        message = parse_message(block, as_stored=bool(promised))
    if promised and hashlib.sha256(message.body).hexdigest() != promised:
        raise DamagedCapture("a WARC response does not have the body its own header promises")
    if len(message.body) > MAX_BODY:
        raise TooLarge(f"a WARC record holds more than {MAX_BODY} bytes")
    status, reason = message.status
    return Exchange(
        url=url,
        method="GET",
        request_headers=(),
        request_body=b"",
        status=status,
        reason=reason,
        response_headers=message.headers,
        body=message.body,
        captured_at=_moment(record.rec_headers.get_header("WARC-Date") or ""),
        ip_address=record.rec_headers.get_header("WARC-IP-Address") or "",
    )


def _records(stream: IO[bytes] | gzip.GzipFile) -> Iterator[Any]:
    """warcio's records, with its many ways of failing turned into `DamagedCapture`. Blocks are left for us to read."""
    with closing(_Archive(stream, no_record_parse=True)) as archive:
        iterator = iter(archive)
        while True:
            try:
                record = next(iterator)
            except StopIteration:
                record = None
            except (ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, OSError, zlib.error) as error:
                raise DamagedCapture(f"not a readable WARC file: {' '.join(str(error).split())[:120]}") from error
            except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:  # of warcio, on odd records
                raise DamagedCapture(f"not a readable WARC file: {' '.join(str(error).split())[:120]}") from error
            if archive.err_count:
                raise DamagedCapture("a WARC record does not end where it says")
            if record is None:
                return
            yield record


def _is_page(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _exchanges(stream: IO[bytes] | gzip.GzipFile) -> Iterator[Exchange]:
    """Each answer with the request beside it, before or after, when that is of the same address."""
    answer: Exchange | None = None
    request: tuple[str, Message] | None = None
    for record in _records(stream):
        url = record.rec_headers.get_header("WARC-Target-URI") or ""
        if record.rec_type == "request" and _is_page(url):
            request = (url, parse_message(_block(record), as_stored=True))
        elif record.rec_type in ("response", "resource") and _is_page(url):
            if answer is not None:
                yield answer
            answer = _answer(record, url)
        elif record.rec_type == "revisit":
            request = None
        if answer is not None and request is not None:
            if request[0] == answer.url:
                message = request[1]
                method = message.first_line.split(" ", 1)[0]
                yield replace(answer, method=method, request_headers=message.headers, request_body=message.body)
                answer, request = None, None
            elif record.rec_type == "request":  # the answer has no request of its own
                yield answer
                answer = None
            else:  # the request got no answer
                request = None
    if answer is not None:
        yield answer


def _whole(stream: IO[bytes]) -> None:
    """Unpack every gzip member to its checksum: a file cut short must not pass for a whole one."""
    stream.seek(0)
    try:
        with gzip.GzipFile(fileobj=stream) as packed:
            while packed.read(1 << 20):
                pass
    except (EOFError, OSError, zlib.error) as error:
        raise DamagedCapture(f"the WARC file is damaged or cut short: {error}") from error
    stream.seek(0)


def from_warc_gz(data: bytes) -> Exchange:
    """The exchange of a capture written by `to_warc_gz`. Raises `DamagedCapture`, or `TooLarge` above 64 MiB."""
    stream = io.BytesIO(data)
    _whole(stream)
    with gzip.GzipFile(fileobj=stream) as plain:
        exchange = next(_exchanges(plain), None)
    if exchange is None:
        raise DamagedCapture("the WARC file holds no answer of a server")
    return exchange


def iter_exchanges(path: Path) -> Iterator[Exchange]:
    """The exchanges of any tool's WARC file, one at a time: at most one record is in memory.

    `.warc` or `.warc.gz`, one gzip member a record or one for all; `response` and `resource` records of http(s)
    addresses. A compressed file is first read through to its last checksum, so that nothing is taken from one that is
    cut short. Raises `DamagedCapture`, or `TooLarge` for a record above 64 MiB.
    """
    with path.open("rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            stream.seek(0)
            yield from _exchanges(stream)
            return
        _whole(stream)
        with gzip.GzipFile(fileobj=stream) as plain:
            yield from _exchanges(plain)
