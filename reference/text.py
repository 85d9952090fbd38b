"""How the reference compares short names: folded case, accents, hyphens and white space. It reads no passage."""

from __future__ import annotations

import re
import unicodedata

_INCLUSIVE = re.compile(r"(?<=\w)(?:\((?:e|ne|se|euse|ère|trice)\)|[·.•](?:e|ne|se|ère|trice)\b)", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s*[,;/|()•·\n]\s*|\s+[-–—&]\s+|\s+et\s+", re.IGNORECASE)


def fold(text: str) -> str:
    """The name in lower case without accents, ligatures, inclusive endings, hyphens, apostrophes or extra spaces.

    « Masseur-Kinésithérapeute », « masseur kinesitherapeute » and « MASSEUR_KINESITHERAPEUTE » are the same name.
    """
    plain = _INCLUSIVE.sub("", text).casefold().replace("œ", "oe").replace("æ", "ae")
    decomposed = unicodedata.normalize("NFKD", plain)
    letters = "".join(c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    return " ".join(letters.split())


def parts(text: str) -> list[str]:
    """The names that a line lists, in order: « A, B (C) » gives A, B and C."""
    return [part for part in _SEPARATORS.split(_INCLUSIVE.sub("", text)[:500]) if part.strip()]
