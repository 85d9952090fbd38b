"""Lay what a page shows beside what the register says of one person, fact by fact. It weighs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from identity.address import Nearness, Street, nearness, prefix_of, read_street, town_key
from identity.names import Family, Given, NameComparison, ShownName, compare, one_letter_off, read_name
from identity.names.words import folded
from identity.registry.keys import phone_key
from identity.registry.store import Activity, Registry, State, holds
from identity.rpps import RppsReading, read_rpps
from identity.shown import Shown
from identity.trade import Agreement, Trade, read_trade, skill_agreement, trade_agreement

MOST_TOWN_PREFIXES = 6
_SEX = {
    "mme": "F", "madame": "F", "mlle": "F", "mademoiselle": "F", "doctoresse": "F", "monsieur": "M",
    "mr": "M", "m": "M",
}  # fmt: skip
_CIVILITY = {"MME": "F", "MLLE": "F", "M": "M"}
STUDENT = "E"
LANDLINE = "12345"  # second digits of numbers that belong to a place
RPPS_TYPE = "8"


@dataclass(frozen=True)
class Page:
    """What a page shows, read once for all candidates."""

    name: ShownName
    trade: Trade
    sex: str  # F, M or ""
    street: str
    postcode: str
    city: str
    prefixes: tuple[str, ...]  # where to look: the postcode's department, or those of the town's namesakes
    phone: str
    number: RppsReading
    captured_on: date | None


@dataclass(frozen=True)
class Evidence:
    """The facts of a page beside those of one person in one state of the register."""

    pid: int
    rpps: str  # "" for a person without a RPPS number
    family_name: str
    given_name: str
    family_n: int
    given_n: int
    name: NameComparison
    trade: Agreement
    skill: Agreement
    place: Nearness
    phone: Agreement
    sex: Agreement
    number: Agreement
    codes: tuple[str, ...]
    student: bool
    activities: tuple[Activity, ...]
    nearest: Activity


def read_page(shown: Shown, registry: Registry) -> Page:
    """Read what a page shows. Never raises on what it shows."""
    prefix = prefix_of(shown.postcode)
    places = (prefix,) if prefix else tuple(registry.towns.get(town_key(shown.city), ())[:MOST_TOWN_PREFIXES])
    number = read_rpps(shown.rpps)
    if not number.number and (national := national_form(shown.rpps)):
        number = RppsReading(national, "")
    return Page(
        name=read_name(shown.display_name),
        trade=read_trade(shown.profession, shown.speciality),
        sex=next((_SEX[word] for word in folded(shown.display_name).split()[:1] if word in _SEX), ""),
        street=shown.street,
        postcode=shown.postcode.strip(),
        city=shown.city,
        prefixes=places,
        phone=phone_key(shown.phone),
        number=number,
        captured_on=shown.captured_on,
    )


def national_form(shown: str) -> str:
    """The RPPS number in « 8 » + RPPS, the form of the register's own files, which only the register can confirm."""
    digits = "".join(c for c in shown if c.isascii() and c.isdigit())
    return read_rpps(digits[1:]).number if len(digits) == 12 and digits.startswith("8") else ""


def lay_out(page: Page, activities: Sequence[Activity], state: State) -> Evidence | None:
    """The evidence for one person; None when the register says nothing of them in that state, or when they have neither
    the number shown nor a name in common with the page."""
    current = tuple(activity for activity in activities if holds(activity, state))
    if not current:
        return None
    bearing, name = _best_name(page.name, current)
    if name.family is Family.NONE and one_letter_off(page.name, bearing.fields["family"], bearing.fields["given"]):
        name = NameComparison(Family.SLIP, Given.WHOLE)
    numbered = bool(page.number.number) and bearing.fields["id"] == page.number.number
    if not numbered and (name.family is Family.NONE or name.given is Given.NONE):
        return None
    nearest, place = _nearest(page, current)
    codes = tuple(dict.fromkeys(a.fields["profession_code"] for a in current))
    first = bearing.fields
    return Evidence(
        pid=bearing.pid,
        rpps=first["id"] if first["id_type"] == RPPS_TYPE else "",
        family_name=first["family"],
        given_name=first["given"],
        family_n=bearing.family_n,
        given_n=bearing.given_n,
        name=name,
        trade=trade_agreement(page.trade, codes),
        skill=skill_agreement(page.trade, (a.fields["skill"] for a in current)),
        place=place,
        phone=_phone(page.phone, current),
        sex=_equal(page.sex, _CIVILITY.get(first["civility"].upper(), "")),
        number=_equal(page.number.number, first["id"] if first["id_type"] == RPPS_TYPE else ""),
        codes=codes,
        student=all(a.fields["category"] == STUDENT for a in current),
        activities=current,
        nearest=nearest,
    )


def _best_name(shown: ShownName, current: Sequence[Activity]) -> tuple[Activity, NameComparison]:
    """The registered name nearest to the one shown: a person nearly always has one, but changes are lagged."""
    best, found = current[0], None
    for family, given in dict.fromkeys((a.fields["family"], a.fields["given"]) for a in current):
        compared = compare(shown, family, given)
        if found is None or (compared.same and not found.same):
            best = next(a for a in current if (a.fields["family"], a.fields["given"]) == (family, given))
            found = compared
    return best, found or NameComparison(Family.NONE, Given.NONE)


def _nearest(page: Page, current: Sequence[Activity]) -> tuple[Activity, Nearness]:
    best, found = current[0], Nearness.UNKNOWN
    for activity in current:
        f = activity.fields
        near = nearness(
            page.street,
            page.postcode,
            page.city,
            _street_of(f["number"], f["repeat"], f["street_kind"], f["street"]),
            f["postcode"],
            f["town"],
        )
        if near > found:
            best, found = activity, near
    return best, found


@lru_cache(maxsize=50_000)
def _street_of(number: str, repeat: str, kind: str, street: str) -> Street:
    return read_street(f"{number} {repeat} , {kind} {street}" if number else f"{kind} {street}")


def _phone(phone: str, current: Sequence[Activity]) -> Agreement:
    """A mobile or a platform's number (06 to 09) says nothing against a practice whose landlines alone are known."""
    known = {key for a in current for name in ("phone", "phone_2") if (key := phone_key(a.fields[name]))}
    if not phone or not known:
        return Agreement.UNKNOWN
    if phone in known:
        return Agreement.AGREE
    comparable = phone[1] in LANDLINE or any(one[1] not in LANDLINE for one in known)
    return Agreement.DISAGREE if comparable else Agreement.UNKNOWN


def _equal(shown: str, registered: str) -> Agreement:
    if not shown or not registered:
        return Agreement.UNKNOWN
    return Agreement.AGREE if shown == registered else Agreement.DISAGREE
