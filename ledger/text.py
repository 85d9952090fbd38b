"""The key under which the same wording is recognised again, and the mark that stands where a text was erased."""

from __future__ import annotations

import hashlib
import unicodedata


def folded(text: str) -> str:
    """The text in NFKC, case-folded, without accents, with white space folded to single spaces."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return " ".join(bare.split())


def text_key(text: str) -> str:
    """SHA-256 hex of the folded text."""
    return hashlib.sha256(folded(text).encode("utf-8", "surrogatepass")).hexdigest()


ERASED = "[texte effacé, SHA-256 "


def erased_text(text: str) -> str:
    """What takes the place of an erased text: it says so, with the SHA-256 of what stood there."""
    return f"{ERASED}{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}]"
