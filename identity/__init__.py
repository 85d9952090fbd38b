"""Who is it: the registered person whom a page shows, with reasons, or why nothing can be said."""

from identity.candidates import Candidate, candidates
from identity.page import identify
from identity.registry import BadExtraction, LoadReport, NoRegistry, Registry, load_extraction
from identity.rpps import luhn, read_rpps
from identity.shown import VERSION, Identity, Shown, Status

__all__ = [
    "VERSION",
    "BadExtraction",
    "Candidate",
    "Identity",
    "LoadReport",
    "NoRegistry",
    "Registry",
    "Shown",
    "Status",
    "candidates",
    "identify",
    "load_extraction",
    "luhn",
    "read_rpps",
]
