"""Say in microseconds that a text names no benefit at all; it must never say so of a text that does."""

import re
from collections.abc import Iterable

from detection.normalise import fold_fast

#: Pieces of which at least one stands in every text that names a benefit, or paraphrases one.
_PIECES = (
    "cmu", "c2s", "css", "acs", " ame ", "a m e ", "c m u", "c 2 s", "c s s", "a c s", "cm u", "c mu", "am e ", "a me ",
    "solida", "sollida", "solider", "universel", "aide medic", "aides medic", "aide a la comp", "aide au pai", "aide a l acq",
    "aide pour une comp", "aide compl", "social", "etat", "sociau", "precari", "precair", "sans papier", "demuni",
    "indigent", "minima", "assiste", "allocataire", "rsa", "cheque sante", "sans ressource", "faibles r", "bas revenu",
    "modeste", "aide publique", "aides publiques", "defavoris", "couverture mutuelle", "gratuit", "puma", "solidar",
    "low income", "undocumented", "welfare", "state aid", "medical aid", "ayuda medica", "cmuc", "cme", "cmp",
    "aide de l", "aide med", "100 ", "une aide", "aides",
)  # fmt: skip
_ALONE = ("cme", "cmp")
_WORD = re.compile(r"\b(?:rsa|cme)\b")


class Prefilter:
    """The pieces to look for: the fixed ones, and the first letters of every name the reference gives a benefit."""

    def __init__(self, names: Iterable[str]) -> None:
        known = [piece for piece in _PIECES if piece not in _ALONE and piece not in {"rsa", "100 ", "gratuit"}]
        for name in names:
            plain = " ".join(fold_fast(name).split())
            if plain and not any(piece.strip() in plain for piece in known if piece.strip() != "ame"):
                known.append(f" {plain} ")
        self.pieces = tuple(dict.fromkeys(known))

    def may_mention(self, text: str) -> bool:
        """False only when no benefit can be named in the text."""
        plain = f" {fold_fast(text)} "
        return any(piece in plain for piece in self.pieces)
