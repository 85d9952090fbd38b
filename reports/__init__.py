"""TELL: the dossier of a confirmed case, and the counts of the ledger. It decides nothing and reads no network."""

from reports.assess import Assessment, Gap
from reports.casefile import NoSuchCase
from reports.dossier import DossierRefused, WrittenDossier, method, write_dossier
from reports.folder import CannotWrite
from reports.stats import statistics

__all__ = [
    "Assessment",
    "CannotWrite",
    "DossierRefused",
    "Gap",
    "NoSuchCase",
    "WrittenDossier",
    "method",
    "statistics",
    "write_dossier",
]
