"""Verify the signatures in PDF files with pyHanko. Whom to trust is the reader's business, not decided here."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from typing import Any

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError

from ledger.verifying.verify import DAMAGE, FAILED, NOT_APPLICABLE, PASSED, Check

FAULTS = (PdfError, SigningError, SignatureValidationError, PathError, *DAMAGE)


def signed_pdfs(files: Mapping[str, bytes]) -> list[Check]:
    """One check for each PDF: its signatures hold and the last covers the whole file; none is not applicable."""
    checks = []
    for name, data in files.items():
        title = f"{name.removeprefix('data/')} : signature"
        if b"/ByteRange" not in data:
            checks.append(Check("pdf", title, NOT_APPLICABLE, "ce PDF n’est pas signé"))
            continue
        try:
            state, detail = _judge(data)
        except FAULTS as error:
            state, detail = FAILED, f"illisible ({type(error).__name__} : {str(error)[:120]})"
        checks.append(Check("pdf", title, state, detail))
    return checks


def _judge(data: bytes) -> tuple[str, str]:
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    reader = PdfFileReader(io.BytesIO(data))
    signatures = reader.embedded_regular_signatures
    if not signatures:
        return FAILED, "aucune signature lisible"
    names, lasting = [], False
    for signature in signatures:
        context = ValidationContext(trust_roots=[signature.signer_cert], allow_fetching=False)
        status = validate_pdf_signature(signature, context, context)
        names.append(signature.signer_cert.subject.human_friendly)
        lasting = status.modification_level in (None, ModificationLevel.NONE, ModificationLevel.LTA_UPDATES)
        if not _whole(status):
            return FAILED, f"la signature de {names[-1]} ne correspond pas au document"
    stamps = reader.embedded_timestamp_signatures
    for stamp in stamps:
        context = ValidationContext(trust_roots=[stamp.signer_cert], allow_fetching=False)
        if not _whole(validate_pdf_timestamp(stamp, context)):
            return FAILED, "un horodatage du document ne correspond pas"
    last = (stamps or signatures)[-1]
    last.compute_integrity_info()
    # What a lasting signature adds (lists, certificates) was judged above, as a permitted update and as nothing else.
    updated = (bool(stamps) or lasting) and data.rstrip().endswith(b"%%EOF")
    if last.coverage != SignatureCoverageLevel.ENTIRE_FILE and not updated:
        return FAILED, "la dernière signature ne couvre pas tout le fichier"
    return PASSED, f"signé par {', '.join(names)}" + f", {len(stamps)} horodatage du document" * bool(stamps)


def _whole(status: Any) -> bool:
    """Digest and signature hold, and what came after the signature, if anything, is allowed to."""
    covered = status.coverage in (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION)
    return bool(status.intact and status.valid and covered and getattr(status, "docmdp_ok", True) is not False)
