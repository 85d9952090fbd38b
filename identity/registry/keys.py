"""The keys under which people of the register are looked up: by name and place, by name alone, by phone.

A key is 64 bits of the MD5 of a short text, so that the file does not depend on any library's own hash. The texts are
made here alone, for the register and for listings alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from identity.names import ShownName, squash
from identity.names.compare import bare_name, units
from identity.names.words import words

ENDS = 4  # letters at either end of a family name that a slip elsewhere leaves alone
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
MOST_PREFIXES = 6  # departments tried for a town whose postcode is not shown


def hashed(text: str) -> int:
    """The key of a text; `md5_number_lower` in SQL."""
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[8:], "little")


def family_keys(family: str) -> tuple[str, ...]:
    """The names under which a registered family name is found: each of a compound, the whole, and without « de »."""
    return _family(words(family))


def _family(parts: tuple[str, ...]) -> tuple[str, ...]:
    if not parts:
        return ()
    found = {*(unit for unit in units(parts) if len(unit) > 1), squash(parts), bare_name(parts)}
    return tuple(sorted(found))


def given_key(given: str) -> str:
    """The first name in one word."""
    return squash(words(given))


@lru_cache(maxsize=50_000)
def phone_key(phone: str) -> str:
    """The ten digits of a French number, however written; "" for anything else."""
    digits = re.sub(r"\D", "", re.sub(r"\(0\)", "", phone))
    if digits.startswith("0033"):
        digits = "0" + digits[4:].removeprefix("0")
    elif digits.startswith("33") and len(digits) >= 11:
        digits = "0" + digits[2:].removeprefix("0")
    return digits if len(digits) == 10 and digits.startswith("0") else ""


def listing_keys(name: ShownName, prefixes: Iterable[str], phone: str, *, slips: bool) -> Iterator[str]:
    """The texts under which the person of a listing may stand near the places named by `prefixes`, or by phone; with
    `slips`, only those that a slip in the family name leaves."""
    places = tuple(prefixes)
    for families, given in _ways(name):
        initials = given[:1] or ALPHABET
        for place in places:
            if not slips:
                yield from (f"n:{family}:{letter}:{place}" for family in families for letter in initials)
            elif len(given) > 1:
                yield from slip_keys(max(families, key=len), given, place)
    if phone:
        yield f"p:{phone}"


def wide_keys(name: ShownName) -> Iterator[str]:
    """The texts under which the same names stand anywhere in the country."""
    for families, given in _ways(name):
        if len(given) > 1:
            yield from (f"w:{family}:{given}" for family in families)


def slip_keys(family: str, given: str, place: str) -> tuple[str, str]:
    """The texts that a slip in the family name leaves: the beginning and the end."""
    return f"t:{given}:{family[:ENDS]}:{place}", f"u:{given}:{family[-ENDS:]}:{place}"


def _ways(name: ShownName) -> Iterator[tuple[tuple[str, ...], str]]:
    """(family keys, first name in one word or its initial or "") for every way to part the name."""
    tokens = name.tokens
    others = tuple(key for other in name.others for key in _family(other))
    if len(tokens) == 1:
        yield (*_family(tokens[0].words), *others), ""
    for at in range(1, len(tokens)):
        for given, family in ((tokens[:at], tokens[at:]), (tokens[at:], tokens[:at])):
            keys = _family(tuple(word for token in family for word in token.words))
            first = squash([word for token in given for word in (token.initials or token.words)])
            if keys and first:
                short = any(token.initials for token in given)
                yield (*keys, *others), first[0] if short else first
