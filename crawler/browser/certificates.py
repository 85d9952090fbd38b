"""The certificates a site showed the browser, as one PEM file and in words. It trusts nobody and checks no chain."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from ledger.clean_facts import Piece


def as_piece(chain: Sequence[str]) -> Piece:
    """The chain (base64 DER, the site's own first, as the browser gives it) as `certificats.pem`."""
    blocks = []
    for encoded in chain:
        body = "\n".join(textwrap.wrap("".join(encoded.split()), 64))
        blocks.append(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    return Piece("certificates", "certificats.pem", "application/x-pem-file", "".join(blocks).encode("ascii"))


def described(chain: Sequence[str]) -> list[dict[str, Any]]:
    """Each certificate: subject, issuer, serial, validity, SHA-256. One that cannot be read says so."""
    return [_described(base64.b64decode(encoded)) for encoded in chain]


def _described(der: bytes) -> dict[str, Any]:
    try:
        certificate = x509.load_der_x509_certificate(der)
        return {
            "subject": certificate.subject.rfc4514_string(),
            "issuer": certificate.issuer.rfc4514_string(),
            "serial": format(certificate.serial_number, "x"),
            "not_before": certificate.not_valid_before_utc.isoformat(),
            "not_after": certificate.not_valid_after_utc.isoformat(),
            "sha256": certificate.fingerprint(SHA256()).hex(),
        }
    except ValueError as error:
        return {"unreadable": str(error)[:200]}
