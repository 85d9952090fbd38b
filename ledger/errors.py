"""The typed failures of the ledger: each message is one clear line for the operator."""

from reference.errors import VigieError


class LedgerUnavailable(VigieError):
    """The database cannot be opened, or what is there is not a ledger."""


class LedgerTooNew(VigieError):
    """The database was written by a newer version of Vigie: it is left as it is."""


class Busy(VigieError):
    """Another run holds this home."""


class StoreFull(VigieError):
    """The disk is full; nothing was half-written."""


class EvidenceMissing(VigieError):
    """A capture named in the ledger is not in the evidence store."""


class EvidenceDamaged(VigieError):
    """A stored capture no longer has the content its name promises."""


class DamagedCapture(VigieError):
    """A WARC file is not one, or ends too early."""


class TooLarge(VigieError):
    """A body is larger, or unpacks to more, than Vigie reads."""


class ChainBroken(VigieError):
    """The custody log, or the chain of seals, is not what was written."""


class Unsealed(VigieError):
    """What should be proved stands in no seal yet."""
