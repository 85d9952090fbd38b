"""Tell whether a short page speaks of a practice at all. It judges no wording and names no wall.

A wall of a kind nobody has listed says little, and nothing of care: taking it for a page of the practice would count a
practice as clean, or its wording as withdrawn.
"""

from __future__ import annotations

import re
from functools import cache

from crawler.reading.texts import fold
from reference import load_reference

SHORT = 600  # characters: a longer page is never questioned
_STEMS = (
    "beneficiaire cabinet cheque chirurg clinique complementaire consultation convention dentaire dentiste docteur "
    "honoraire hopital maladie medec medic mutuelle ordonnance pharmac praticien remboursement secretariat "
    "soign soins sympt tarif therap traitement vaccin vitale"
)
_WHOLE = (
    "patient patients patiente patientele ald ame c2s cmu css dr rdv rpps sante secu sociale urgence urgences horaires"
)
_PHRASES = ("rendez-vous", "premiere visite", "prise en charge", "tiers payant", "tiers-payant", "aides sociales")
_PHONE = re.compile(r"(?<!\d)0[1-9](?:[ .-]?\d\d){4}(?!\d)")


@cache
def _trade() -> re.Pattern[str]:
    reference = load_reference()
    names = {name for one in reference.professions.values() for name in (one.label, *one.aliases)}
    names |= {name for one in reference.benefits.values() for name in one.spellings}
    stems = [re.escape(word) for word in (*_STEMS.split(), *_PHRASES)]
    whole = [re.escape(fold(name)) + r"\b" for name in (*names, *_WHOLE.split()) if len(name) > 1]
    return re.compile(r"\b(?:" + "|".join(stems + whole) + ")")


def speaks_of_a_practice(text: str, host: str) -> bool:
    """True for a page that is long, or holds a word of the trade or a telephone number. `host` counts for nothing."""
    if len(text) > SHORT:
        return True
    said = fold(text).replace(host.lower().removeprefix("www."), " ")
    return bool(_trade().search(said) or _PHONE.search(said))
