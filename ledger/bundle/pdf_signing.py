"""Sign a PDF with the organisation's certificate (PAdES, by pyHanko), at the highest level that is possible.

B-B: the signature. B-T: with an authority's stamp. B-LT: with the revocation lists that show the certificates good.
B-LTA: with a second stamp over all that. It lays out no page.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asn1crypto import crl as asn1_crl
from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.general import SigningError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from ledger.bundle.pdf_fields import add_fields
from ledger.bundle.signing import Signer
from reference.errors import VigieError

FIELD, STAMP_FIELD = "Signature", "Horodatage"
NAMES = {FIELD: "Signature électronique de ce document", STAMP_FIELD: "Horodatage de la signature de ce document"}
Ask = Callable[[bytes], bytes]  # a TimeStampReq to a TimeStampResp; raises a `VigieError` when none comes


class CannotSignPdf(VigieError):
    """The PDF takes no signature."""


@dataclass(frozen=True)
class Trust:
    """What shows the certificates good for years: roots (the authority's too) in PEM, revocation lists in DER."""

    roots: bytes
    revocation_lists: tuple[bytes, ...]


@dataclass(frozen=True)
class SignedPdf:
    """The signed bytes, the level reached, and why none higher, in French (empty for the highest)."""

    data: bytes
    level: str  # B-B | B-T | B-LT | B-LTA
    reason: str


class _Stamper(timestamps.TimeStamper):
    """pyHanko's way of asking an authority, over ours."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._ask = ask

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        return tsp.TimeStampResp.load(self._ask(req.dump()))


def sign_pdf(
    pdf: bytes, signer: Signer, *, reason: str, ask: Ask | None = None, trust: Trust | None = None
) -> SignedPdf:
    """The PDF with a signature over all of it, added as an incremental update: the bytes before stay as they were.

    Raises `CannotSignPdf` when not even the plain signature can be made. A stamp or list that fails lowers the level.
    """
    said: list[str] = []
    for level in ("B-LTA", "B-LT", "B-T", "B-B"):
        lacking = _lacking(level, ask, trust)
        if lacking:
            said.append(lacking)
            continue
        try:
            data = _sign(pdf, signer, reason, level, ask, trust)
        except (VigieError, PdfError, SigningError, PathError, timestamps.TimestampRequestError, ValueError) as error:
            said.append(" ".join(str(error).split())[:200])
            continue
        return SignedPdf(data, level, said[-1] if said else "")
    raise CannotSignPdf(f"the PDF cannot be signed: {said[-1]}")


def _lacking(level: str, ask: Ask | None, trust: Trust | None) -> str:
    """What this level needs and is not configured, in French."""
    if level != "B-B" and ask is None:
        return "aucune autorité d’horodatage n’est configurée"
    if level in ("B-LT", "B-LTA") and trust is None:
        return "aucune liste de révocation n’est configurée"
    return ""


def _sign(pdf: bytes, signer: Signer, reason: str, level: str, ask: Ask | None, trust: Trust | None) -> bytes:
    lasting = level in ("B-LT", "B-LTA")
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        reason=reason,
        subfilter=fields.SigSeedSubFilter.PADES,
        embed_validation_info=lasting,
        use_pades_lta=level == "B-LTA",
        timestamp_field_name=STAMP_FIELD,
        validation_context=_context(trust) if lasting and trust else None,
    )
    stamper = _Stamper(ask) if ask is not None and level != "B-B" else None
    target = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    add_fields(writer, {name: NAMES[name] for name in ((FIELD, STAMP_FIELD) if level == "B-LTA" else (FIELD,))})
    signers.PdfSigner(metadata, signer=_simple(signer), timestamper=stamper).sign_pdf(writer, output=target)
    return target.getvalue()


def _simple(signer: Signer) -> signers.SimpleSigner:
    """The same certificate and key in pyHanko's words."""
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    key = signer.key.private_bytes(encoding, form, serialization.NoEncryption())
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(_asn1(signer.chain))
    return signers.SimpleSigner(_asn1([signer.certificate])[0], asn1_keys.PrivateKeyInfo.load(key), store)


def _asn1(certificates: Sequence[x509.Certificate]) -> list[asn1_x509.Certificate]:
    return [asn1_x509.Certificate.load(one.public_bytes(serialization.Encoding.DER)) for one in certificates]


def _context(trust: Trust) -> ValidationContext:
    """Everything that is needed is at hand: nothing is fetched, and a certificate without a list is not good."""
    return ValidationContext(
        trust_roots=_asn1(x509.load_pem_x509_certificates(trust.roots)),
        crls=[asn1_crl.CertificateList.load(one) for one in trust.revocation_lists],
        allow_fetching=False,
        revocation_mode="require",
    )
