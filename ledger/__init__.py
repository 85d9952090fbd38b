"""WHAT WE SAW: tables, sessions, evidence store. It imports `reference` alone."""

from ledger import sending_tables
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
    "sending_tables",
    "text_key",
]
