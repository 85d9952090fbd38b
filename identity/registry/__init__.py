"""The register of professionals: dated states of the public extraction in one file of the home. It decides nothing."""

from identity.registry.errors import BadExtraction, NoRegistry
from identity.registry.files import FOLDER
from identity.registry.load import LoadReport, load_extraction
from identity.registry.store import Activity, Registry, State

__all__ = [
    "FOLDER",
    "Activity",
    "BadExtraction",
    "LoadReport",
    "NoRegistry",
    "Registry",
    "State",
    "load_extraction",
]
