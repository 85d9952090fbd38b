"""Read an HTTP/1 message from the bytes of a WARC record, exactly. It writes none, and knows no WARC."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.errors import DamagedCapture
from ledger.exchange import Headers

_STATUS = re.compile(r"HTTP/\S*[ \t]+(\d{1,4})(?:[ \t]+(.*))?")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r?\n")


@dataclass(frozen=True)
class Message:
    """First line, headers in their order, and the body without its transfer coding."""

    first_line: str
    headers: Headers
    body: bytes

    @property
    def status(self) -> tuple[int, str]:
        """Status code and reason phrase. Raises `DamagedCapture` when the first line is none of an answer."""
        found = _STATUS.fullmatch(self.first_line.strip(" \t"))
        if not found:
            raise DamagedCapture(f"a WARC response has no status: {self.first_line[:60]!r}")
        return int(found.group(1)), found.group(2) or ""


def _text(line: bytes) -> str:
    """Headers are UTF-8 today and Latin-1 of old; every byte is one of the two."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def parse_message(block: bytes, *, as_stored: bool) -> Message:
    """The message in `block`. `as_stored` takes the body as it stands; otherwise one that another tool kept in its
    chunks is joined. Raises `DamagedCapture` when the chunks do not join up.
    """
    end = re.search(rb"\r?\n\r?\n", block)
    head, body = (block[: end.start()], block[end.end() :]) if end else (block.rstrip(b"\r\n"), b"")
    first, *lines = head.split(b"\n")
    headers: list[tuple[str, str]] = []
    for raw in lines:
        line = _text(raw.removesuffix(b"\r"))
        if line[:1] in (" ", "\t") and headers:  # a folded line goes on with the value before it
            name, value = headers[-1]
            headers[-1] = (name, " ".join((value, line.strip(" \t"))).strip(" \t"))
            continue
        name, colon, value = line.partition(":")
        if colon and name.strip(" \t"):
            headers.append((name.strip(" \t"), value.strip(" \t")))
    coded = any(name.lower() == "transfer-encoding" and "chunked" in value.lower() for name, value in headers)
    if coded and not as_stored:
        body = _join_chunks(body)
    return Message(_text(first.removesuffix(b"\r")), tuple(headers), body)


def _join_chunks(body: bytes) -> bytes:
    """The body without its chunk lines. Many tools join the chunks and leave the header: that body is whole already."""
    pieces: list[bytes] = []
    position = 0
    while found := _CHUNK.match(body, position):
        size = int(found.group(1), 16)
        if size == 0:
            return b"".join(pieces)
        piece = body[found.end() : found.end() + size]
        position = found.end() + size
        if len(piece) < size or body[position : position + 1] not in (b"\r", b"\n"):
            break
        pieces.append(piece)
        position += 2 if body[position : position + 2] == b"\r\n" else 1
    if pieces:
        raise DamagedCapture("the chunks of a WARC response do not join up")
    return body
