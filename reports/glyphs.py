"""Make any text safe to print: what has no glyph, or would reorder or hide its neighbours, becomes a visible code.

It changes nothing that is kept as evidence: the exhibits hold the text as captured.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Any

DROPPED = frozenset("\ufe0e\ufe0f")  # they choose between two drawings of one emoji and mean nothing
FRENCH = {
    "\u00ad": "césure facultative",
    "\u200b": "espace invisible",
    "\u200d": "liant",
    "\u200e": "marque gauche-droite",
    "\u200f": "marque droite-gauche",
    "\u202d": "forçage gauche-droite",
    "\u202e": "forçage droite-gauche",
    "\ufeff": "marque d’ordre",
}
DIACRITICS = frozenset(map(chr, range(0x300, 0x370)))
STACK = 2  # combining marks kept on one letter; more would write over the lines around
LONG_WORD = re.compile(r"[^\s/\-?&=._,:;]{30,}")  # gets break points, so that nothing leaves the page
HASH = re.compile(r"[0-9a-f]{64}")


@cache
def printable() -> frozenset[int]:
    """The code points that the fonts in use can draw, from `data/glyphs.txt`."""
    points: set[int] = set()
    listing = resources.files("reports").joinpath("data/glyphs.txt").read_text(encoding="utf-8")
    for line in listing.splitlines():
        if line and not line.startswith("#"):
            first, _, last = line.partition("-")
            points.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(points)


def clean(text: str, *, plain: bool = False) -> str:
    """The text with every character a reader sees as it is, or as ⟦U+XXXX⟧; line ends become `\\n`, tabs spaces.

    `plain` keeps only Latin letters and common signs: the last resort when a font turns out to be missing.
    """
    out: list[str] = []
    stacked = 0
    for char in text.replace("\r\n", "\n").replace("\r", "\n"):
        if char in "\n\u2028\u2029\u0085\v\f":
            shown = "\n"
        elif char == "\t":
            shown = " "
        elif char in DROPPED:
            continue
        else:
            stacked = stacked + 1 if unicodedata.combining(char) else 0
            shown = char if stacked <= STACK and _drawn(char, plain) else _code(char)
        out.append(shown)
    return LONG_WORD.sub(_breakable, "".join(out))


def _breakable(match: re.Match[str]) -> str:
    """The word with an invisible break point every 20 characters; a hash stays whole, to be copied and compared."""
    word = match.group()
    return word if HASH.fullmatch(word) else "\u200b".join(word[at : at + 20] for at in range(0, len(word), 20))


def _drawn(char: str, plain: bool) -> bool:
    """Whether the character prints as itself."""
    kind = unicodedata.category(char)[0]
    if kind == "C" or (kind == "M" and char not in DIACRITICS):  # other marks print on some letters and not on others
        return False
    return ord(char) in printable() and (not plain or ord(char) < 0x180 or char in "–—‘’“”•…€œŒ\u202f")


def _code(char: str) -> str:
    name = FRENCH.get(char, "")
    return f"⟦U+{ord(char):04X}{' ' + name if name else ''}⟧"


def clean_all(value: Any, *, plain: bool = False) -> Any:
    """The same over every string of a JSON value; keys are ours and stay."""
    if isinstance(value, str):
        return clean(value, plain=plain)
    if isinstance(value, list | tuple):
        return [clean_all(item, plain=plain) for item in value]
    if isinstance(value, dict):
        return {key: clean_all(item, plain=plain) for key, item in value.items()}
    return value
