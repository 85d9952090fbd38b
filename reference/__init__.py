"""What the world is: benefits, professions, Orders, departments, platforms, law. It imports nothing of ours."""

from reference.competence import Competence, competence, practice_of
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
from reference.procedure import Council, Deadline, Practice, Route, Step
from reference.schema import BadReference
from reference.text import fold

__all__ = [
    "Article",
    "BadReference",
    "Benefit",
    "Competence",
    "Council",
    "Deadline",
    "Department",
    "Field",
    "Order",
    "Platform",
    "Practice",
    "Profession",
    "Reference",
    "Route",
    "Stance",
    "Step",
    "VerdictReason",
    "VigieError",
    "Wall",
    "Watch",
    "competence",
    "fold",
    "load",
    "load_reference",
    "practice_of",
]
