"""Write a passage as another keyboard would: the meaning stays, the letters change. Seeded; used to measure alone."""

import random
import re
import unicodedata

#: Words whose misspelling no reader stumbles over.
FUNCTION_WORDS = frozenset(
    {
        "le",
        "la",
        "les",
        "un",
        "une",
        "des",
        "du",
        "de",
        "pour",
        "par",
        "sur",
        "avec",
        "dans",
        "nous",
        "vous",
        "je",
        "il",
        "elle",
        "est",
        "sont",
        "que",
        "qui",
        "aux",
        "au",
        "et",
        "ou",
    }
)
_ENTITIES = {
    "é": "&eacute;",
    "è": "&egrave;",
    "à": "&agrave;",
    "ê": "&ecirc;",
    "'": "&#39;",
    "’": "&rsquo;",
    "«": "&laquo;",
}
_WORD = re.compile(r"[^\W\d_]+")


def _upper(text: str, _dice: random.Random) -> str:
    return text.upper()


def _lower(text: str, _dice: random.Random) -> str:
    # « ÂME » or « AME » in small letters may become the soul; only letters after the first of a word change elsewhere.
    return _WORD.sub(lambda m: m.group() if m.group().isupper() else m.group().lower(), text)


def _unaccented(text: str, _dice: random.Random) -> str:
    kept = unicodedata.normalize("NFD", text)
    return "".join(c for c in kept if not unicodedata.combining(c)) if "âme" not in text.lower() else text


def _decomposed(text: str, _dice: random.Random) -> str:
    return unicodedata.normalize("NFD", text)


def _spaced(text: str, dice: random.Random) -> str:
    return "".join(("  " if dice.random() < 0.5 else "\u00a0") if c == " " and dice.random() < 0.3 else c for c in text)


def _wrapped(text: str, dice: random.Random) -> str:
    return "".join(" \n" if c == " " and dice.random() < 0.04 else c for c in text)


def _entities(text: str, _dice: random.Random) -> str:
    return "".join(_ENTITIES.get(c, c) for c in text)


def _apostrophes(text: str, _dice: random.Random) -> str:
    return text.replace("'", "’") if "'" in text else text.replace("’", "'")


def _invisible(text: str, dice: random.Random) -> str:
    return "".join(c + ("\u200b" if c.isalpha() and dice.random() < 0.05 else "") for c in text)


def _typo(text: str, dice: random.Random) -> str:
    places = [m for m in _WORD.finditer(text) if m.group().lower() in FUNCTION_WORDS and len(m.group()) > 2]
    if not places:
        return text
    match = dice.choice(places)
    word = match.group()
    at = dice.randrange(1, len(word))
    return text[: match.start()] + word[:at] + word[at - 1] + word[at:] + text[match.end() :]


WAYS = (_upper, _lower, _unaccented, _decomposed, _spaced, _wrapped, _entities, _apostrophes, _invisible, _typo)


def perturb(text: str, number: int) -> tuple[str, str]:
    """(name of the change, changed text); the same number gives the same change."""
    way = WAYS[number % len(WAYS)]
    return way.__name__.strip("_"), way(text, random.Random(number))
