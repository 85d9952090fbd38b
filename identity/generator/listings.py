"""What pages show of generated people, with the mistakes of `noise.yaml`, and the truth of each page.

It knows the register and the ways of pages, and nothing of how they are matched again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from typing import Any

from identity.generator import slips
from identity.generator.people import SET_SIZE, Person, Place, World, data
from identity.generator.rows import capitals

TRAILERS = (" - {shown}", " ({shown})", ", {shown}", " (sur rendez-vous)", " - Conventionné secteur 1")
ORIENTATIONS = ("Acupuncteur", "Nutritionniste", "Médecine du sport", "Addictologue", "Sexologue", "Mésothérapeute")


@dataclass(frozen=True)
class Truth:
    """Who a listing shows. `rpps` is "" for nobody of the register; `full_name` says that the name is whole.

    `family` and `given` are what the page shows of the name, capitals without accents, before slips of typing.
    """

    rpps: str
    full_name: bool
    family: str
    given: str
    code: str  # the register's profession code, "" when the page does not tell it
    prefix: str  # first two digits of the postcode shown, "" when it is not shown
    kind: str  # plain | unregistered | relative_gone | homonym | organisation


@dataclass(frozen=True)
class Drawn:
    """One listing, as a line for `vigie registry match`, and its truth."""

    listing: dict[str, Any]
    truth: Truth


def draw(world: World, number: int, day: date, seed: int = 0) -> Drawn | None:
    """Listing `number` of a practitioner of `world` as a page shows them on `day`; None where the draw meets nobody."""
    dice = Random((world.seed * 131 + seed) * 10_000_019 + number)
    rates = data("noise")
    index = dice.randrange(world.homonym_sets * SET_SIZE, world.persons)
    person = world.person(index, day)
    if person is None:
        return None
    kind, chance = "plain", dice.random()
    if chance < rates["person"]["unregistered"]:
        # Name, trade and place of different people: at most a namesake of somebody.
        other = world.person(dice.randrange(world.persons), day) or person
        person = replace(other, rpps="", places=(world.place(dice.randrange(world.place_count)),))
        given = _other_given(dice, person)
        person, kind = replace(person, given=given), "unregistered"
    elif chance < rates["person"]["unregistered"] + rates["person"]["relative_gone"]:
        person, kind = replace(person, rpps="", given=_other_given(dice, person)), "relative_gone"
    return _page(world, person, dice, f"l{number}", day, kind, numbered=kind == "plain")


def homonym_listings(world: World, day: date) -> Iterator[Drawn]:
    """One listing for each planted homonym set, of one of its members, with more or less of what tells them apart."""
    for number in range(world.homonym_sets):
        dice = Random(world.seed * 77 + number)
        person = world.person(number * SET_SIZE + dice.randrange(SET_SIZE), day)
        if person is None:
            continue
        drawn = _page(world, person, dice, f"h{number}", day, "homonym", numbered=dice.random() < 0.5)
        hidden = dice.choice(
            ((), ("street",), ("street", "phone"), ("profession", "speciality"), ("postcode", "city", "street"))
        )
        listing = {name: value for name, value in drawn.listing.items() if name not in hidden}
        yield replace(drawn, listing=listing)


def organisation_listings(world: World, count: int, day: date) -> Iterator[Drawn]:
    """Listings of houses, services, substitutes and secretaries at places where generated people practise."""
    for number in range(count):
        dice = Random(world.seed * 99 + number)
        person = None
        while person is None or not person.places:
            person = world.person(dice.randrange(world.persons), day)
        place, house = person.places[0], dice.choice(data("places")["houses"])
        full = f"{person.given} {person.family}"
        name = dice.choice(
            (
                f"{house} {dice.choice(data('places')['house_names'])}", f"Cabinet du Dr {full}", f"SELARL {full}",
                f"Secrétariat du Dr {full}", f"{full}, secrétaire médicale", f"Remplaçant du Dr {full}",
                f"Dr {full} (remplaçante)", f"Service de cardiologie - Pr {full}", f"Centre {full}",
                f"Pharmacie {person.family}",
                f"Clinique {full}", f"Cabinet {person.family} et associés", f"{house.upper()} {person.family.upper()}",
                f"Centre hospitalier {full}", f"Dr {full} et Dr Camille Orval", f"SCM {person.family}",
                f"Institut {full}",
            )
        )  # fmt: skip
        listing = {
            "id": f"o{number}", "display_name": name, "profession": dice.choice(person.kind.shown),
            "street": place.line, "postcode": place.postcode, "city": place.town, "phone": place.phone,
            "captured_on": day.isoformat(),
        }  # fmt: skip
        if dice.random() < 0.2:
            listing["rpps"] = person.rpps
        yield Drawn(listing, Truth("", False, "", "", "", "", "organisation"))


def _other_given(dice: Random, person: Person) -> str:
    names = [name for name in data("names")["female" if person.woman else "male"] if name[0] != person.given[0]]
    return str(dice.choice(names))


def _page(world: World, person: Person, dice: Random, number: str, day: date, kind: str, numbered: bool) -> Drawn:
    name, family, given, full = _name(person, dice, data("noise")["name"])
    listing: dict[str, Any] = {"id": number, "display_name": name, "captured_on": day.isoformat()}
    code = _profession(person, dice, data("noise")["profession"], listing)
    _where(world, person, dice, data("noise")["place"], listing)
    _phone(person, dice, data("noise")["phone"], listing)
    if numbered:
        _number(world, person, dice, data("noise")["number"], listing)
    truth = Truth(person.rpps, full, capitals(family), capitals(given), code, listing.get("postcode", "")[:2], kind)
    return Drawn(listing, truth)


def _name(person: Person, dice: Random, rates: dict[str, float]) -> tuple[str, str, str, bool]:
    """(display name, family and given names shown, whether a reader of the register can find the name whole)."""
    family, given, full = person.family, person.given, True
    parts = family.replace("-", " ").split()
    if person.birth and " " not in person.birth and person.birth not in parts and dice.random() < rates["birth_name"]:
        family, full = person.birth, False
    elif len(parts) == 2 and person.birth and dice.random() < rates["half_of_compound"]:
        family = dice.choice(parts)
    elif len(parts) == 2 and person.birth and dice.random() < rates["compound_turned"]:
        family = "-".join(reversed(parts))
    shown_family, shown_given = family, given
    if dice.random() < rates["initial"]:
        shown_given = "-".join(f"{part[0]}." for part in given.split("-"))
        given = "".join(part[0] for part in given.split("-"))
    nicknames = data("names")["nicknames"]
    if given in nicknames and dice.random() < rates["nickname"]:
        shown_given, full = nicknames[given], False
    if dice.random() < rates["typing_slip"]:
        if dice.random() < 0.7:
            shown_family = slips.slip(shown_family, dice)
        elif len(shown_given) > 4:
            shown_given = slips.slip(shown_given, dice)
    if dice.random() < rates["family_capitals"]:
        shown_family = shown_family.upper()
    ordered = (shown_given, shown_family) if dice.random() < rates["given_first"] else (shown_family, shown_given)
    name = " ".join(ordered)
    if person.birth and person.birth not in family and dice.random() < rates["birth_named_too"]:
        name += f" (née {person.birth})"
    if dice.random() > rates["title_missing"]:
        title = "Dr" if person.kind.title else ("Mme" if person.woman else "M.")
        name = f"{title} {name}" if person.kind.title or dice.random() < 0.3 else name
    if dice.random() < rates["trailer"]:
        name += dice.choice(TRAILERS).format(shown=dice.choice(person.kind.shown))
    if dice.random() < rates["all_capitals"]:
        name = name.upper()
    if dice.random() < rates["no_accents"]:
        name = slips.without_accents(name)
    return name, family, given, full


def _profession(person: Person, dice: Random, rates: dict[str, float], listing: dict[str, Any]) -> str:
    chance = dice.random()
    if chance < rates["missing"]:
        return ""
    shown = dice.choice(person.kind.shown)
    if chance < rates["missing"] + rates["wrong"]:
        listing["profession"] = dice.choice(("Médecin généraliste", "Dentiste", "Infirmier", "Ostéopathe"))
        return ""
    listing["profession"] = shown
    if person.kind.code == "10" and dice.random() < rates["other_word"]:
        listing["speciality"] = dice.choice(ORIENTATIONS)
    elif person.skill[2] and dice.random() < 0.5:
        listing["speciality"] = shown
    return person.kind.code


def _where(world: World, person: Person, dice: Random, rates: dict[str, float], listing: dict[str, Any]) -> None:
    places = person.places or (world.place(dice.randrange(world.place_count)),)
    place = places[0]
    if len(places) > 1 and dice.random() < rates["secondary_place"]:
        place = dice.choice(places[1:])
    place = _moved(world, place, dice, rates)
    street = place.line
    if dice.random() < rates["number_missing"]:
        street = f"{place.kind} {place.street}"
    if dice.random() < rates["street_abbreviated"]:
        street = slips.abbreviated(street)
    if dice.random() < rates["street_slip"]:
        street = slips.slip(street, dice)
    if place.house and dice.random() < rates["house_before"]:
        street = f"{place.house}, {street}"
    if dice.random() > rates["street_missing"]:
        listing["street"] = street
    if dice.random() > rates["postcode_missing"]:
        cedex = dice.random() < rates["postcode_of_cedex"]
        listing["postcode"] = f"{place.postcode[:2]}{dice.randint(900, 999)}" if cedex else place.postcode
    if dice.random() > rates["town_missing"]:
        town = place.town
        if town in ("Paris", "Lyon", "Marseille") and dice.random() < rates["town_arrondissement"]:
            town = f"{town} {int(place.postcode[3:])}e"
        listing["city"] = town


def _moved(world: World, place: Place, dice: Random, rates: dict[str, float]) -> Place:
    """The place as the page has it: for some it is no more, or not yet, that of the register."""
    chance = dice.random()
    other = world.place(dice.randrange(world.place_count))
    if chance < rates["other_street_same_town"]:
        return replace(other, postcode=place.postcode, town=place.town)
    chance -= rates["other_street_same_town"]
    if chance < rates["other_town_same_department"]:
        return replace(other, postcode=f"{place.postcode[:2]}{dice.randint(100, 890)}", town="Villeneuve")
    chance -= rates["other_town_same_department"]
    return other if chance < rates["other_department"] else place


def _phone(person: Person, dice: Random, rates: dict[str, float], listing: dict[str, Any]) -> None:
    if dice.random() < rates["missing"]:
        return
    phone = person.places[0].phone if person.places else ""
    if not phone or dice.random() < rates["other"]:
        phone = f"0{dice.randint(6, 9)}99{dice.randint(0, 999_999):06d}"
    listing["phone"] = slips.spaced(phone, dice) if dice.random() < rates["formatted"] else phone


def _number(world: World, person: Person, dice: Random, rates: dict[str, float], listing: dict[str, Any]) -> None:
    if dice.random() < rates["adeli"]:
        listing["adeli"] = f"{listing.get('postcode', '75')[:2]}{dice.randint(0, 9_999_999):07d}"
    if dice.random() > rates["shown"]:
        return
    shown, chance = person.rpps, dice.random()
    if chance < rates["slip"]:
        at = dice.randrange(len(shown))
        shown = f"{shown[:at]}{(int(shown[at]) + dice.randint(1, 9)) % 10}{shown[at + 1 :]}"
    elif chance < rates["slip"] + rates["colleague"]:
        shown = world.rpps(dice.randrange(world.persons))
    listing["rpps"] = dice.choice((shown, shown, f"{shown[:5]} {shown[5:]}", f"RPPS : {shown}"))
