"""The letters of names: folding, words, slips of typing. It knows no person."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent.parent / "data" / "name_words.yaml"
LONG = 10  # letters from which one letter lost or struck twice is a slip, and not another family name
SHORT = 6  # letters under which no slip is forgiven

_DOUBLED = re.compile(r"(.)\1")
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


@cache
def lexicon() -> dict[str, Any]:
    """The word lists, as sets."""
    raw = yaml.safe_load(DATA.read_text("utf-8"))
    return {name: frozenset(value) if isinstance(value, list) else value for name, value in raw.items()}


@lru_cache(maxsize=200_000)
def folded(text: str) -> str:
    """Lower case, without accents or ligatures; whatever is no Latin letter or digit becomes one space.

    The register's keys are made by the same rule in SQL (`identity.registry.keys`): change both or none.
    """
    plain = text.lower().replace("œ", "oe").replace("æ", "ae").replace("ß", "ss")
    decomposed = unicodedata.normalize("NFKD", plain)
    return _NOT_LETTERS.sub(" ", "".join(c for c in decomposed if not unicodedata.combining(c))).strip()


def words(text: str) -> tuple[str, ...]:
    """The folded words of a name, « st » and « ste » written out."""
    equals = lexicon()["equals"]
    return tuple(equals.get(word, word) for word in folded(text).split())


def squash(parts: tuple[str, ...] | list[str]) -> str:
    """The words without anything between them: « le goff » and « legoff » are one."""
    return "".join(parts)


def exchanged(one: str, other: str) -> bool:
    """True when two neighbouring letters, not the last two, are exchanged."""
    if len(one) != len(other):
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), None)
    if at is None or at + 2 >= len(one) + (len(one) > LONG):
        return False
    return one[at] == other[at + 1] and one[at + 1] == other[at] and one[at + 2 :] == other[at + 2 :]


def lost(long: str, short: str) -> int | None:
    """Where `short` lacks one letter of `long`; None when it does not."""
    if len(long) != len(short) + 1:
        return None
    at = next((i for i, (a, b) in enumerate(zip(long, short, strict=False)) if a != b), len(short))
    return at if long[at + 1 :] == short[at:] else None


def is_slip(shown: str, registered: str, *, first_name: bool) -> bool:
    """True for a slip of typing that leaves no other usual name: exchanged letters, in long names one letter lost.

    Two family names often differ by one letter (Rolland, Roland), so the rule is narrow; first names are a short list,
    which allows more, but never at the end of the word, where French tells men from women.
    """
    if min(len(shown), len(registered)) < SHORT or shown == registered:
        return False
    if first_name and shown in lexicon()["usual_given"]:
        return False
    if exchanged(shown, registered):
        return True
    if first_name and _single(shown) == _single(registered):
        return True
    at = lost(registered, shown) if len(registered) > len(shown) else lost(shown, registered)
    length = max(len(shown), len(registered))
    return at is not None and ((first_name and 0 < at < length - 2) or (length >= LONG and 0 < at < length - 1))


def _single(name: str) -> str:
    """The name with « y » as « i » and doubled letters once."""
    return _DOUBLED.sub(r"\1", name.replace("y", "i"))
