"""The frozen facts of what may be sent, to whom, and what is then waited for. It reads no file and chooses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Council:
    """A council of an Order whose territory is several departments. `verified` False: ask the Order first."""

    code: str
    order: str
    level: str  # interdepartmental | regional | interregional | central
    label: str
    departments: tuple[str, ...]
    verified: bool
    read_on: date
    source: str


@dataclass(frozen=True)
class Practice:
    """A way of practising, and the routes it closes and opens. `orders` empty: it changes nothing for any Order."""

    code: str
    label: str
    modes: tuple[str, ...]  # codes of the national register
    sectors: tuple[str, ...]
    bars: tuple[str, ...]
    opens: tuple[str, ...]
    orders: tuple[str, ...]
    articles: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Route:
    """One kind of letter: to whom, on what ground, what it needs, what it must say and must never say."""

    code: str
    label: str
    addressee: str  # council | national | cpam | ars | ddd | platform | practitioner
    order: str  # needed | none | any
    needs: tuple[str, ...]  # organisation | statutes | approval | mandate
    articles: tuple[str, ...]
    says: tuple[str, ...]
    never: tuple[str, ...]
    copies: int  # beside the original
    copies_rule: str
    method: str
    verified: bool  # whether ground and copies were read in a text of the law in force
    source: str


@dataclass(frozen=True)
class Deadline:
    """A time that runs from one step of a letter until another. `kind` house: our reminder, nobody is bound by it."""

    code: str
    label: str
    routes: tuple[str, ...]
    from_step: str
    until: tuple[str, ...]
    amount: int
    unit: str  # days | months
    kind: str  # law | house
    article: str
    verified: bool
    source: str


@dataclass(frozen=True)
class Step:
    """Something that can happen to a letter. `after`: one of these must have happened; `closes`: the end of waiting."""

    code: str
    label: str
    after: tuple[str, ...]
    closes: bool
    source: str
