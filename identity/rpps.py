"""Read a register number (RPPS) as a page shows it. It checks the form alone, never whose number it is.

A RPPS number has 11 digits, the last of which is the Luhn check digit of the others. The register's own files write it
with its type in front, « 8 » + 11 digits; that national identifier is not what a page is asked to show, and its
check digit does not hold over 12 digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz.distance import OSA

LENGTH = 11
_SEPARATORS = re.compile(r"[\s.\u2007\u2009\u200b\u202f-]+")
_LABEL = re.compile(r"^\s*(?:n[°ºo]\s*)?rpps\s*(?:n[°ºo])?\s*:?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class RppsReading:
    """The number, digits alone, or "" and the French reason why there is none."""

    number: str
    reason: str


def luhn(digits: str) -> bool:
    """Whether the last of these ASCII digits is the Luhn check digit of the others. False for an empty text."""
    if not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def read_rpps(shown: str) -> RppsReading:
    """The number in what a page shows. Spaces, dots and hyphens between digits, and a « RPPS : » label, may stand."""
    digits = _SEPARATORS.sub("", _LABEL.sub("", shown))
    if not digits:
        return RppsReading("", "La page n’affiche pas de numéro RPPS.")
    if not (digits.isascii() and digits.isdigit()):
        return RppsReading("", f"Le numéro RPPS affiché, « {_short(shown)} », ne contient pas que des chiffres.")
    if len(digits) == LENGTH + 1 and digits[0] == "8" and _plausible(digits[1:]):
        return RppsReading(
            "",
            f"Le numéro affiché, « {_short(shown)} », a 12 chiffres : c’est la forme nationale (8 suivi du numéro "
            "RPPS), qui n’est pas acceptée telle quelle. Une personne doit confirmer le numéro à 11 chiffres.",
        )
    if len(digits) != LENGTH:
        return RppsReading(
            "", f"Le numéro RPPS affiché, « {_short(shown)} », a {len(digits)} chiffres au lieu de {LENGTH}."
        )
    if len(set(digits)) == 1:
        return RppsReading("", f"Le numéro RPPS affiché, « {digits} », est un numéro de remplissage.")
    if not luhn(digits):
        return RppsReading("", f"Le numéro RPPS affiché, « {digits} », est mal formé : sa clé de contrôle est fausse.")
    return RppsReading(digits, "")


def resembles(shown: str, number: str) -> bool:
    """Whether what a page shows is this register number with at most one digit wrong, lost, added or exchanged."""
    digits = _SEPARATORS.sub("", _LABEL.sub("", shown))
    return bool(digits and number) and OSA.distance(digits, number) <= 1


def _plausible(digits: str) -> bool:
    return len(set(digits)) > 1 and luhn(digits)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 40 else plain[:39] + "…"
