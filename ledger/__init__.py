"""WHAT WE SAW: tables, sessions, evidence store. It imports `reference` alone."""

# Every module of tables is imported here: migrations compare the whole of what the ledger should hold.
from ledger import clean_tables as _clean  # noqa: F401
from ledger import desk as _desk  # noqa: F401
from ledger import evidence_services as _services  # noqa: F401
from ledger import evidence_tables as _evidence  # noqa: F401
from ledger import frontier as _frontier  # noqa: F401
from ledger import identities, sending_tables
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
    "sending_tables",
    "text_key",
]
