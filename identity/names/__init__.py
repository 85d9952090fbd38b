"""French names: read one as a page shows it, and say how far it is that of the register. It identifies nobody."""

from identity.names.compare import Family, Given, NameComparison, compare, one_letter_off
from identity.names.shown import ShownName, read_name
from identity.names.words import squash, words

__all__ = [
    "Family",
    "Given",
    "NameComparison",
    "ShownName",
    "compare",
    "one_letter_off",
    "read_name",
    "squash",
    "words",
]
