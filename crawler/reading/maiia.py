"""Read Maiia: the state inside its pages (`__NEXT_DATA__`), its search answers, its motives. Pure.

A listing's key is its public path. Motives asked by the number of a centre are the centre's, not one practitioner's:
they join the listing that their request's Referer names only when that is a house, else they stand under the number.
The pages' own dictionary of messages is the platform's and is never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bs4 import BeautifulSoup

from crawler.items import ShownPractitioner
from crawler.reading.answers import Answer, Platform, referring_key
from crawler.reading.documents import lenient_json
from crawler.reading.errors import Unreadable
from crawler.reading.keys import (
    ADDRESS,
    CODE,
    CONTACT,
    LISTED,
    OTHERS,
    Keys,
    Kind,
    Part,
    ignoring,
    patterns,
)  # fmt: skip
from crawler.reading.locators import css_path
from crawler.reading.shown import looks_like_organisation, practitioner
from crawler.reading.values import at, entries, mapping, present, text, texts
from ledger.warc import Exchange

_PATH = re.compile(r"/([^/?#]+)/(\d{5}-[^/?#]+)/([^/?#]+)(?:/rdv)?/?")
_STATE = ("props", "initialState")
# Parts of the state that the booking's first screens fill in: notes of the practice to whoever opens them.
_NOTES = ("instructions", "limitationPatient")

_INFORMATION = patterns(
    presentation="/officeDescription /expertises/*/name /expertises/*/description /curriculums/** /presentation/**",
    payment="/pricing/**",
    hours="/officeInformation/openingSchedules/**",
    instructions="/officeInformation/officeAccessibility/** /officeInformation/** /instructions/**",
)
_INFORMATION_SHOWN = "/conventionSectors/* /paymentMethods/* /refundMethods/* /officeInformation/phoneNumber"
_INFORMATION_CODES = (
    "/expertises/*/keywords/** /expertises/*/id /expertises/*/code /expertises/*/shortName /expertises/*/status "
    "/expertises/*/creationDate /expertises/*/updateDate /expertises/*/statusDate /expertises/*/type/** "
    "/expertises/*/algoliaSynchronizedDate /mainPicture/** /pictures/** /spokenLanguages/**"
)
_HOUSE_CODES = "/id /url /isDemo /avatarS3Id /avatarThumbnailS3Id"
_MOTIVE = patterns(motive="/name /groupName", instructions="/** /instructions/** /description")
_MOTIVE_CODES = "/id /consultationType /patientLimitation /injectionType"


def _below(prefix: str, table: dict[str, str]) -> dict[str, str]:
    return {prefix + pattern: name for pattern, name in table.items()}


def _all(prefix: str, listed: str) -> str:
    return " ".join(prefix + pattern for pattern in listed.split())


_HOUSE = Kind(  # a centre: by itself a child of another, or the house of a practitioner
    patterns(presentation="/name") | _below("/publicInformation", _INFORMATION),
    _all("/publicInformation", _INFORMATION_SHOWN) + " /speciality/name",
    ignoring(
        (CODE, _HOUSE_CODES + " " + _all("/publicInformation", _INFORMATION_CODES)),
        (ADDRESS, "/publicInformation/address/**"),
        (CONTACT, "/publicInformation/officeInformation/email"),
        (LISTED, "/speciality/**"),
        (OTHERS, "/practitioners/**"),
    ),
)
KEYS = Keys(
    {
        "house": _HOUSE,
        "card": Kind(
            {
                **_below("/center", dict(_HOUSE.passages)),
                **_below("/publicInformation", _INFORMATION),
                **_below("/consultationReasons/*", _MOTIVE),
                "/phoneRequests/**": "instructions",
                "/instructions/**": "instructions",
            },
            " ".join(
                (
                    _all("/publicInformation", _INFORMATION_SHOWN),
                    _all("/center", _HOUSE.shown),
                    "/professional/firstName /professional/lastName /professional/cpsId",
                )
            ),
            {
                **_below("/center", dict(_HOUSE.ignored)),
                **ignoring(
                    (CODE, "/id /url /urlHistory/* /type /settings/** /professional/practitionerId"),
                    (CODE, _all("/publicInformation", _INFORMATION_CODES)),
                    (CODE, _all("/consultationReasons/*", _MOTIVE_CODES)),
                    (ADDRESS, "/publicInformation/address/**"),
                    (CONTACT, "/professional/email /publicInformation/officeInformation/email"),
                    (LISTED, "/professional/speciality/**"),
                ),
            },
        ),
        "reasons": Kind(_below("/items/*", _MOTIVE), "", ignoring((CODE, _all("/items/*", _MOTIVE_CODES)))),
        "notes": Kind({"/**": "instructions"}, "", ignoring((CODE, "/**/id /**/type /error"))),
    }
)


def key_of_path(path: str) -> str:
    """The key of a public listing's path, of its booking page too; "" for any other path."""
    match = _PATH.fullmatch(path)
    return "/".join(match.groups()) if match else ""


def answers(exchange: Exchange, value: Any) -> Iterator[Answer]:
    """What one JSON answer says, by listing."""
    parts = urlsplit(exchange.url)
    if "/consultation-reason" in parts.path:
        if not isinstance(at(value, "items"), list):
            raise Unreadable("the answer has no motives")
        key, page = referring_key(key_of_path, exchange)
        asked = parse_qs(parts.query)
        centre = asked.get("rootCenterId", [""])[0]
        if "practitionerId" not in asked and not looks_like_organisation(key.split("/")[0].replace("-", " ")):
            key, page = "", ""
        if not key and not centre:
            raise Unreadable("the motives name no centre")
        yield Answer(key or f"center-{centre}", page, (Part("reasons", "", value),), _limits(value, "items"))
    elif "/pat-public/hcd" in parts.path:
        if not isinstance(at(value, "items"), list):
            raise Unreadable("the search answer has no items")
        for place, card in entries(value, "items"):
            yield from _card(card, f"/items/{place}")


def state(soup: BeautifulSoup, url: str) -> Iterator[Answer]:
    """What the state inside a page says: of the page's own listing, or of those a result page lists."""
    script = soup.select_one("script#__NEXT_DATA__")
    held = mapping(lenient_json(script.get_text()), *_STATE) if script else {}
    if script is None or not held:
        return
    where = css_path(script) + "#/" + "/".join(_STATE)
    own = list(_card(mapping(held, "cards", "item"), f"{where}/cards/item"))
    for place, card in entries(held, "hcd", "items"):
        own += _card(card, f"{where}/hcd/items/{place}")
    yield from own
    key = key_of_path(urlsplit(url).path) or key_of_path(text(at(held, "cards", "item", "url")))
    notes = [Part("notes", f"{where}/{name}", held[name]) for name in _NOTES if isinstance(held.get(name), Mapping)]
    reasons = mapping(held, "consultationReasons")
    if key and at(reasons, "items"):
        notes.append(Part("reasons", f"{where}/consultationReasons", {"items": reasons["items"]}))
    if key and notes:
        yield Answer(key, f"/{key}", tuple(notes))


def results(value: Any) -> tuple[list[tuple[str, str]], int]:
    """The public path and the centre's number of each listing of a search answer, and how many there are in all."""
    found: dict[str, str] = {}
    for _, card in entries(value, "items"):
        for answer in _card(card, ""):
            found.setdefault(answer.page, text(at(card, "center", "id")))
    total = at(value, "total")
    return [(page, centre) for page, centre in found.items() if page], total if isinstance(total, int) else 0


def centre_of(soup: BeautifulSoup) -> str:
    """The number of the centre whose own page this is; "" for a practitioner's page, which holds its own motives."""
    script = soup.select_one("script#__NEXT_DATA__")
    value = lenient_json(script.get_text()) if script else None
    card = mapping(value, *_STATE, "cards", "item")
    return "" if mapping(card, "professional") else text(at(card, "center", "id"))


def _card(card: Mapping[str, Any], where: str) -> Iterator[Answer]:
    """A card's listing, and the child centres that have pages of their own."""
    key = key_of_path(text(card.get("url")))
    children = [(f"/center/childCenters/{place}", child) for place, child in entries(card, "center", "childCenters")]
    if key:
        part = Part("card", where, card, tuple(below for below, _ in children))
        yield Answer(key, f"/{key}", (part,), _shown(card))
    for below, child in children:
        if child_key := key_of_path(text(child.get("url"))):
            part = Part("house", where + below, child)
            yield Answer(child_key, f"/{child_key}", (part,), _shown({"center": child, "type": "CENTER"}))


def _shown(card: Mapping[str, Any]) -> ShownPractitioner:
    person, centre = mapping(card, "professional"), mapping(card, "center")
    information = mapping(card, "publicInformation") or mapping(centre, "publicInformation")
    address = mapping(information, "address")
    speciality = at(person, "speciality", "name") if person else at(centre, "speciality", "name")
    name = " ".join(filter(None, (text(person.get("firstName")), text(person.get("lastName")))))
    number = text(person.get("cpsId"))
    return practitioner(
        is_organisation=not person,
        display_name=[name, centre.get("name")],
        speciality=[speciality],
        street=[" ".join(filter(None, (text(address.get("number")), text(address.get("street")))))],
        postcode=[address.get("zipCode")],
        city=[address.get("city")],
        phone=[at(information, "officeInformation", "phoneNumber")],
        rpps=[number[-11:]] if re.fullmatch(r"8?\d{11}", number) else [],
        adeli=[number[-9:]] if re.fullmatch(r"0?\d[\dAB]\d{7}", number) else [],
        signals=present({"profile_id": card.get("id"), "centre_id": centre.get("id"), **_signals(card, information)}),
    )


def _signals(card: Mapping[str, Any], information: Mapping[str, Any]) -> dict[str, Any]:
    refunds = texts(information, "refundMethods")
    limits = _limits(card, "consultationReasons")
    return {
        "sector": texts(information, "conventionSectors"),
        "payment_means": texts(information, "paymentMethods"),
        "vitale_card": "VITAL_CARD" in refunds if refunds else None,
        "third_party_payer": "THIRD_PARTY_PAYER" in refunds if refunds else None,
        "online_booking": at(card, "settings", "isOnlineAppointment"),
        "teleconsultation_limit": text(at(card, "settings", "teleconsultationPatientLimitation")),
        **(limits.signals if limits else {}),
    }


def _limits(value: Any, name: str) -> ShownPractitioner | None:
    """The motives that are not open to everybody: whom they are limited to, from what age."""
    told = [
        present(
            {
                "motive": text(one.get("name")),
                "limited_to": limit if (limit := text(one.get("patientLimitation"))) != "PUBLIC" else None,
                "minimum_age": one.get("minimumAge"),
            }
        )
        for _, one in entries(value, name)
    ]
    restricted = [one for one in told if len(one) > 1]
    return practitioner(is_organisation=False, signals={"restrictions": restricted}) if restricted else None


MAIIA = Platform("maiia", "https://www.maiia.com", KEYS, answers, key_of_path, state)
