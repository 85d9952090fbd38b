"""Name the refusals on other grounds that stand in a text; it must not look at benefits."""

import re
from collections.abc import Mapping
from pathlib import Path

from detection.lexicon import compose, entries, strings

CONTEXTS = ("capacity", "security", "out_of_convention", "third_party_payment")


class Contexts:
    """Phrases by context, tried with plain substring tests before any expression runs."""

    def __init__(self, path: Path) -> None:
        self._phrases: Mapping[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
            code: tuple(_compile(phrase) for phrase, _ in strings(path, node))
            for code, node in entries(path, compose(path))
        }

    def of(self, plain: str) -> tuple[str, ...]:
        """The contexts found in a text as ``fold_fast`` leaves it, in the order of the design's list."""
        return tuple(
            code
            for code in CONTEXTS
            if any(piece in plain and pattern.search(plain) for piece, pattern in self._phrases.get(code, ()))
        )


def _compile(phrase: str) -> tuple[str, "re.Pattern[str]"]:
    """``piece & a * b``: the piece a text must contain, then the words, ``*`` for at most forty characters between."""
    piece, _, words = phrase.partition(" & ")
    parts = [r"\s+".join(re.escape(word) for word in part.split()) for part in words.split("*")]
    return piece, re.compile(
        r".{0,40}?".join(parts).replace(r"\|", "|").replace(r"\(", "(?:").replace(r"\)", ")"), re.DOTALL
    )
