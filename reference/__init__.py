"""What the world is: benefits, professions, Orders, departments, platforms, law. It imports nothing of ours."""

from reference.errors import VigieError
from reference.loader import load, load_reference
from reference.models import (
    Article,
    Benefit,
    Department,
    Field,
    Order,
    Platform,
    Profession,
    Reference,
    Stance,
    VerdictReason,
    Wall,
    Watch,
)
from reference.schema import BadReference
from reference.text import fold

__all__ = [
    "Article",
    "BadReference",
    "Benefit",
    "Department",
    "Field",
    "Order",
    "Platform",
    "Profession",
    "Reference",
    "Stance",
    "VerdictReason",
    "VigieError",
    "Wall",
    "Watch",
    "fold",
    "load",
    "load_reference",
]
