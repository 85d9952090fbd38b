"""Say who a listing shows, from the page alone, or abstain with reasons. It opens no register, no database, no network.

A person is linked only by a well-formed RPPS number on their own page. A name is never enough: homonyms are common, and
a dossier on the wrong person cannot be taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from identity.rpps import read_rpps
from identity.words import house_word, is_nameless, several_people
from reference import Profession, load_reference

VERSION = "identity-0.1.0"


class Status(StrEnum):
    """What can be said of the person: only `linked` goes on to a dossier fit to leave."""

    LINKED = "linked"
    AMBIGUOUS = "ambiguous"
    NONE = "none"
    ORGANISATION = "organisation"
    NO_ORDER = "no_order"


@dataclass(frozen=True)
class Shown:
    """The practitioner as a page shows them; `profession` is a code of the reference, "" when it is not recognised."""

    display_name: str = ""
    is_organisation: bool = False
    profession: str = ""
    rpps: str = ""
    adeli: str = ""


@dataclass(frozen=True)
class Identity:
    """The answer of one version of the matcher. `rpps` is 11 digits when the status is `linked`, else "".

    `reasons` are French sentences for a reviewer; there is always at least one.
    """

    status: Status
    rpps: str
    reasons: tuple[str, ...]
    version: str = VERSION


def identify(shown: Shown) -> Identity:
    """Who the page shows. The first that holds decides: not a person, several people, no Order, no number, a number.

    Never raises on what a page shows.
    """
    if shown.is_organisation:
        return _abstain(Status.ORGANISATION, "La fiche est celle d’une structure, pas d’une personne.")
    if word := house_word(shown.display_name):
        return _abstain(
            Status.ORGANISATION,
            f"Le nom affiché contient « {word} » : la fiche est celle d’une structure, d’un service ou d’un "
            "secrétariat, pas d’une personne.",
        )
    if several_people(shown.display_name):
        return _abstain(Status.AMBIGUOUS, "Le nom affiché désigne plusieurs personnes : on ne sait pas laquelle.")
    profession = load_reference().professions.get(shown.profession)
    if profession is not None and profession.order is None:
        return _abstain(
            Status.NO_ORDER,
            f"La profession affichée, « {profession.label} », n’a pas d’Ordre : aucune plainte ordinale n’est possible "
            "à ce titre. Si la personne est aussi inscrite à un Ordre, un relecteur doit l’établir.",
        )
    if is_nameless(shown.display_name):
        return _abstain(Status.NONE, "La page n’affiche pas de nom de personne.")
    reading = read_rpps(shown.rpps)
    if not reading.number:
        return _abstain(Status.NONE, reading.reason, *_adeli(shown.adeli))
    return Identity(
        Status.LINKED,
        reading.number,
        ("Numéro RPPS affiché sur la page, bien formé, non confronté au registre.", *_unknown(shown, profession)),
    )


def _abstain(status: Status, *reasons: str) -> Identity:
    return Identity(status, "", reasons)


def _adeli(shown: str) -> tuple[str, ...]:
    if not shown.strip():
        return ()
    return ("La page affiche un numéro ADELI : ce répertoire s’éteint et ne suffit pas à désigner une personne.",)


def _unknown(shown: Shown, profession: Profession | None) -> tuple[str, ...]:
    if profession is not None:
        return ()
    named = f"« {shown.profession} »" if shown.profession else "aucune"
    return (f"Profession reconnue : {named} ; l’Ordre compétent reste à établir.",)
