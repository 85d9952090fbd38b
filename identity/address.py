"""Compare the place a page shows with a place of practice of the register. It knows no name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from rapidfuzz import fuzz

from identity.names.words import folded

LIKE = 88.0  # rapidfuzz's ratio, of 100, from which two street names are one with a slip
_BEFORE_KIND = re.compile(
    r"\b(\d{1,4})\s*(bis|ter|quater|[bt])?\b(?=\s+(?:r|rue|av|ave|avenue|bd|bld|blvd|boul|boulevard|pl|pce|place|ch|che|chem"
    r"|chemin|rte|route|all|allee|imp|impasse|sq|square|crs|cours|qu|quai|fg|fbg|faubourg)\b)"
)
_AT_START = re.compile(r"^(\d{1,4})\s*(bis|ter|quater|[bt])?\b")
_SHORT = {
    "av": "avenue", "ave": "avenue", "bd": "boulevard", "bld": "boulevard", "blvd": "boulevard", "boul": "boulevard",
    "r": "rue", "pl": "place", "ch": "chemin", "che": "chemin", "chem": "chemin", "rte": "route", "all": "allee",
    "imp": "impasse", "sq": "square", "crs": "cours", "fg": "faubourg", "fbg": "faubourg", "gal": "general",
    "gen": "general", "mal": "marechal", "st": "saint", "ste": "sainte", "dr": "docteur", "pr": "professeur",
    "qu": "quai", "res": "residence", "pce": "place", "cdt": "commandant", "col": "colonel", "cap": "capitaine",
    "lt": "lieutenant",
}  # fmt: skip
_KINDS = frozenset(
    [
        "rue",
        "avenue",
        "boulevard",
        "place",
        "chemin",
        "route",
        "allee",
        "impasse",
        "square",
        "cours",
        "quai",
        "faubourg",
    ]
)
_SMALL = frozenset(["de", "du", "des", "la", "le", "les", "l", "d", "a", "et", "en", "sur"])
_REPEATS = {"b": "bis", "t": "ter"}
_TOWN_NOISE = re.compile(r"\b(?:cedex|\d+(?:e|er|eme)?|arrondissement)\b")


class Nearness(IntEnum):
    """How near the place shown is to one of the register."""

    UNKNOWN = 0
    ELSEWHERE = 1
    DEPARTMENT = 2
    TOWN = 3
    ROAD = 4  # the same street, and one of the two gives no number
    HOUSE = 5


@dataclass(frozen=True)
class Street:
    """A street line: house number with its « bis », and the words that tell the street from others, in order."""

    number: str
    words: tuple[str, ...]


@lru_cache(maxsize=50_000)
def read_street(text: str) -> Street:
    """The street of a line of address; a line of several parts keeps the words of all of them."""
    plain = folded(text)
    number = ""
    if match := _BEFORE_KIND.search(plain) or _AT_START.search(plain):
        repeat = match.group(2) or ""
        number = match.group(1) + _REPEATS.get(repeat, repeat)
        plain = plain[: match.start()] + " " + plain[match.end() :]
    words = tuple(_SHORT.get(word, word) for word in plain.split())
    return Street(number, tuple(word for word in words if word not in _SMALL))


@lru_cache(maxsize=20_000)
def town_key(town: str) -> str:
    """The town without arrondissement, cedex or abbreviation: « Paris 13e », « ST DENIS CEDEX »."""
    words = _TOWN_NOISE.sub(" ", folded(town)).split()
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)


def prefix_of(postcode: str) -> str:
    """The first two digits of a postcode: the department, but for Corsica (20) and overseas (97, 98); else ""."""
    digits = postcode.strip()
    return digits[:2] if len(digits) == 5 and digits.isascii() and digits.isdigit() else ""


def same_road(shown: Street, registered: Street) -> bool:
    """Whether the street shown is the one registered, extra words of a building or a slip allowed."""
    mine, theirs = set(shown.words), [word for word in registered.words if word not in _KINDS]
    if not theirs or not mine:
        return False
    if mine.issuperset(theirs):
        return True
    wanted = " ".join(theirs)
    return len(wanted) > 4 and fuzz.partial_ratio(wanted, " ".join(w for w in shown.words if w not in _KINDS)) >= LIKE


def nearness(
    street: str, postcode: str, city: str, registered_street: Street, registered_postcode: str, registered_town: str
) -> Nearness:
    """How near the place shown is to the registered one. A house or a road counts only in the same town, and another
    number of the same street is another address."""
    mine, theirs = prefix_of(postcode), prefix_of(registered_postcode)
    town, registered = town_key(city), town_key(registered_town)
    if not (mine or town) or not (theirs or registered):
        return Nearness.UNKNOWN
    if mine and theirs and mine != theirs:
        return Nearness.ELSEWHERE
    if not (postcode.strip() == registered_postcode or (town and town == registered)):
        return Nearness.DEPARTMENT if mine and theirs else Nearness.ELSEWHERE
    shown = read_street(street)
    if not same_road(shown, registered_street):
        return Nearness.TOWN
    if not shown.number or not registered_street.number:
        return Nearness.ROAD
    return Nearness.HOUSE if shown.number == registered_street.number else Nearness.TOWN
