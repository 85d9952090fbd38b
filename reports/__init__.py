"""TELL: the dossier of a confirmed case, and the counts of the ledger. It decides nothing and reads no network."""

from ledger.bundle import CannotWrite
from reports.assess import Assessment, Gap
from reports.casefile import NoSuchCase
from reports.dossier import DossierRefused, WrittenDossier, write_dossier
from reports.stats import statistics

__all__ = [
    "Assessment",
    "CannotWrite",
    "DossierRefused",
    "Gap",
    "NoSuchCase",
    "WrittenDossier",
    "statistics",
    "write_dossier",
]
