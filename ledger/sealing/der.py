"""As much of DER as RFC 3161 needs: write a request, read an answer. It judges nothing it reads.

OpenSSL answers with certificates out of DER's order, and so do authorities built on it. Only what is needed is read
here, and the signature is left to `openssl`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

INTEGER, OCTETS, OID, UTF8, GENERALIZED_TIME, SEQUENCE = 0x02, 0x04, 0x06, 0x0C, 0x18, 0x30
CONTEXT_0 = 0xA0
_SHA256 = bytes.fromhex("300d06096086480165030402010500")  # AlgorithmIdentifier { sha256, NULL }
_TIME = re.compile(r"([0-9]{14})(?:\.([0-9]{1,9}))?Z")
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_SIGNED_DATA = "1.2.840.113549.1.7.2"


class NotDer(ValueError):
    """The bytes are not what they should be."""


@dataclass(frozen=True)
class Answer:
    """A TimeStampResp: the status, what the authority says of it, and the token's facts when there is a token."""

    status: int
    words: str
    info: TokenInfo | None


@dataclass(frozen=True)
class TokenInfo:
    """What a token states; `nonce` is `None` when it names none."""

    policy: str
    algorithm: str
    imprint: bytes
    serial: int
    time: datetime
    nonce: int | None


def _packed(tag: int, content: bytes) -> bytes:
    if len(content) > 127:
        raise NotDer("a request is never that long")
    return bytes((tag, len(content))) + content


def request(digest: bytes, nonce: int) -> bytes:
    """A TimeStampReq for a SHA-256 digest that asks for the signer's certificate; `nonce` is positive, of 64 bits."""
    number = nonce.to_bytes(9, "big").lstrip(b"\0")
    if number[0] & 0x80:
        number = b"\0" + number
    imprint = _packed(SEQUENCE, _SHA256 + _packed(OCTETS, digest))
    return _packed(SEQUENCE, b"\x02\x01\x01" + imprint + _packed(INTEGER, number) + b"\x01\x01\xff")


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element in `data`, one after the other."""
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise NotDer("cut short")
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or at + size > len(data):
                raise NotDer("a length that cannot be")
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise NotDer("cut short")
        yield tag, data[at : at + length]
        at += length


def _only(data: bytes, tag: int) -> bytes:
    """The content of the one element `data` is."""
    parts = list(_parts(data))
    if len(parts) != 1 or parts[0][0] != tag:
        raise NotDer("not one element of the kind expected")
    return parts[0][1]


def _at(parts: list[tuple[int, bytes]], place: int, tag: int) -> bytes:
    if place >= len(parts) or parts[place][0] != tag:
        raise NotDer("an element is missing")
    return parts[place][1]


def _oid(content: bytes) -> str:
    numbers, value = [], 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    if not numbers or content[-1] & 0x80:
        raise NotDer("an object identifier that cannot be")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def _time(content: bytes) -> datetime:
    found = _TIME.fullmatch(content.decode("ascii", "replace"))
    if not found:
        raise NotDer("a time that cannot be")
    try:
        whole = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise NotDer("a time that cannot be") from error
    return whole + timedelta(microseconds=int((found[2] or "0").ljust(9, "0")[:6]))


def read_answer(data: bytes) -> Answer:
    """The TimeStampResp in `data`. Raises `NotDer` (a `ValueError`) for anything else."""
    outer = list(_parts(_only(data, SEQUENCE)))
    status_info = list(_parts(_at(outer, 0, SEQUENCE)))
    status = int.from_bytes(_at(status_info, 0, INTEGER), "big", signed=True)
    words = [
        text.decode("utf-8", "replace")
        for tag, content in status_info[1:]
        if tag == SEQUENCE
        for kind, text in _parts(content)
        if kind == UTF8
    ]
    info = _token_info(_at(outer, 1, SEQUENCE)) if len(outer) > 1 else None
    return Answer(status, " ".join(" ".join(words).split())[:200], info)


def _token_info(content: bytes) -> TokenInfo:
    """ContentInfo → SignedData → EncapsulatedContentInfo → TSTInfo."""
    parts = list(_parts(content))
    if _oid(_at(parts, 0, OID)) != _SIGNED_DATA:
        raise NotDer("the token is not signed data")
    signed = list(_parts(_only(_at(parts, 1, CONTEXT_0), SEQUENCE)))
    inside = list(_parts(_at(signed, 2, SEQUENCE)))
    if _oid(_at(inside, 0, OID)) != _TST_INFO:
        raise NotDer("the signed data is no time stamp")
    info = list(_parts(_only(_only(_at(inside, 1, CONTEXT_0), OCTETS), SEQUENCE)))
    imprint = list(_parts(_at(info, 2, SEQUENCE)))
    algorithm = list(_parts(_at(imprint, 0, SEQUENCE)))
    nonce = [content for tag, content in info[5:] if tag == INTEGER]
    return TokenInfo(
        policy=_oid(_at(info, 1, OID)),
        algorithm=_oid(_at(algorithm, 0, OID)),
        imprint=_at(imprint, 1, OCTETS),
        serial=int.from_bytes(_at(info, 3, INTEGER), "big", signed=True),
        time=_time(_at(info, 4, GENERALIZED_TIME)),
        nonce=int.from_bytes(nonce[0], "big", signed=True) if nonce else None,
    )
