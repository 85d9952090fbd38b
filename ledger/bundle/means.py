"""What a bundle is closed with: organisation, certificate, authorities. Each may be missing, and that is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.bundle.bag import Stamping
from ledger.bundle.pdf_signing import SignedPdf
from ledger.bundle.signing import Signer


@dataclass(frozen=True)
class Means:
    """By default nothing: the bundle is then neither signed nor stamped, and says so."""

    organisation: str = ""
    signer: Signer | None = None
    stamping: Stamping | None = None
    sign_pdf: Callable[[bytes], SignedPdf] | None = None
