"""Say in French, for a reviewer, what speaks for and against a candidate. It decides nothing."""

from __future__ import annotations

from identity.address import Nearness
from identity.evidence import Evidence
from identity.names import Family, Given
from identity.registry.store import Activity
from identity.trade import Agreement

FAMILY = {
    Family.WHOLE: "nom identique",
    Family.PART: "nom identique à l’un des noms d’un nom composé",
    Family.SLIP: "nom identique à une faute de frappe près",
    Family.NONE: "nom différent",
}
GIVEN = {
    Given.WHOLE: "prénom identique",
    Given.SLIP: "prénom identique à une faute de frappe près",
    Given.INITIALS: "prénom réduit à son initiale sur la page",
    Given.MISSING: "prénom absent de la page",
    Given.NONE: "prénom différent",
}
PLACE = {
    Nearness.HOUSE: "même adresse",
    Nearness.ROAD: "même rue, sans numéro",
    Nearness.TOWN: "même commune, autre adresse",
    Nearness.DEPARTMENT: "même département, autre commune",
    Nearness.ELSEWHERE: "autre département",
    Nearness.UNKNOWN: "lieu d’exercice inconnu de la page ou du registre",
}
AGREEMENT = {Agreement.AGREE: "concorde", Agreement.DISAGREE: "diffère", Agreement.UNKNOWN: "non comparable"}


def title(evidence: Evidence) -> str:
    """« QUERVAUX Ysaline (RPPS 99000000012) »."""
    number = f"RPPS {evidence.rpps}" if evidence.rpps else "sans numéro RPPS"
    return f"{evidence.family_name} {evidence.given_name} ({number})"


def place_of(activity: Activity) -> str:
    """« 12 bis Rue DE LA GARE, 59000 Lille »; "" when the register knows no address."""
    f = activity.fields
    street = " ".join(part for part in (f["number"], f["repeat"], f["street_kind"], f["street"]) if part)
    town = " ".join(part for part in (f["postcode"], f["town"]) if part)
    return ", ".join(part for part in (street, town) if part)


def points(evidence: Evidence) -> tuple[str, ...]:
    """The facts compared, one French phrase each; those that cannot be compared are left out."""
    found = [FAMILY[evidence.name.family], GIVEN[evidence.name.given]]
    if evidence.trade is not Agreement.UNKNOWN:
        found.append("même profession" if evidence.trade is Agreement.AGREE else "autre profession")
    if evidence.skill is not Agreement.UNKNOWN:
        found.append("même spécialité" if evidence.skill is Agreement.AGREE else "autre spécialité")
    found.append(PLACE[evidence.place])
    if evidence.phone is not Agreement.UNKNOWN:
        found.append("même téléphone" if evidence.phone is Agreement.AGREE else "autre téléphone")
    if evidence.sex is Agreement.DISAGREE:
        found.append("civilité contraire")
    if evidence.number is not Agreement.UNKNOWN:
        found.append(
            "numéro RPPS affiché identique" if evidence.number is Agreement.AGREE else "autre numéro RPPS affiché"
        )
    return tuple(found)


def sentence(evidence: Evidence) -> str:
    """« Au registre : QUERVAUX Ysaline (RPPS …) : nom identique, prénom identique, même adresse. »"""
    return f"Au registre : {title(evidence)} : {', '.join(points(evidence))}."
