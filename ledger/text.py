"""The key under which the same wording is recognised again, whatever its accents, case and spacing."""

from __future__ import annotations

import hashlib
import unicodedata


def text_key(text: str) -> str:
    """SHA-256 hex of the text in NFKC, case-folded, without accents, with white space folded to single spaces."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return hashlib.sha256(" ".join(bare.split()).encode("utf-8", "surrogatepass")).hexdigest()
