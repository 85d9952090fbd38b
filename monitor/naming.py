"""Give the desk its way to look a listing up in the register of the home: what the pages show beside the candidates.

It turns the matcher's answer into the desk's plain words, and writes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session

from identity import Candidate, Registry, Shown, candidates
from ledger.models import Listing
from monitor.identifying import merged_views
from reference import Reference, load_reference
from review.candidates import Candidate as Laid
from review.candidates import Compared, Lookup, Screen

_SHOWN = (
    ("Nom affiché", "display_name"),
    ("Profession", "profession"),
    ("Spécialité", "speciality"),
    ("Rue", "street"),
    ("Code postal", "postcode"),
    ("Commune", "city"),
    ("Téléphone", "phone"),
    ("Numéro RPPS affiché", "rpps"),
    ("Numéro Adeli affiché", "adeli"),
)


def lookup_of(home: Path) -> Lookup:
    """The lookup of a home. It opens the register at each call, so that one loaded meanwhile is read."""
    reference = load_reference()

    def look_up(session: Session, listing_id: int) -> Screen | None:
        merged = next(iter(merged_views(session, [listing_id])), None)
        if merged is None:
            return None
        screen = screen_of(merged.shown, Registry.of_home(home), reference)
        address = session.get_one(Listing, listing_id).url
        return replace(screen, shown=(*screen.shown, ("Adresse de la page", address)))

    return look_up


def screen_of(shown: Shown, registry: Registry | None, reference: Reference) -> Screen:
    """The screen for what the pages of a listing show; without a register it has no day and no candidate."""
    known = reference.professions.get(shown.profession)
    told = replace(shown, profession=known.label if known else shown.profession)
    facts = [(name, getattr(told, fact)) for name, fact in _SHOWN]
    if shown.is_organisation:
        facts.insert(1, ("Nature", "établissement ou cabinet"))
    found = candidates(shown, registry) if registry else ()
    day = shown.captured_on.isoformat() if shown.captured_on else ""
    state = registry.state_on(shown.captured_on)[0].day if registry else ""
    return Screen(
        shown=tuple((name, value) for name, value in facts if value),
        captured_on=day,
        registry_date=state,
        candidates=tuple(_laid(one, reference) for one in found),
    )


def _laid(one: Candidate, reference: Reference) -> Laid:
    fields = tuple(
        Compared(f.field, _label(f.shown, reference), _label(f.registered, reference), f.agreement, f.words)
        for f in one.fields
    )
    return Laid(one.rpps, one.name, fields, one.places)


def _label(text: str, reference: Reference) -> str:
    """The text, where it is a code of a profession by that profession's name."""
    known = reference.professions.get(text)
    return known.label if known else text
