"""TELL: the dossier of a confirmed case, and the counts of the ledger. It decides nothing and reads no network."""

from ledger.bundle import CannotWrite
from reports.assess import Assessment, Gap
from reports.casefile import NoSuchCase
from reports.dossier import DossierRefused, WrittenDossier, write_dossier
from reports.letters import BadTemplate, LetterRefused, WrittenLetter, write_letter
from reports.organisation import BadOrganisation
from reports.stats import statistics

__all__ = [
    "Assessment",
    "BadOrganisation",
    "BadTemplate",
    "CannotWrite",
    "DossierRefused",
    "Gap",
    "LetterRefused",
    "NoSuchCase",
    "WrittenDossier",
    "WrittenLetter",
    "statistics",
    "write_dossier",
    "write_letter",
]
