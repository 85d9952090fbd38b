"""PAdES signatures: each level that is reached, what lowers it, and what the library's own validator says of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bundle_world as world
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError

from ledger.bundle import BadName, Signer, Trust, sign_pdf
from ledger.verifying import verify
from ledger.verifying.pdf import signed_pdfs


@pytest.fixture(scope="module")
def pdf() -> bytes:
    """A plain document."""
    import typst

    compiled: bytes = typst.compile(b"= Dossier d'essai\nUne page.", pdf_standards=["a-3a"])
    return compiled


def asker(authority: world.Authority) -> Callable[[bytes], bytes]:
    def ask(request: bytes) -> bytes:
        (authority.folder / "query").write_bytes(request)
        authority.run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (authority.folder / "reply").read_bytes()

    return ask


class Office:
    """An authority of certificates with a revocation list, for a signer and for an authority of time stamps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Racine d’essai")])
        self.root = self._certificate(name, name, self.key, ca=True)
        now = datetime.now(UTC)
        crl = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(now - timedelta(days=1))
        self._crl = crl.next_update(now + timedelta(days=30))

    def _certificate(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        ca: bool = False,
        tsa: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=2))
        made = made.not_valid_after(now + timedelta(days=900))
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        never = ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")
        usage = dict.fromkeys(never, False)
        usage |= {"digital_signature": not ca, "content_commitment": not ca, "key_cert_sign": ca, "crl_sign": ca}
        made = made.add_extension(x509.KeyUsage(**usage), critical=True)
        if tsa:
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            made = made.add_extension(purpose, critical=True)
        return made.sign(self.key, hashes.SHA256())

    def person(self, common_name: str, *, tsa: bool = False) -> Signer:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        return Signer(self._certificate(name, self.root.subject, key, tsa=tsa), key)

    def authority(self) -> world.Authority:
        """`openssl ts` under this root."""
        made = world.Authority(self.folder, "essai")
        clerk = self.person("Horodatage d’essai", tsa=True)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / "signer.key").write_bytes(clerk.key.private_bytes(*form))
        (self.folder / "signer.pem").write_bytes(clerk.certificate.public_bytes(serialization.Encoding.PEM))
        return made

    def revoke(self, signer: Signer) -> None:
        """Put its certificate on the list, as of yesterday."""
        gone = x509.RevokedCertificateBuilder().serial_number(signer.certificate.serial_number)
        day = datetime.now(UTC) - timedelta(days=1)
        self._crl = self._crl.add_revoked_certificate(gone.revocation_date(day).build())

    @property
    def trust(self) -> Trust:
        lists = (self._crl.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER),)
        return Trust(self.root.public_bytes(serialization.Encoding.PEM), lists)


def test_row_pdf_signed_at_each_level(pdf: bytes, tmp_path: Path) -> None:
    office = Office(tmp_path)
    signer, ask = office.person("Association d’essai"), asker(office.authority())
    levels = {}
    for level, means in {
        "B-B": {},
        "B-T": {"ask": ask},
        "B-LTA": {"ask": ask, "trust": office.trust},
    }.items():
        signed = sign_pdf(pdf, signer, reason="Essai", **means)  # type: ignore[arg-type]
        levels[level] = signed.level
        assert bool(signed.reason) == (level != "B-LTA"), signed.reason
        assert signed.data.startswith(pdf)
        (check,) = signed_pdfs({"data/dossier.pdf": signed.data})
        assert check.state == verify.PASSED, check.detail
        for place in (300, len(pdf) - 40):
            changed = bytearray(signed.data)
            changed[place] ^= 1
            assert signed_pdfs({"data/dossier.pdf": bytes(changed)})[0].state == verify.FAILED
        assert signed_pdfs({"data/dossier.pdf": signed.data + b"\n% ajout"})[0].state == verify.FAILED
    assert levels == {"B-B": "B-B", "B-T": "B-T", "B-LTA": "B-LTA"}
    assert signed_pdfs({"data/dossier.pdf": pdf})[0].state == verify.NOT_APPLICABLE


def test_an_authority_that_fails_lowers_the_level(pdf: bytes) -> None:
    def away(_: bytes) -> bytes:
        raise BadName("l’autorité ne répond pas")

    signed = sign_pdf(pdf, world.signer(), reason="Essai", ask=away)
    assert (signed.level, signed.reason) == ("B-B", "l’autorité ne répond pas")


def judged(data: bytes, office: Office) -> tuple[bool, int]:
    """pyHanko's own validator, with the root and what the file itself carries: trusted or not, document stamps held."""
    reader = PdfFileReader(io.BytesIO(data))
    root = asn1_x509.Certificate.load(office.root.public_bytes(serialization.Encoding.DER))
    known = {"trust_roots": [root], "allow_fetching": False, "revocation_mode": "require"}
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(known)
    (signature,) = reader.embedded_regular_signatures
    status = validate_pdf_signature(signature, context, context)
    stamps = [validate_pdf_timestamp(stamp, context) for stamp in reader.embedded_timestamp_signatures]
    trusted = status.trusted and status.timestamp_validity is not None and status.timestamp_validity.trusted
    return bool(status.valid and status.intact and trusted and all(one.trusted for one in stamps)), len(stamps)


def test_lasting_levels_are_those_that_pyhanko_s_own_validator_finds(pdf: bytes, tmp_path: Path) -> None:
    office = Office(tmp_path)
    signer, ask = office.person("Association d’essai"), asker(office.authority())
    answers: list[bytes] = []

    def once_without_a_second_stamp(request: bytes) -> bytes:
        answers.append(request)
        if len(answers) == 3:  # a trial for its size, the signature's stamp, then the document's: refused
            raise BadName("l’autorité ne donne pas de second jeton")
        return ask(request)

    lasting = sign_pdf(pdf, signer, reason="Essai", ask=once_without_a_second_stamp, trust=office.trust)
    assert (lasting.level, lasting.reason) == ("B-LT", "l’autorité ne donne pas de second jeton")
    assert judged(lasting.data, office) == (True, 0)
    archived = sign_pdf(pdf, signer, reason="Essai", ask=ask, trust=office.trust)
    assert archived.level == "B-LTA"
    assert judged(archived.data, office) == (True, 1)
    for signed in (lasting, archived):
        assert signed_pdfs({"data/dossier.pdf": signed.data})[0].state == verify.PASSED
    plain = sign_pdf(pdf, signer, reason="Essai", ask=ask)
    with pytest.raises(NoDSSFoundError):
        judged(plain.data, office)


def test_a_revoked_certificate_reaches_no_lasting_level(pdf: bytes, tmp_path: Path) -> None:
    office = Office(tmp_path)
    signer, ask = office.person("Association d’essai"), asker(office.authority())
    office.revoke(signer)
    signed = sign_pdf(pdf, signer, reason="Essai", ask=ask, trust=office.trust)
    assert signed.level == "B-T" and signed.reason
