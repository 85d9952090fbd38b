"""Read Doctolib's JSON answers: profile, booking funnel, search. Pure: the answer in, listings out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crawler.items import FoundListing, FoundPassage, ShownPractitioner
from crawler.reading.doctolib_fields import KEYS
from crawler.reading.errors import Unreadable
from crawler.reading.keys import IsDefault, Part
from crawler.reading.nodes import word_set
from crawler.reading.shown import practitioner, profession_code
from crawler.reading.texts import fold
from crawler.reading.values import absolute, at, entries, flag, key_of, mapping, number, present, text

PLATFORM = "doctolib"
_PROFILE_JSON = re.compile(r"/profiles/([^/?#]+)\.json$")
_NOT_SPECIALITIES = word_set(
    "account assets availabilities online_booking patient-health-search phs_proxy profiles rendez-vous sante sites"
)
_PROFILE_PATH = re.compile(r"^/([a-z0-9-]+)/([a-z0-9-]+)/([^/?#]+?)(?:\.json)?$")


def kind_of(url: str, value: Any) -> str:
    """Which answer this is: "profile", "funnel", "search", or "" for an answer that no listing is read from.

    Raises `Unreadable` when the address promises one and the value is none.
    """
    root, data = mapping(value), mapping(value, "data")
    path = urlsplit(url).path
    if "healthcareProviders" in root:
        return "search"
    if "visit_motives" in data and "details" not in data:
        return "funnel"
    if isinstance(data.get("profile"), Mapping):
        return "profile"
    promised = (
        "/slot_selection_funnel/" in path
        or "/phs_proxy/" in path
        or "/hcp/search" in path
        or _PROFILE_JSON.search(path) is not None
    )
    if promised and not (root.get("total") == 0 and "data" not in root):
        raise Unreadable("the answer has none of the expected keys")
    return ""


def slug_of(path: str) -> str:
    """The slug of a public profile's path `/<speciality>/<place>/<slug>`, or ""."""
    match = _PROFILE_PATH.match(path)
    return match[3] if match and match[1] not in _NOT_SPECIALITIES else ""


def read_json(url: str, value: Any, is_default: IsDefault) -> Iterator[FoundListing]:
    """The listings of one JSON answer."""
    kind = kind_of(url, value)
    if kind == "profile":
        yield _profile(url, value, is_default)
    elif kind == "funnel":
        yield _funnel(url, value, is_default)
    elif kind == "search":
        yield from _search(url, value, is_default)


def passages(kind: str, value: Any, is_default: IsDefault) -> tuple[tuple[FoundPassage, ...], tuple[str, ...]]:
    """The wording of an answer, and the locators of what stands under keys no table names."""
    return KEYS.read([Part(kind, "", value)], is_default)


def _profile(url: str, value: Any, is_default: IsDefault) -> FoundListing:
    profile = mapping(value, "data", "profile")
    match = _PROFILE_JSON.search(urlsplit(url).path)
    key = match[1] if match and not match[1].isdecimal() else ""
    path = text(profile.get("profile_path"))
    key = key or text(profile.get("slug")) or slug_of(path) or slug_of(urlsplit(url).path)
    if not key:
        raise Unreadable("the profile has no slug")
    found, unknown = passages("profile", value, is_default)
    subtitle, speciality = text(profile.get("subtitle")), text(at(profile, "speciality", "name"))
    if fold(subtitle) == fold(speciality) or profession_code([subtitle]):  # not free: the platform's own wording
        found = tuple(p for p in found if p.locator != "/data/profile/subtitle")
    public = path if path.startswith("/") else _public_path(value, key)
    return FoundListing(PLATFORM, key_of(key), absolute(url, public), _shown(value, profile, unknown), found)


def _shown(value: Any, profile: Mapping[str, Any], unknown: tuple[str, ...]) -> ShownPractitioner:
    place = mapping(value, "data", "places", 0)
    speciality = mapping(profile, "speciality")
    legals = mapping(value, "data", "legals")
    names = [speciality.get("name"), profile.get("subtitle"), speciality.get("slug")]
    return practitioner(
        is_organisation=profile.get("organization") is True,
        profession=profession_code(names),
        display_name=[profile.get("name_with_title"), profile.get("name")],
        speciality=names,
        street=[place.get("address"), place.get("full_address")],
        postcode=[place.get("zipcode")],
        city=[place.get("city"), at(value, "data", "doctor_place_city")],
        phone=[place.get("landline_number"), at(value, "jsonld", "profile", "telephone")],
        rpps=[number(legals.get("rpps"))],
        adeli=[number(legals.get("adeli"))],
        signals=_signals(value, profile, unknown),
    )


def _signals(value: Any, profile: Mapping[str, Any], unknown: tuple[str, ...]) -> dict[str, Any]:
    """The structured flags of a profile, in our words; what the answer does not say is left out."""
    detail = mapping(value, "data", "details", 0)
    tracking = mapping(profile, "smart_ranking_profile_page_viewed_tracking_details")
    blocked = flag(tracking.get("new_patients_blocked"))
    signals = {
        "profile_id": profile.get("id"),
        "website": profile.get("website_url"),
        "unclaimed": flag(profile.get("is_directory")),
        "bookable": flag(at(value, "data", "bookable")),
        "online_booking": flag(tracking.get("online_booking_enabled")),
        "new_patients": None if blocked is None else not blocked,
        "sector": detail.get("regulation_sector"),
        "third_party_payer": detail.get("third_party_payer"),
        "vitale_card": detail.get("insurance_card"),
        "payment_means": sorted(name for name, on in mapping(detail, "payment_means").items() if on is True) or None,
        "unknown_field": list(unknown) or None,
    }
    places = at(value, "data", "places")
    if isinstance(places, list) and len(places) > 1:
        signals["places"] = [mapping(place).get("full_address") for place in places]
    return {name: content for name, content in signals.items() if content is not None}


def _funnel(url: str, value: Any, is_default: IsDefault) -> FoundListing:
    profile = mapping(value, "data", "profile")
    asked = parse_qs(urlsplit(url).query).get("profile_slug", [""])[0]
    key = asked or text(profile.get("slug"))
    if not key:
        raise Unreadable("the booking answer names no profile")
    found, _ = passages("funnel", value, is_default)
    if profession_code([text(profile.get("subtitle"))]):
        found = tuple(p for p in found if p.locator != "/data/profile/subtitle")
    agendas = [agenda for _, agenda in entries(value, "data", "agendas")]
    restrictions = [_restriction(motive) for _, motive in entries(value, "data", "visit_motives")]
    shown = _flags(
        {
            "restrictions": [one for one in restrictions if len(one) > 1],
            "booking_disabled": True if agendas and all(a.get("booking_disabled") is True for a in agendas) else None,
        }
    )
    return FoundListing(PLATFORM, key_of(key), absolute(url, _public_path(value, key)), shown, found)


def _restriction(motive: Mapping[str, Any]) -> dict[str, Any]:
    """Whom a motive is closed to by its structured rules: new patients (of which sector), ages."""
    new = [text(one.get("insurance_sector")) for _, one in entries(motive, "new_patient_restrictions")]
    ages = [mapping(one, "age") for _, one in entries(motive, "age_referral_restrictions")]
    return present(
        {
            "motive": text(motive.get("name")),
            "no_new_patients": sorted({sector or "all" for sector in new}),
            "age": [" ".join(str(age.get(name, "")) for name in ("operator", "age", "unit")) for age in ages],
        }
    )


def _public_path(value: Any, key: str) -> str:
    """The public page's path rebuilt from what a booking answer says; the page's own capture corrects it."""
    profile = mapping(value, "data", "profile")
    speciality = text(at(profile, "speciality", "slug")) or text(at(value, "data", "specialities", 0, "slug"))
    place = text(profile.get("place_slug")) or text(at(value, "data", "places", 0, "slug"))
    return f"/{speciality}/{place}/{key}" if speciality and place else f"/profiles/{key}"


def _search(url: str, value: Any, is_default: IsDefault) -> Iterator[FoundListing]:
    providers = value["healthcareProviders"]
    if not isinstance(providers, list):
        raise Unreadable("the search answer has no list of providers")
    seen: set[str] = set()
    for index, provider in enumerate(providers):
        path = urlsplit(text(at(provider, "link"))).path if _is_link(at(provider, "link")) else ""
        key = slug_of(path)
        if not key:
            continue
        part = Part("search", f"/healthcareProviders/{index}", provider, alias=_in_search)
        found, _ = KEYS.read([part], is_default)
        shown = _flags({"new_patients": flag(at(provider, "matchedVisitMotive", "allowNewPatients"))})
        if (found or shown) and key_of(key) not in seen:
            seen.add(key_of(key))
            yield FoundListing(PLATFORM, key_of(key), absolute(url, path), shown, found)


def _in_search(pointer: str) -> str:
    return "/healthcareProviders/0" + pointer


def _flags(signals: Mapping[str, Any]) -> ShownPractitioner | None:
    """What an answer that does not show the practitioner says in structured flags; None when it says nothing."""
    told = present(signals)
    return practitioner(is_organisation=False, signals=told) if told else None


def _is_link(value: Any) -> bool:
    """True for a path of this host; an address elsewhere or a broken one is no profile."""
    return isinstance(value, str) and value.startswith("/") and not value.startswith("//")


def profile_paths(value: Any) -> list[str]:
    """The paths of the profiles a search answer lists, without query, in order."""
    providers = at(value, "healthcareProviders")
    links = [at(p, "link") for p in providers] if isinstance(providers, list) else []
    paths = [urlsplit(link).path for link in links if _is_link(link)]
    return list(dict.fromkeys(path for path in paths if slug_of(path)))
