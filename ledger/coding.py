"""Undo content codings and character encodings, within limits. It knows no HTTP exchange, no file and no network."""

from __future__ import annotations

import codecs
import re
import zlib

import brotli

from ledger.errors import DamagedCapture, TooLarge

MAX_BODY = 64 * 1024 * 1024  # bytes, as received and once unpacked
MAX_LAYERS = 4  # content codings on top of each other; real servers use one
_STEP = 65536
_META_CHARSET = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# What the web calls these is windows-1252 in every browser, and in the euro signs and dashes of French pages.
_AS_BROWSERS_DO = {"iso8859-1": "cp1252", "ascii": "cp1252"}
_NOT_OF_THE_WEB = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"})


def unpack(body: bytes, content_encoding: str) -> bytes:
    """`body` without the codings its `Content-Encoding` header lists, the last applied undone first.

    Raises `TooLarge` for more than 64 MiB at any layer, before the memory is spent, and `DamagedCapture` for a body
    that is cut short, does not unpack, or is in a coding Vigie does not know.
    """
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > MAX_LAYERS:
        raise DamagedCapture(f"the body is packed {len(codings)} times over")
    for coding in reversed(codings):
        if not body:  # an answer to HEAD, or 304, names a coding and has no body
            return body
        body = _unpack_one(body, coding)
    if len(body) > MAX_BODY:
        raise TooLarge(f"the body has more than {MAX_BODY} bytes")
    return body


def _unpack_one(body: bytes, coding: str) -> bytes:
    if coding == "br":
        return _unpack_brotli(body)
    if coding in ("gzip", "x-gzip"):
        return _inflate(body, zlib.MAX_WBITS | 16, coding)
    if coding == "deflate":
        # « deflate » means zlib in the standard, and a bare stream from some servers: browsers accept both.
        zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
        return _inflate(body, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS, coding)
    raise DamagedCapture(f"content coding {coding[:40]!r} is not known")


def _inflate(body: bytes, window: int, coding: str) -> bytes:
    """Gzip (several members are one body, and zeros or rubbish after the last are ignored) or deflate, undone."""
    pieces: list[bytes] = []
    size = 0
    while True:
        unpacker = zlib.decompressobj(window)
        try:
            piece = unpacker.decompress(body, MAX_BODY + 1 - size)
        except zlib.error as error:
            if pieces:
                break
            raise DamagedCapture(f"the body does not unpack as {coding}: {error}") from error
        size += len(piece)
        if size > MAX_BODY:
            raise TooLarge(f"the body unpacks to more than {MAX_BODY} bytes")
        if not unpacker.eof:
            raise DamagedCapture(f"the {coding} body is cut short")
        pieces.append(piece)
        body = unpacker.unused_data
        if window != zlib.MAX_WBITS | 16 or not body.startswith(b"\x1f\x8b"):
            break
    return b"".join(pieces)


def _unpack_brotli(body: bytes) -> bytes:
    """Brotli undone in pieces, so that a bomb is noticed before it fills the memory."""
    unpacker = brotli.Decompressor()
    pieces: list[bytes] = []
    size = 0
    data = body
    try:
        while not unpacker.is_finished():
            piece = unpacker.process(data, output_buffer_limit=_STEP)
            if not piece and unpacker.can_accept_more_data() and not unpacker.is_finished():
                raise DamagedCapture("the br body is cut short")
            data = b""
            size += len(piece)
            if size > MAX_BODY:
                raise TooLarge(f"the body unpacks to more than {MAX_BODY} bytes")
            pieces.append(piece)
    except brotli.error as error:
        raise DamagedCapture(f"the body does not unpack as br: {error}") from error
    return b"".join(pieces)


def decode(content: bytes, content_type: str) -> str:
    """`content` as text, the way browsers choose: byte order mark, header, `<meta>`, UTF-8, at last windows-1252.

    What does not decode under a declared charset becomes U+FFFD. A made-up charset counts as none; it never raises.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name, "replace")
    media, _, parameters = content_type.partition(";")
    declared = [found.group(1) for found in [_HEADER_CHARSET.search(parameters)] if found]
    if "html" in media.lower() or not media.strip():
        declared += [found.group(1).decode("ascii") for found in [_META_CHARSET.search(content[:4096])] if found]
    for label in declared:
        charset = _charset(label)
        if charset:
            return content.decode(charset, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("utf-8" if "json" in media.lower() else "cp1252", "replace")


def _charset(label: str) -> str:
    """Python's name of a charset that pages use, or "" (Python's own `idna`, `hex`, `unicode_escape` are not)."""
    try:
        name = codecs.lookup(label).name
        "".encode(name)
    except (LookupError, ValueError):
        return ""
    if name.startswith("utf-16") and not label.lower().startswith("utf-16"):
        return ""
    return (
        ""
        if name.replace("-", "_") in {n.replace("-", "_") for n in _NOT_OF_THE_WEB}
        else _AS_BROWSERS_DO.get(name, name)
    )
