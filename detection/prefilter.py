"""Say in microseconds that a text names no benefit at all; it must never say so of a text that does."""

from collections.abc import Iterable

from detection.lexicon import Phrases
from detection.normalise import fold_fast

#: Pieces of which at least one stands in every text that names a benefit, or paraphrases one.
_PIECES = (
    "cmu", "c2s", "c2 s", "c 2s", "css", "acs", " ame ", "a m e", "c m u", "c 2 s", "c s s", "a c s", "cm u", "c mu", "solid", "sollid", "soldai", "univer",
    "medical d etat", "medical detat", "medicale d etat", "complementer", "complementair solid", "compl sant", "aide medic", "aides medic",
    "aide a la comp", "aide comp", "aide au ", "aide a l a", "aide pour ", "cheque sante", "cheque acs",
    "protection c", "aide social", "aides social", "patients socia", "cas socia", "minima socia", "assistance ",
    "l etat", " d etat", " etat", "detat", "sans papier", "aide publique", "aides publiques", "aide de l",
    "aides de", "d une aide", "couverture grat", "couvertures grat", "couverture soci", "mutuelle grat",
    "mutuelles grat", "mutuelle de l", "complementaire grat", "complementaires grat", "complementaire aid",
    "complementaires aid", "dispositif", "regime soci", "regime d aide", "assures aides", "payant social",
    "aides a la sante", "aide sante", "aides sante", "charge sociale", "patient social", "patiente social",
    "patientes social", "puma", "protection univ", "public aid", "medical aid", "state ", "ayuda medica",
    "social benefit", "publicly funded", "regimes d aide", "regimes soci",
)  # fmt: skip


#: The first look: letters that only few texts hold, and words of which every piece above has one.
_RARE = (
    "cmu",
    "c2s",
    "c m u",
    "c mu",
    "cm u",
    "c 2 s",
    "a m e",
    "c s s",
    "a c s",
    "solid",
    "sollid",
    "soldai",
    "univer",
    "complementer",
    "c2 s",
    "c 2s",
)


_FIRST_WORDS = (
    "css", "acs", "ame", "aide", "aides", "aid", "sante", "puma", "cheque", "protection", "cas", "minima",
    "assistance", "etat", "detat", "papiers", "papier", "social", "sociale", "sociales", "sociaux", "socials",
    "payes", "couverture", "couvertures", "mutuelle", "mutuelles", "complementaire", "complementaires",
    "dispositif", "dispositifs", "regime", "regimes", "patients", "state", "benefits", "publicly", "ayuda",
    "patient", "letat", "aid", "compl",
)  # fmt: skip


class Prefilter:
    """What to look for: the fixed pieces, every name the reference gives a benefit, and the cues of a paraphrase."""

    def __init__(self, names: Iterable[str], cues: Phrases) -> None:
        self._cues = cues
        known = list(_PIECES)
        for name in names:
            plain = " ".join(fold_fast(name).split())
            if plain and not any(piece.strip() in plain for piece in known if len(piece.strip()) > 3):
                known.append(f" {plain} ")
        self.pieces = tuple(dict.fromkeys(known))
        self._words = frozenset(_FIRST_WORDS) | {piece.split()[-1] for piece in known[len(_PIECES) :]}

    def may_mention(self, plain: str) -> bool:
        """False only when no benefit can be named in the text, given as ``fold_fast`` leaves it."""
        words = plain.split()
        named = not self._words.isdisjoint(words) or any(piece in plain for piece in _RARE)
        if named and any(piece in plain for piece in self.pieces):
            return True
        return self._cues.among(words)
