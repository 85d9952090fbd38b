"""Lay the candidates of the register beside what a page shows, field by field, in French, for a person to decide.

It decides nothing; what it returns is what stands on the screen, and can be kept as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass

from identity import reasons
from identity.address import Nearness
from identity.evidence import Evidence
from identity.names import Family, Given
from identity.registry.store import Registry
from identity.searching import search
from identity.shown import Shown
from identity.trade import Agreement

MOST = 8  # candidates that a person can look at side by side

_SAME, _NEAR, _OTHER, _UNKNOWN = "concorde", "proche", "diffère", "non comparable"
_PLACE = {
    Nearness.HOUSE: _SAME,
    Nearness.ROAD: _NEAR,
    Nearness.TOWN: _NEAR,
    Nearness.DEPARTMENT: _OTHER,
    Nearness.ELSEWHERE: _OTHER,
    Nearness.UNKNOWN: _UNKNOWN,
}
_AGREEMENT = {Agreement.AGREE: _SAME, Agreement.DISAGREE: _OTHER, Agreement.UNKNOWN: _UNKNOWN}


@dataclass(frozen=True)
class Compared:
    """One field: its French name, what the page shows, what the register says, and how they compare in words.

    `agreement` is « concorde », « proche », « diffère » or « non comparable »; `words` says it at more length.
    """

    field: str
    shown: str
    registered: str
    agreement: str
    words: str


@dataclass(frozen=True)
class Candidate:
    """A person of the register who may be the one shown. `rpps` is "" for an old ADELI number alone.

    `score` is in bits (see `identity/data/weights.yaml`); `registry_date` the day of the state that was read, ISO.
    """

    rpps: str
    name: str
    score: float
    fields: tuple[Compared, ...]
    places: tuple[str, ...]
    registry_date: str


def candidates(shown: Shown, registry: Registry) -> tuple[Candidate, ...]:
    """The likeliest people of the register for a page, best first, at most `MOST`; empty when nobody bears the name."""
    found = search(shown, registry)
    return tuple(
        Candidate(
            rpps=one.evidence.rpps,
            name=f"{one.evidence.family_name} {one.evidence.given_name}",
            score=one.score,
            fields=_fields(shown, one.evidence),
            places=tuple(dict.fromkeys(filter(None, map(reasons.place_of, one.evidence.activities)))),
            registry_date=found.state.day,
        )
        for one in found.found[:MOST]
    )


def _fields(shown: Shown, person: Evidence) -> tuple[Compared, ...]:
    near = person.nearest.fields
    trades = dict.fromkeys(a.fields["profession"] for a in person.activities)
    skills = dict.fromkeys(a.fields["skill"] for a in person.activities if a.fields["skill"])
    phones = dict.fromkeys(p for a in person.activities for p in (a.fields["phone"], a.fields["phone_2"]) if p)
    place = ", ".join(part for part in (shown.street, f"{shown.postcode} {shown.city}".strip()) if part)
    return (
        Compared("Nom", shown.display_name, person.family_name, _family(person), reasons.FAMILY[person.name.family]),
        Compared("Prénom", shown.display_name, person.given_name, _given(person), reasons.GIVEN[person.name.given]),
        _plain("Civilité", "", near["title"] or near["civility"], person.sex),
        _plain("Profession", shown.profession, ", ".join(trades), person.trade),
        _plain("Spécialité", shown.speciality, ", ".join(skills), person.skill),
        Compared("Lieu", place, reasons.place_of(person.nearest), _PLACE[person.place], reasons.PLACE[person.place]),
        _plain("Téléphone", shown.phone, ", ".join(phones), person.phone),
        _plain("Numéro RPPS", shown.rpps, person.rpps, person.number),
    )


def _plain(name: str, shown: str, registered: str, agreement: Agreement) -> Compared:
    return Compared(name, shown, registered, _AGREEMENT[agreement], reasons.AGREEMENT[agreement])


def _family(person: Evidence) -> str:
    return {Family.WHOLE: _SAME, Family.NONE: _OTHER}.get(person.name.family, _NEAR)


def _given(person: Evidence) -> str:
    degree = person.name.given
    return {Given.WHOLE: _SAME, Given.NONE: _OTHER, Given.MISSING: _UNKNOWN}.get(degree, _NEAR)
