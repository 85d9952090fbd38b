"""Recognise a platform's own wording, nobody's statement. The texts are data: `default_texts` of the reference.

In a default text `{…}` stands for what the platform fills in: it matches only words by which the same answer shows the
practitioner (name, speciality, city), so that nothing a practitioner adds is ever taken for the platform's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from crawler.reading.keys import IsDefault
from crawler.reading.nodes import word_set
from crawler.reading.texts import fold
from reference import load_reference

_FILLED = "{…}"
_FILLED_FOLDED = fold(_FILLED)
_SMALL = word_set("a au aux d de des du en et l la le les pour un une votre")
_LONGEST = 2000  # characters: no platform writes more into every listing


@cache
def _defaults(platform: str) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    known = load_reference().platforms.get(platform)
    texts = known.default_texts if known else ()
    whole = frozenset(fold(text) for text in texts if _FILLED not in text)
    filled = tuple(
        re.compile("(.{0,120}?)".join(re.escape(part) for part in fold(text).split(_FILLED_FOLDED)))
        for text in texts
        if _FILLED in text
    )
    return whole, filled


def default_of(platform: str, shown: Iterable[str] = ()) -> IsDefault:
    """A test for the platform's own wording in an answer that shows the practitioner by the words of `shown`."""
    whole, filled = _defaults(platform)
    words = _SMALL | {word for text in shown for word in _words(text)} - _benefit_words()

    def is_default(text: str) -> bool:
        folded = fold(text[: _LONGEST + 1])
        if folded in whole:
            return True
        if len(folded) > _LONGEST:
            return False
        matches = (pattern.fullmatch(folded) for pattern in filled)
        return any(match and set(_words(" ".join(match.groups()))) <= words for match in matches)

    return is_default


@cache
def _benefit_words() -> frozenset[str]:
    """Words that name a benefit are never the platform's filling."""
    return frozenset(w for one in load_reference().benefits.values() for s in one.spellings for w in _words(s)) - _SMALL


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))
