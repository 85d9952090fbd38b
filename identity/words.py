"""Words by which a listing shows a house, a service, a secretary or a substitute, not a person. It decides nothing."""

from __future__ import annotations

from itertools import pairwise

from reference import fold


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Wherever they stand in the name. None of them is a usual French family name.
ANYWHERE = _words(
    """
    secretariat secretariats secretaire secretaires accueil standard standardiste permanence urgences regulation
    selarl selas selasu selurl selca scm scp sisa sarl sasu sci eurl gie earl
    cabinet cabinets clinique polyclinique hopital hopitaux chu chru chr ghu aphp ehpad cpts csapa cegidd pmi pass
    pharmacie laboratoire laboratoires dispensaire polyclinic hospital
    association mutualite fondation groupement federation collectif
    consultation consultations radiologie imagerie irm scanner vaccination
    equipe praticiens medecins dentistes infirmiers infirmieres kinesitherapeutes kines orthophonistes podologues
    osteopathes psychologues cds msp
    remplacant remplacante remplacants remplacantes
    """
)
# Only as the first word: elsewhere they may be a family name (« Dr Jeanne Maison »).
FIRST = _words(
    """
    maison centre center pole espace institut groupe service services unite departement plateau antenne
    reseau residence ecole academie universite faculte plateforme
    """
)
# Wherever they stand, as a phrase.
PHRASES = (
    "maison de sante",
    "maison medicale",
    "centre de sante",
    "centre medical",
    "centre dentaire",
    "centre hospitalier",
    "pole de sante",
    "pole sante",
    "service de",
    "service des",
    "service d",
    "espace sante",
    "espace dentaire",
    "assistant du",
    "assistante du",
    "collaborateur du",
    "collaboratrice du",
    "interne du",
    "et associes",
    "et associees",
)
TITLES = _words("dr drs docteur docteurs doctoresse pr prof professeur m mr monsieur mme madame mlle mademoiselle")

_PLURAL_TITLES = _words("drs docteurs messieurs mesdames mmes mm")


def house_word(name: str) -> str:
    """The word or phrase by which this name is not a person's; "" when there is none."""
    folded = fold(name)
    words = folded.split()
    for phrase in PHRASES:
        if f" {phrase} " in f" {folded} ":
            return phrase
    if words and words[0] in FIRST:
        return words[0]
    return next((word for word in words if word in ANYWHERE), "")


def several_people(name: str) -> bool:
    """True for a name of more than one person: two titles, or two names joined by « et », « & », « / » or « + »."""
    words = fold(name).split()
    titles = sum(word in TITLES and (len(word) > 1 or at == 0) for at, word in enumerate(words)) - _joined_titles(words)
    return titles > 1 or bool(_PLURAL_TITLES & set(words)) or "et" in words[1:-1] or any(sign in name for sign in "&/+")


def is_nameless(name: str) -> bool:
    """True where no name is left once titles and initials are taken away."""
    return not any(len(word) > 1 and word.isalpha() and word not in TITLES for word in fold(name).split())


def _joined_titles(words: list[str]) -> int:
    """How many titles only repeat the one before: « Mme le Dr », « M. le Professeur », « Pr Dr »."""
    article = ("le", "la")
    kept = [word for word in words if word not in article]
    return sum(a in TITLES and b in TITLES for a, b in pairwise(kept))
