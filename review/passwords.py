"""Which passwords a stranger would try. It hashes nothing, keeps nothing and knows no person."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

from reference.errors import VigieError

SHORTEST, LONGEST = 15, 1024  # characters; the upper bound keeps the hash from being a way to exhaust the machine
FEWEST_CHARACTERS = 5  # different ones
FEWEST_WORDS = 3  # a password made of fewer known words than this is guessed in hours
_DATA = Path(__file__).parent / "data"
_DRESS = str.maketrans("013457@$!", "oieastasi")  # digits and signs that stand in for letters
_ROWS = (
    "azertyuiop", "qsdfghjklm", "wxcvbn", "qwertyuiop", "asdfghjkl", "zxcvbnm",
    "1234567890", "abcdefghijklmnopqrstuvwxyz",
)  # fmt: skip
_STEP = 4  # letters in a row of a keyboard or of the alphabet that count as one word


class PasswordRefused(VigieError):
    """The password is too short, too long, common or guessable."""


def refuse_weak(password: str, *own: str) -> None:
    """Raise `PasswordRefused`, in French, for a password a stranger would try; `own` are the person's own names."""
    if len(password) < SHORTEST:
        raise PasswordRefused(f"Le mot de passe compte au moins {SHORTEST} caractères.")
    if len(password) > LONGEST:
        raise PasswordRefused(f"Le mot de passe compte au plus {LONGEST} caractères.")
    folded, undressed = _folded(password), _folded(password.casefold().translate(_DRESS))
    if folded in _common() or len(set(folded)) < FEWEST_CHARACTERS:
        raise PasswordRefused("Ce mot de passe est trop courant ou trop répétitif.")
    for name in filter(None, map(_folded, ("vigie", *own))):
        if len(name) >= 3 and len(folded.replace(name, "")) < SHORTEST // 2:
            raise PasswordRefused("Le mot de passe ne doit pas se résumer à l’identifiant.")
    bare = re.sub(r"^\d+|\d+$", "", folded)
    forms = {folded, undressed, bare, bare.translate(_DRESS), re.sub(r"(.)\1+", r"\1", folded)}
    if any(_pieces(form) < FEWEST_WORDS for form in forms):
        raise PasswordRefused(
            "Ce mot de passe tient en un ou deux mots connus ou en une suite de touches : allongez-le."
        )


def _folded(password: str) -> str:
    plain = unicodedata.normalize("NFKD", password.casefold())
    return re.sub(r"[\W_]", "", "".join(c for c in plain if not unicodedata.combining(c)))


def _pieces(text: str) -> int:
    """The fewest known pieces (words, runs of keys, numbers) that spell the whole text; else a large number."""
    text = _undoubled(text)
    best = [0] + [10**6] * len(text)
    for start in range(len(text)):
        if best[start] >= FEWEST_WORDS:
            continue
        for end in range(start + 1, min(len(text), start + 24) + 1):
            piece = text[start:end]
            if (end - start >= 4 and piece in _words()) or piece.isdecimal() or _is_run(piece):
                best[end] = min(best[end], best[start] + 1)
    return best[-1]


def _undoubled(text: str) -> str:
    """« bonjourbonjour » is « bonjour »."""
    found = re.fullmatch(r"(.+?)\1+", text)
    return found.group(1) if found else text


def _is_run(piece: str) -> bool:
    if len(piece) < _STEP:
        return False
    return any(piece in row or piece in row[::-1] for row in _rows())


@cache
def _rows() -> tuple[str, ...]:
    return tuple(row + row for row in _ROWS)


@cache
def _common() -> frozenset[str]:
    return _lines("common_passwords.txt")


@cache
def _words() -> frozenset[str]:
    return _lines("common_words.txt") | {word for word in _lines("common_passwords.txt") if len(word) >= 4}


def _lines(name: str) -> frozenset[str]:
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip().casefold() for line in lines if line.strip() and not line.startswith("#"))
