"""Recognise the spelled-out names of the benefits however they are misspelt; it must not look at acronyms."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from detection.tokens import Token

#: The words the names are made of, with the letter that stands for them and the edits they may be away.
_STEMS = (
    ("K", "complementaire", 3),
    ("K", "complementaires", 3),
    ("S", "sante", 1),
    ("O", "solidaire", 3),
    ("O", "solidaires", 2),
    ("V", "couverture", 2),
    ("M", "maladie", 2),
    ("U", "universelle", 3),
    ("A", "aide", 1),
    ("A", "aides", 1),
    ("D", "medicale", 2),
    ("D", "medicales", 2),
    ("E", "etat", 1),
    ("P", "paiement", 2),
    ("P", "acquisition", 2),
    ("P", "financement", 2),
)
_SMALL = frozenset({"d", "de", "du", "des", "la", "l", "le", "une", "un", "a", "au", "aux", "en", "pour"})
#: « compl. santé solidaire », « couv. mal. univ. »
_SHORTENED = {"compl": "K", "comp": "K", "complem": "K", "couv": "V", "mal": "M", "univ": "U", "laide": "A"}
#: Names as sequences of those letters (``d``: a small word), longest readings first.
_NAMES = (
    ("C2S", re.compile(r"K\.?d?Sd?O|KO|V\.?d?[MD]\.?d?U(?:K)?|VUK?")),
    ("AME", re.compile(r"Ad?Dd{0,2}E|AD")),
    ("ACS", re.compile(r"Ad{0,3}Pd{0,3}KS?|Ad{0,3}KSO?")),
)


def edits(one: str, other: str, most: int) -> int:
    """Levenshtein distance of two words, or ``most + 1`` when it is larger."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        before, row[0] = row[0], place
        for column, wanted in enumerate(other, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (letter != wanted))
        if min(row) > most:
            return most + 1
    return row[-1]


@lru_cache(maxsize=16_384)
def stem_letter(word: str) -> str:
    """The letter of the stem that a folded word stands for; ``d`` for a small word, ``x`` for any other."""
    if word in _SMALL:
        return "d"
    if not 3 <= len(word) <= 18:
        return "x"
    best, letter = 99, "x"
    for code, stem, most in _STEMS:
        if word[0] != stem[0] and most < 3:
            continue
        allowed = min(most, len(word) // 3)
        distance = edits(word, stem, allowed)
        if distance <= allowed and distance < best:
            best, letter = distance, code
    return letter


def _letter(word: str) -> str:
    if word[:1].isalpha():
        return _SHORTENED.get(word) or stem_letter(word)
    return "." if word == "." else "x"


def spelled_names(tokens: Sequence[Token]) -> Iterator[tuple[int, int, str]]:
    """(first token, number of tokens, code) of every spelled-out name, misspelt or not."""
    letters = "".join(_letter(token.text) for token in tokens)
    for code, pattern in _NAMES:
        for match in pattern.finditer(letters):
            yield match.start(), match.end() - match.start(), code
