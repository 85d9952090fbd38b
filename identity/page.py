"""Say who a listing shows: from the register where one is given, else from the page alone, or abstain with reasons.

It sees first what the page itself forbids: a house, several people, a profession without Order, no name. Without a
register a person is linked only by a well-formed RPPS number on their own page; a name alone is never enough.
"""

from __future__ import annotations

from identity.deciding import match
from identity.registry.store import Registry
from identity.rpps import read_rpps
from identity.shown import Identity, Shown, Status
from identity.trade import read_trade
from identity.words import house_word, is_nameless, several_people
from reference import Profession, load_reference


def identify(shown: Shown, registry: Registry | None = None) -> Identity:
    """Who the page shows. The first that holds decides: not a person, several people, no Order, no name, the register.

    Never raises on what a page shows.
    """
    profession = read_trade(shown.profession, shown.speciality).profession
    if forbidden := _forbidden(shown, profession):
        return forbidden
    if registry is not None:
        return match(shown, registry)
    reading = read_rpps(shown.rpps)
    if not reading.number:
        return _abstain(Status.NONE, reading.reason, *_adeli(shown.adeli))
    return Identity(
        Status.LINKED,
        reading.number,
        ("Numéro RPPS affiché sur la page, bien formé, non confronté au registre.", *_unknown(shown, profession)),
    )


def _forbidden(shown: Shown, profession: Profession | None) -> Identity | None:
    """The abstention that the page itself commands, whatever a register says; None when there is none."""
    if shown.is_organisation:
        return _abstain(Status.ORGANISATION, "La fiche est celle d’une structure, pas d’une personne.")
    if word := house_word(shown.display_name):
        return _abstain(
            Status.ORGANISATION,
            f"Le nom affiché contient « {word} » : la fiche est celle d’une structure, d’un service, d’un "
            "secrétariat ou d’un remplaçant, pas celle du praticien.",
        )
    if profession is None and (word := house_word(shown.profession)):
        return _abstain(Status.ORGANISATION, f"La page se dit « {word} » : c’est une structure, pas une personne.")
    if several_people(shown.display_name):
        return _abstain(Status.AMBIGUOUS, "Le nom affiché désigne plusieurs personnes : on ne sait pas laquelle.")
    if profession is not None and profession.order is None:
        return _abstain(
            Status.NO_ORDER,
            f"La profession affichée, « {profession.label} », n’a pas d’Ordre : aucune plainte ordinale n’est possible "
            "à ce titre. Si la personne est aussi inscrite à un Ordre, un relecteur doit l’établir.",
        )
    if is_nameless(shown.display_name):
        return _abstain(Status.NONE, "La page n’affiche pas de nom de personne.")
    return None


def _abstain(status: Status, *reasons: str) -> Identity:
    return Identity(status, "", reasons)


def _adeli(shown: str) -> tuple[str, ...]:
    if not shown.strip():
        return ()
    return ("La page affiche un numéro ADELI : ce répertoire s’éteint et ne suffit pas à désigner une personne.",)


def _unknown(shown: Shown, profession: Profession | None) -> tuple[str, ...]:
    if profession is not None:
        return ()
    label = load_reference().professions.get(shown.profession)
    named = f"« {label.label if label else shown.profession} »" if shown.profession else "aucune"
    return (f"Profession reconnue : {named} ; l’Ordre compétent reste à établir.",)
