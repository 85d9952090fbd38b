"""Sign bytes with the organisation's certificate (CMS, detached). It chooses nothing to sign and verifies nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from reference.errors import VigieError

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PEM = b"-----BEGIN"


class BadCertificate(VigieError):
    """The organisation's certificate cannot be used: unreadable, without its key, or of an unknown kind."""


@dataclass(frozen=True)
class Signer:
    """Who signs: a certificate, its key, and the certificates between it and its root."""

    certificate: x509.Certificate
    key: Key = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def sha256(self) -> str:
        """The certificate's fingerprint: SHA-256 of its DER, lower-case hex."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def subject(self) -> str:
        """Who the certificate names, as RFC 4514 writes it."""
        return self.certificate.subject.rfc4514_string()

    def why_not(self, at: datetime) -> str:
        """Why this certificate may not sign at that time, in French; empty when it may."""
        first, last = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        if at < first:
            return f"le certificat n’est valable qu’à partir du {first:%Y-%m-%d}"
        return f"le certificat a expiré le {last:%Y-%m-%d}" if at > last else ""

    def sign(self, data: bytes) -> bytes:
        """A detached CMS signature over the bytes, DER, certificates inside.

        `openssl cms -verify -binary -inform DER -content FILE` reads it.
        """
        builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
        builder = builder.add_signer(self.certificate, self.key, hashes.SHA256())
        for certificate in self.chain:
            builder = builder.add_certificate(certificate)
        options = [
            pkcs7.PKCS7Options.Binary,
            pkcs7.PKCS7Options.DetachedSignature,
            pkcs7.PKCS7Options.NoCapabilities,
        ]
        return builder.sign(serialization.Encoding.DER, options)


def load_signer(path: Path, password: str | None = None) -> Signer:
    """The signer kept in a PKCS#12 file, or in a PEM file of key and certificates (the signer's first).

    Raises `BadCertificate` in one line.
    """
    secret = password.encode() if password else None
    try:
        data = path.read_bytes()
        if data.lstrip().startswith(PEM):
            key: object = serialization.load_pem_private_key(data, secret)
            certificates = x509.load_pem_x509_certificates(data)
            certificate: x509.Certificate | None = certificates[0]
            chain = tuple(certificates[1:])
        else:
            key, certificate, more = pkcs12.load_key_and_certificates(data, secret)
            chain = tuple(more)
    except OSError as error:
        raise BadCertificate(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise BadCertificate(f"{path}: neither PKCS#12 nor PEM with a key, or the password is wrong") from error
    if certificate is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise BadCertificate(f"{path}: it must hold a certificate and its RSA or elliptic-curve key")
    if certificate.public_key() != key.public_key():
        raise BadCertificate(f"{path}: the key is not that of the first certificate")
    return Signer(certificate, key, chain)
