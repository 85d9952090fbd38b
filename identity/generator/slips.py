"""The small mistakes of people who type: letters lost or exchanged, abbreviations, phone numbers spaced anyhow."""

from __future__ import annotations

import unicodedata
from random import Random

ABBREVIATIONS = (
    ("Avenue", "Av."), ("Boulevard", "Bd"), ("Place", "Pl."), ("Rue", "r."), ("Général", "Gal"), ("Saint", "St"),
    ("Chemin", "Ch."), ("Route", "Rte"), ("Docteur", "Dr"), ("Allée", "All."), ("Maréchal", "Mal"),
)  # fmt: skip


def slip(text: str, dice: Random) -> str:
    """The text with one letter lost, doubled, exchanged with its neighbour or struck beside."""
    if len(text) < 4:
        return text
    at = dice.randrange(1, len(text) - 2)
    kind = dice.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + dice.choice("aeinrst") + text[at + 1 :]


def without_accents(text: str) -> str:
    """The text as keyboards without accents write it."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def abbreviated(street: str) -> str:
    """The street with the usual abbreviations."""
    for word, short in ABBREVIATIONS:
        street = street.replace(word, short)
    return street


def spaced(phone: str, dice: Random) -> str:
    """A number of ten digits as pages write it."""
    pairs = [phone[at : at + 2] for at in range(0, 10, 2)]
    plain = dice.choice((" ", ".", "-", "\u00a0")).join(pairs)
    return dice.choice((plain, plain, plain, f"+33 {plain[1:]}", f"+33 (0){plain[1:]}", f"Tél. {plain}"))
