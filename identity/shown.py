"""What goes into matching and what comes out of it. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

VERSION = "identity-0.2.0"


class Status(StrEnum):
    """What can be said of the person: only `linked` goes on to a dossier fit to leave."""

    LINKED = "linked"
    AMBIGUOUS = "ambiguous"
    NONE = "none"
    ORGANISATION = "organisation"
    NO_ORDER = "no_order"


@dataclass(frozen=True)
class Shown:
    """The practitioner as a page shows them; "" where it does not.

    `profession` is a code of the reference or the words of the page; `captured_on` the day of the capture, None for
    today.
    """

    display_name: str = ""
    is_organisation: bool = False
    profession: str = ""
    rpps: str = ""
    adeli: str = ""
    speciality: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    phone: str = ""
    captured_on: date | None = None


@dataclass(frozen=True)
class Identity:
    """The answer of one version of the matcher. `rpps` is 11 digits when the status is `linked`, else "".

    `reasons` are French sentences for a reviewer; there is always at least one. `score` is the weight of the best
    candidate and `margin` its distance to the next, in bits (see `identity/data/weights.yaml`); `runner_up` is the
    register number of the best candidate that was not retained; `registry_date` the day of the register's state that
    was read. They are 0 and "" where no register was read.
    """

    status: Status
    rpps: str
    reasons: tuple[str, ...]
    version: str = VERSION
    score: float = 0.0
    margin: float = 0.0
    runner_up: str = ""
    registry_date: str = ""
