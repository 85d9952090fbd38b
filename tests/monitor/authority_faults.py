"""A faulty authority: each function answers a request in one wrong way, with real signatures where they matter."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ledger.sealing.openssl import openssl
from monitor.local_authority import LocalAuthority

TST_INFO = "1.2.840.113549.1.9.16.1.4"
TIME = re.compile(rb"\x18\x0f\d{14}Z")
Answer = Callable[[bytes], bytes]


def packed(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def resign(local: LocalAuthority, answer: bytes, change: Callable[[bytes], bytes], signer: str = "signer") -> bytes:
    """The answer with its TSTInfo changed and signed anew by `signer` (or `root`) of that authority."""
    with tempfile.TemporaryDirectory() as scratch:
        whole, token = Path(scratch) / "whole", Path(scratch) / "token"
        whole.write_bytes(answer)
        openssl("ts", "-reply", "-in", whole, "-token_out", "-out", token)
        info = openssl("cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", token)
        signed = openssl(
            *("cms", "-sign", "-binary", "-nodetach", "-cades", "-md", "sha256", "-econtent_type", TST_INFO),
            *("-signer", local.folder / f"{signer}.pem", "-inkey", local.folder / f"{signer}.key", "-outform", "DER"),
            given=change(info),
        )
    return packed(0x30, packed(0x30, b"\x02\x01\x00") + signed)


def at_time(local: LocalAuthority, moment: datetime) -> Answer:
    """Says `moment` whatever the hour: a lie, or another day in a test."""
    text = b"\x18\x0f" + moment.strftime("%Y%m%d%H%M%SZ").encode()
    return lambda request: resign(local, local.answer(request), lambda info: TIME.sub(text, info))


def by_the_root(local: LocalAuthority) -> Answer:
    """Signs with a trusted certificate that is not made for time stamps."""
    return lambda request: resign(local, local.answer(request), lambda info: info, "root")


def refusing(_request: bytes) -> bytes:
    """Status 2, « non »."""
    return packed(0x30, packed(0x30, b"\x02\x01\x02" + packed(0x30, packed(0x0C, b"non"))))


def about_something_else(local: LocalAuthority) -> Answer:
    """A good token over another hash, the nonce being right."""

    def answer(request: bytes) -> bytes:
        at = request.index(b"\x04\x20") + 2
        return local.answer(request[:at] + bytes(32) + request[at + 32 :])

    return answer


def to_somebody_else(local: LocalAuthority) -> Answer:
    """A good token over the hash, for another request: the nonce is another."""

    def answer(request: bytes) -> bytes:
        at = len(request) - 3 - 4  # before the last BOOLEAN
        return local.answer(request[:at] + bytes(byte ^ 0x55 for byte in request[at : at + 4]) + request[at + 4 :])

    return answer


def altered(local: LocalAuthority) -> Answer:
    """A good token with one bit of its signature changed."""

    def answer(request: bytes) -> bytes:
        good = local.answer(request)
        return good[:-1] + bytes([good[-1] ^ 1])

    return answer
