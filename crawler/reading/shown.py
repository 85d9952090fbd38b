"""Build the practitioner as shown, cut to the ledger's columns. It checks no number and matches no register."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from crawler.items import ShownPractitioner
from crawler.reading.texts import first_line, fold, storable
from reference import load_reference

_WIDTHS = {
    "display_name": 300,
    "speciality": 200,
    "street": 300,
    "postcode": 10,
    "city": 120,
    "phone": 40,
    "rpps": 20,
    "adeli": 20,
}
_ORGANISATION = re.compile(
    r"(?:cabinet|centre|center|maison|pole|clinique|pharmacie|selarl|sel|scm|scp|hopital|hospital|institut|laboratoire|"
    r"groupe|groupement|association|polyclinique|dispensaire|espace)\b"
)
_ONE_DOCTOR = re.compile(r"\b(?:dr|docteure?|pr|professeure?)\b")
_RPPS = re.compile(r"\bRPPS\b[^\d\n]{0,40}(\d(?:[ \u00a0.\u202f]?\d){10})(?!\d)", re.IGNORECASE)
_ADELI = re.compile(r"\bAD[EÉ]LI\b[^\d\n]{0,40}(\d[\dAB](?:[ \u00a0.\u202f]?\d){7})(?!\d)", re.IGNORECASE)
_PARTS = re.compile(r"\s+(?:à|a|au|aux|en|de|-|–|—)\s+|\s*[|:•\n]\s*", re.IGNORECASE)


def practitioner(
    *, is_organisation: bool, profession: str = "", signals: Mapping[str, Any] | None = None, **fields: Sequence[object]
) -> ShownPractitioner:
    """The practitioner from candidate values: of each field the first that is a non-empty string is kept."""
    values = {name: first_line(candidates, _WIDTHS[name]) for name, candidates in fields.items()}
    code = profession or profession_code([values.get("speciality", "")])
    return ShownPractitioner(
        is_organisation=is_organisation, profession=code[:120], signals=storable_json(signals or {}), **values
    )


def profession_code(candidates: Sequence[object]) -> str:
    """The reference code of the first candidate that names a profession, whole or in a part of it; "" in doubt.

    A text that names professions of different Orders decides nothing: a complaint must not go to the wrong council.
    """
    reference = load_reference()
    for text in (c[:300] for c in candidates if isinstance(c, str) and c.strip()):
        named = [p for part in (text, *_PARTS.split(text)) if part.strip() and (p := reference.profession_of(part))]
        if len({profession.order for profession in named}) == 1:
            return named[0].code
        if named:
            return ""
    return ""


def looks_like_organisation(name: str) -> bool:
    """True for a name that begins as a house does (« Cabinet… »), but not for one doctor's (« Cabinet du Dr X »)."""
    folded = fold(name)
    return bool(_ORGANISATION.match(folded)) and len(_ONE_DOCTOR.findall(folded)) != 1


def numbers(text: str, pattern: re.Pattern[str]) -> list[str]:
    """The distinct numbers a text shows, digits only, in order."""
    return list(dict.fromkeys(re.sub(r"[^\dAB]", "", match) for match in pattern.findall(text)))


def rpps_numbers(text: str) -> list[str]:
    """The RPPS numbers a text names as such. They are as shown, unchecked."""
    return numbers(text, _RPPS)


def adeli_numbers(text: str) -> list[str]:
    """The ADELI numbers a text names as such. They are as shown, unchecked."""
    return numbers(text, _ADELI)


def storable_json(value: Any, depth: int = 0) -> Any:
    """A JSON value that any database takes: no NUL, no lone surrogate, nothing nested beyond four levels."""
    if isinstance(value, str):
        return storable(value)[:500]
    if isinstance(value, Mapping):
        return {storable(str(k))[:80]: storable_json(v, depth + 1) for k, v in value.items()} if depth < 4 else {}
    if isinstance(value, list | tuple):
        return [storable_json(v, depth + 1) for v in value[:50]] if depth < 4 else []
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
