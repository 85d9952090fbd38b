"""Which of the guide's fields a page or a heading announces. It reads headings and addresses, never the wording itself.

`review` is the one field that excuses a refusal (someone else's words), so it is given only on plain signs:
« Avis aux patients » is a notice of the practice, not a review.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from crawler.reading.texts import fold

_FIELDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("banner", re.compile(r"\bavis (?:a|au|aux|important|de fermeture)\b|\bimportante?s?$|\bannonces?\b|\ba noter\b")),
    (
        "review",
        re.compile(
            r"\btemoignages?\b|\bavis (?:de|des|du|google|patients?|clients?|verifies)\b|\b(?:vos|les|leurs) avis\b"
            r"|^avis$|\blivre d'or\b|\bce que (?:disent|pensent)\b"
        ),
    ),
    ("faq", re.compile(r"\bfaq\b|\bquestions?\b")),
    (
        "payment",
        re.compile(
            r"\bhonoraires?\b|\btarifs?\b|\btarification\b|\bpaie?ments?\b|\breglements? (?!interieur)|\breglements?$|"
            r"\bremboursements?\b|\bprise en charge\b|\bmutuelles?\b|\btiers[ -]payant\b|\bprix\b|\bconvention"
        ),
    ),
    ("motive", re.compile(r"\bmotifs?\b")),
    ("hours", re.compile(r"\bhoraires?\b|\bheures d'ouverture\b|\bouvertures?\b")),
    (
        "instructions",
        re.compile(
            r"\brendez[ -]vous\b|\brdv\b|\bconsignes?\b|\bpremiere (?:visite|consultation)\b|"
            r"\bavant (?:de|votre|la|le)\b|\burgences?\b|\bmodalites\b|\bannulations?\b|"
            r"\binfos?(?:rmations?)? (?:pratiques?|utiles?)\b|"
            r"\bacces\b|\bnouveaux patients\b|\bdocuments? a\b"
        ),
    ),
)


def field_of_heading(heading: str) -> str:
    """The field that a heading (or a link's words) announces, or ""."""
    folded = fold(heading)
    return next((field for field, pattern in _FIELDS if pattern.search(folded)), "")


def field_of_path(path: str) -> str:
    """The field that a page's address announces (`/honoraires-et-tarifs.html` → payment), or ""."""
    return field_of_heading(re.sub(r"[-_/.+]+", " ", unquote(path)))
