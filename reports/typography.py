"""How texts of ours are set in French, and how long ones are cut. It changes no captured text but by cutting it."""

from __future__ import annotations

import re

from reference import Reference

NBSP = "\u00a0"
UNBROKEN = re.compile(r"(\b[LRD]\.|n°|nº) (?=\d)")


def typo(text: str) -> str:
    """Our own words with the French apostrophe and unbroken references; never used on captured text."""
    return UNBROKEN.sub(rf"\1{NBSP}", text.replace("'", "’"))


def capital(text: str) -> str:
    """The text with a capital, the rest as it is."""
    return text[:1].upper() + text[1:]


def one_line(text: str) -> str:
    """The text with its white space, line ends among it, as single spaces."""
    return " ".join(text.split())


def shorten(text: str, limit: int) -> str:
    """The text, or its beginning and its end with the number of characters left out between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} […{NBSP}{len(text) - 2 * half} caractères non reproduits{NBSP}…] {text[-half:]}"


def field_label(code: str, reference: Reference) -> str:
    """The French name of a field of a page."""
    return typo(reference.fields[code].label) if code in reference.fields else code


def benefit_labels(codes: tuple[str, ...], reference: Reference) -> str:
    """The French names of benefits, in a row."""
    labels = [typo(reference.benefits[code].label) if code in reference.benefits else code for code in codes]
    return ", ".join(labels) or "non précisées"


def stands(words: str, text: str) -> bool:
    """Whether the words stand in the text as whole words."""
    return bool(words.strip()) and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None
