"""WHAT WE SAW: tables, sessions, evidence store. It imports `reference` alone."""

from ledger import frontier as _frontier  # noqa: F401 - its tables belong to the ledger's metadata
from ledger import identities  # its tables are part of the ledger
from ledger.database import Ledger
from ledger.errors import (
    Busy,
    DamagedCapture,
    EvidenceDamaged,
    EvidenceMissing,
    LedgerTooNew,
    LedgerUnavailable,
    StoreFull,
    TooLarge,
)
from ledger.store import EvidenceStore
from ledger.text import text_key

__all__ = [
    "Busy",
    "DamagedCapture",
    "EvidenceDamaged",
    "EvidenceMissing",
    "EvidenceStore",
    "Ledger",
    "LedgerTooNew",
    "LedgerUnavailable",
    "StoreFull",
    "TooLarge",
    "identities",
    "text_key",
]
