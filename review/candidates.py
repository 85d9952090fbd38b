"""What is laid before whoever confirms an identity, in plain words. It looks nothing up itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Compared:
    """One field of one candidate: what the page shows, what the register says, how they compare, in French words.

    `agreement` is « concorde », « proche », « diffère » or « non comparable »; `words` says it at more length.
    """

    field: str
    shown: str
    registered: str
    agreement: str
    words: str


@dataclass(frozen=True)
class Candidate:
    """A person of the register who may be the one shown. `rpps` is "" where the register gives none to confirm."""

    rpps: str
    name: str
    fields: tuple[Compared, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Screen:
    """What is laid before whoever confirms. `registry_date` is "" when no register is loaded, else an ISO day.

    `shown` holds (French name, value) of what the page says of the practitioner, on the ISO day `captured_on`.
    """

    shown: tuple[tuple[str, str], ...]
    captured_on: str
    registry_date: str
    candidates: tuple[Candidate, ...]

    def as_json(self) -> dict[str, Any]:
        """The screen as `ledger.identities.confirm_identity` keeps it."""
        return asdict(self)


Lookup = Callable[[Session, int], Screen | None]  # by listing; None when its pages show no practitioner
