"""Read a name as a page shows it: titles, trades and brackets away, other family names of the person kept apart.

It knows no register. Which words are the family name is said only where capitals show it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from identity.names.words import folded, lexicon, words
from reference import load_reference

_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]?")
_SEGMENTS = re.compile(r"\s+[-–—|•·]\s+|\s*[,;|/•·]\s*")
_HYPHENS = re.compile(r"(?<=\w)[-‐‑]\s*(?=\w)|(?<=\w)\s+[-‐‑](?=\w)")
_TOKEN = re.compile(r"[^\s]+")


@dataclass(frozen=True)
class Token:
    """One group of letters between spaces: `words` are its folded words (« Marie-Claude » has two)."""

    words: tuple[str, ...]
    capitals: bool
    initials: tuple[str, ...]  # what it abbreviates, one beginning a first name; empty when it is a whole word


@dataclass(frozen=True)
class ShownName:
    """The tokens of the name in the order shown, and the other family names said by « née », « épouse »."""

    tokens: tuple[Token, ...]
    others: tuple[tuple[str, ...], ...]
    capitals_mark: bool  # capitals tell the family name from the first name

    @property
    def alone(self) -> bool:
        """True where only one token is left: a family name (or less), and no first name."""
        return len(self.tokens) < 2


@lru_cache(maxsize=20_000)
def read_name(display: str) -> ShownName:
    """The name in a display name. Anything can be given: where there is no name there are no tokens."""
    text = _HYPHENS.sub("-", _ends(display)).replace("’", "'")
    inside = [part for bracket in _BRACKETS.findall(text) if (part := _other(bracket))]
    segments = [part for part in _SEGMENTS.split(_BRACKETS.sub(" , ", text)) if part.strip()]
    kept = segments[:1]
    if len(segments) > 1 and len(_TOKEN.findall(_untitled(segments[0]))) == 1 and not _trade(segments[1]):
        kept = segments[:2]
    main, others = _marked(_untitled(" ".join(kept)))
    for segment in segments[len(kept) :]:
        inside += [part] if (part := _other(segment)) else []
    tokens = _tokens(main)
    capitals = {token.capitals for token in tokens if not token.initials}
    return ShownName(tuple(tokens), (*others, *map(words, inside)), capitals == {True, False})


def _ends(display: str) -> str:
    return display.strip(" .,;:-–—|/")[:200]


def _trade(segment: str) -> bool:
    """Whether a piece beside the name speaks of something else: a trade, a qualification."""
    profession = load_reference().profession_of(segment)
    return profession is not None or any(
        word in lexicon()["after"] or load_reference().profession_of(word) for word in folded(segment).split()
    )


def _untitled(text: str) -> str:
    """The text without titles in front and at the end; « M. » goes only before more than a family name."""
    tokens = _TOKEN.findall(text)
    titles, articles = lexicon()["titles"], lexicon()["articles"]
    while len(tokens) > 1:
        word = folded(tokens[0])
        monsieur = word == lexicon()["monsieur"] and (len(tokens) > 2 or folded(tokens[1]) in titles)
        article = word in articles and len(tokens) > 2 and folded(tokens[1]) in titles
        if not (word in titles or monsieur or article):
            break
        tokens = tokens[1:]
    if len(tokens) == 2 and folded(tokens[0]) == lexicon()["monsieur"] and tokens[0].endswith("."):
        # « M. Picard » is Monsieur Picard; « Dr M. Picard » was untitled above and keeps its initial.
        tokens = tokens[1:] if folded(text).split()[0] == lexicon()["monsieur"] else tokens
    while len(tokens) > 1 and (folded(tokens[-1]).replace(" ", "") in titles or _qualification(tokens[-1])):
        tokens = tokens[:-1]
    return " ".join(_without_trade(tokens))


def _qualification(token: str) -> bool:
    return folded(token).replace(" ", "") in lexicon()["after"] and (token.isupper() or "." in token)


def _without_trade(tokens: list[str]) -> list[str]:
    """The tokens without a trade at the end that no sign parts from the name: « … Fournier Chirurgien dentiste »."""
    for at in range(2, len(tokens)):
        if load_reference().profession_of(" ".join(tokens[at:])):
            return tokens[:at]
    return tokens


def _marked(text: str) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """(the name, the family names after « née » and the like)."""
    tokens = _TOKEN.findall(text)
    others: list[list[str]] = []
    main: list[str] = []
    current: list[str] | None = None
    for token in tokens:
        if main and folded(token) in lexicon()["markers"]:
            current = []
            others.append(current)
        else:
            (main if current is None else current).append(token)
    return " ".join(main), tuple(words(" ".join(other)) for other in others if other)


def _other(bracket: str) -> str:
    """The family name in « née Petit », « ép. Petit »; "" when the brackets hold something else."""
    tokens = _TOKEN.findall(bracket)
    if len(tokens) > 1 and folded(tokens[0]) in lexicon()["markers"]:
        return " ".join(tokens[1:])
    return ""


def _tokens(text: str) -> list[Token]:
    raw = _TOKEN.findall(text)
    mixed = any(any(c.islower() for c in token) for token in raw)
    made = []
    for token in raw:
        found = words(token)
        if found:
            made.append(Token(found, _is_capitals(token), _initials(token, found, mixed)))
    return made


def _is_capitals(token: str) -> bool:
    letters = [c for c in token if c.isalpha()]
    return len(letters) > 1 and all(c.isupper() for c in letters)


def _initials(token: str, found: tuple[str, ...], mixed: bool) -> tuple[str, ...]:
    """What a token abbreviates: « J.-P. », « JP » beside small letters, « Ph. », « J »."""
    if all(len(word) == 1 for word in found):
        return () if "'" in token else found
    short = folded(token)
    if token.endswith(".") and short.isalpha() and len(short) <= 4 and not token.isupper():
        return (short,)
    if len(found) == 1 and len(found[0]) == 2 and token.isupper() and mixed:
        return tuple(found[0])
    return ()
