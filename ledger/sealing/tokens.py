"""RFC 3161: what is asked of an authority, and whether its answer is accepted. It opens no connection."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from ledger.sealing.der import NotDer, TokenInfo, read_answer, request
from ledger.sealing.openssl import OpensslMissing, OpensslRefused, openssl
from reference.errors import VigieError

GRANTED = (0, 1)  # granted, granted with modifications; what was modified is compared below
SHA256 = "2.16.840.1.101.3.4.2.1"
LARGEST_ANSWER = 64 * 1024  # bytes; real tokens have four to eight thousand
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


class Fault(StrEnum):
    """Why an authority's stamp is not there."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    HTTP_ERROR = "http_error"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    REFUSED = "refused"
    WRONG_IMPRINT = "wrong_imprint"
    WRONG_NONCE = "wrong_nonce"
    WRONG_TIME = "wrong_time"
    WRONG_SIGNER = "wrong_signer"
    ANOTHER_CALENDAR = "another_calendar"  # the promise is somebody else's
    NOT_YET = "not_yet"  # a calendar has not kept its promise yet: no failure
    NO_OPENSSL = "no_openssl"  # ours: the answer could not be checked, so it is not kept


# The next seal would fare no better now.
AWAY = frozenset({Fault.UNREACHABLE, Fault.TIMEOUT, Fault.HTTP_ERROR, Fault.NO_OPENSSL})


class StampFault(VigieError):
    """No acceptable token came: `fault` says which kind of failure, the message the rest."""

    def __init__(self, fault: Fault, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.fault = fault


class BadCertificates(VigieError):
    """The certificates of an authority cannot be read, or hold no root."""


@dataclass(frozen=True)
class Authority:
    """Who is asked, and by which certificates (PEM: root, intermediates) its tokens are trusted.

    `qualified`: the operator says that it stands on an EU trusted list (eIDAS, article 42); it is printed, not checked.
    """

    name: str
    url: str
    certificates: str
    tolerance: timedelta = timedelta(seconds=300)
    qualified: bool = False

    def check(self) -> None:
        """Raises `BadCertificates` when its certificates are not PEM."""
        found = _PEM.findall(self.certificates)
        try:
            whole = all(base64.b64decode("".join(block.split()), validate=True)[:1] == b"\x30" for block in found)
        except binascii.Error:
            whole = False
        if not (found and whole):
            raise BadCertificates(f"authority {self.name}: no certificates in PEM")


Transport = Callable[[Authority, bytes], bytes]  # the request's DER to the answer's bytes; raises StampFault


@dataclass(frozen=True)
class Request:
    """One question: its DER, and what the answer must repeat."""

    der: bytes
    nonce: int
    digest: bytes


@dataclass(frozen=True)
class Token:
    """An answer that was accepted."""

    der: bytes
    time: datetime
    serial: str
    policy: str


def ask_for(content: bytes) -> Request:
    """The request for a token over SHA-256 of `content`, with a new nonce, the signer's certificate included."""
    digest, nonce = hashlib.sha256(content).digest(), secrets.randbits(63) | 1 << 63
    return Request(request(digest, nonce), nonce, digest)


def accept(answer: bytes, asked: Request, authority: Authority, now: datetime) -> Token:
    """The token in `answer`, if everything about it is right. Raises `StampFault` with the first thing that is not.

    `now` is our clock when the answer came: a token that says another time proves nothing about ours.
    """
    if len(answer) > LARGEST_ANSWER:
        raise StampFault(Fault.TOO_LARGE, f"the answer has more than {LARGEST_ANSWER} bytes")
    try:
        read = read_answer(answer)
    except NotDer as error:
        raise StampFault(Fault.MALFORMED, f"the answer is no time stamp: {error}") from error
    if read.status not in GRANTED:
        raise StampFault(Fault.REFUSED, f"status {read.status}: {read.words or 'no reason given'}")
    if read.info is None:
        raise StampFault(Fault.MALFORMED, "the answer says granted and holds no token")
    _compare(read.info, asked, authority, now)
    _trust(answer, asked, authority)
    return Token(answer, read.info.time, f"{read.info.serial:x}"[:64], read.info.policy[:80])


def _compare(info: TokenInfo, asked: Request, authority: Authority, now: datetime) -> None:
    """What the token states against what was asked."""
    if (info.algorithm, info.imprint) != (SHA256, asked.digest):
        raise StampFault(Fault.WRONG_IMPRINT, "the token is about something else")
    if info.nonce != asked.nonce:
        raise StampFault(Fault.WRONG_NONCE, "the token answers another request")
    if abs(info.time - now) > authority.tolerance:
        when = f"the token says {info.time:%Y-%m-%d %H:%M:%S}, our clock {now:%Y-%m-%d %H:%M:%S}"
        raise StampFault(Fault.WRONG_TIME, when)


def _trust(answer: bytes, asked: Request, authority: Authority) -> None:
    """Signature, chain and purpose of the signer's certificate, as a stranger would have them checked."""
    with tempfile.TemporaryDirectory() as scratch:
        token, trusted = Path(scratch) / "token.tsr", Path(scratch) / "trusted.pem"
        token.write_bytes(answer)
        trusted.write_text(authority.certificates, encoding="utf-8")
        try:
            openssl("ts", "-verify", "-digest", asked.digest.hex(), "-in", token, "-CAfile", trusted)
        except OpensslRefused as error:
            raise StampFault(Fault.WRONG_SIGNER, f"the signature is not trusted: {error}") from error
        except OpensslMissing as error:
            raise StampFault(Fault.NO_OPENSSL, f"the answer cannot be checked: {error}") from error
