"""Bundles: what leaves the house, as BagIt folder, canonical ZIP or WACZ. It decides nothing and verifies nothing."""

from ledger.bundle.bag import TAG_MANIFEST, Label, Stamp, Stamping, close, shipped
from ledger.bundle.evidence import (
    CapturedFile,
    CleanExhibit,
    Evidence,
    SealFile,
    SealToken,
    evidence_files,
    write_clean,
    write_evidence,
)
from ledger.bundle.folder import CannotWrite, Staging, free_name, published, staging, told
from ledger.bundle.means import Means
from ledger.bundle.pdf_signing import CannotSignPdf, SignedPdf, Trust, sign_pdf
from ledger.bundle.signing import BadCertificate, Signer, load_signer
from ledger.bundle.wacz import Page, WebArchive, sealed_wacz, write_wacz
from ledger.bundle.zipping import BadName, TooBig, write_zip

__all__ = [
    "TAG_MANIFEST",
    "BadCertificate",
    "BadName",
    "CannotSignPdf",
    "CannotWrite",
    "CapturedFile",
    "CleanExhibit",
    "Evidence",
    "Label",
    "Means",
    "Page",
    "SealFile",
    "SealToken",
    "SignedPdf",
    "Signer",
    "Staging",
    "Stamp",
    "Stamping",
    "TooBig",
    "Trust",
    "WebArchive",
    "close",
    "evidence_files",
    "free_name",
    "load_signer",
    "published",
    "sealed_wacz",
    "shipped",
    "sign_pdf",
    "staging",
    "told",
    "write_clean",
    "write_evidence",
    "write_wacz",
    "write_zip",
]
