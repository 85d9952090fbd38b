"""Read Doctolib's JSON answers: profile, booking funnel, search. Pure: the answer in, listings out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from crawler.items import FoundListing, FoundPassage, ShownPractitioner
from crawler.reading.doctolib_fields import UNKNOWN, machine_value, rule_of
from crawler.reading.errors import Unreadable
from crawler.reading.locators import strings
from crawler.reading.nodes import word_set
from crawler.reading.shown import practitioner, profession_code
from crawler.reading.texts import fold, storable, to_text

PLATFORM = "doctolib"
KEY_WIDTH = 300
IsDefault = Callable[[str], bool]
_PROFILE_JSON = re.compile(r"/profiles/([^/?#]+)\.json$")
_NOT_SPECIALITIES = word_set(
    "account assets availabilities online_booking patient-health-search phs_proxy profiles rendez-vous sante sites"
)
_PROFILE_PATH = re.compile(r"^/([a-z0-9-]+)/([a-z0-9-]+)/([^/?#]+?)(?:\.json)?$")


def kind_of(url: str, value: Any) -> str:
    """Which answer this is: "profile", "funnel", "search", or "" for an answer that no listing is read from.

    Raises `Unreadable` when the address promises one and the value is none.
    """
    root, data = _mapping(value), _mapping(value, "data")
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


def passages(
    kind: str, value: Any, is_default: IsDefault, prefix: str = ""
) -> tuple[tuple[FoundPassage, ...], tuple[str, ...]]:
    """The wording of an answer (below `prefix`), and the locators of those under keys no table names."""
    found: dict[str, FoundPassage] = {}
    unknown: list[str] = []
    for pointer, raw in strings(value, prefix):
        rule = rule_of(kind, pointer)
        if rule.use not in ("passage", UNKNOWN) or (rule.subtree and machine_value(raw.strip())):
            continue
        text = to_text(raw)
        if not text or is_default(text):
            continue
        if pointer in found:  # two keys that differ only in characters no database takes
            continue
        found[pointer] = FoundPassage(rule.detail, pointer, text)
        if rule.use == UNKNOWN:
            unknown.append(pointer)
    return tuple(found.values()), tuple(unknown)


def _mapping(value: Any, *path: str | int) -> Mapping[str, Any]:
    """The object at a path, or an empty one."""
    found = _at(value, *path)
    return found if isinstance(found, Mapping) else {}


def _at(value: Any, *path: str | int) -> Any:
    for step in path:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _profile(url: str, value: Any, is_default: IsDefault) -> FoundListing:
    profile = _mapping(value, "data", "profile")
    match = _PROFILE_JSON.search(urlsplit(url).path)
    key = match[1] if match and not match[1].isdecimal() else ""
    path = _text(profile.get("profile_path"))
    key = key or _text(profile.get("slug")) or slug_of(path) or slug_of(urlsplit(url).path)
    if not key:
        raise Unreadable("the profile has no slug")
    found, unknown = passages("profile", value, is_default)
    subtitle, speciality = _text(profile.get("subtitle")), _text(_at(profile, "speciality", "name"))
    if fold(subtitle) == fold(speciality) or profession_code([subtitle]):  # not free: the platform's own wording
        found = tuple(p for p in found if p.locator != "/data/profile/subtitle")
    public = path if path.startswith("/") else _public_path(value, key)
    return FoundListing(PLATFORM, _key(key), _absolute(url, public), _shown(value, profile, unknown), found)


def _shown(value: Any, profile: Mapping[str, Any], unknown: tuple[str, ...]) -> ShownPractitioner:
    place = _mapping(value, "data", "places", 0)
    speciality = _mapping(profile, "speciality")
    legals = _mapping(value, "data", "legals")
    names = [speciality.get("name"), profile.get("subtitle"), speciality.get("slug")]
    return practitioner(
        is_organisation=profile.get("organization") is True,
        profession=profession_code(names),
        display_name=[profile.get("name_with_title"), profile.get("name")],
        speciality=names,
        street=[place.get("address"), place.get("full_address")],
        postcode=[place.get("zipcode")],
        city=[place.get("city"), _at(value, "data", "doctor_place_city")],
        phone=[place.get("landline_number"), _at(value, "jsonld", "profile", "telephone")],
        rpps=[_number(legals.get("rpps"))],
        adeli=[_number(legals.get("adeli"))],
        signals=_signals(value, profile, unknown),
    )


def _number(value: Any) -> Any:
    """A registration number as text, also when the platform sends it as a JSON number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _signals(value: Any, profile: Mapping[str, Any], unknown: tuple[str, ...]) -> dict[str, Any]:
    """The structured flags of a profile, in our words; what the answer does not say is left out."""
    detail = _mapping(value, "data", "details", 0)
    tracking = _mapping(profile, "smart_ranking_profile_page_viewed_tracking_details")
    blocked = _flag(tracking.get("new_patients_blocked"))
    signals = {
        "profile_id": profile.get("id"),
        "website": profile.get("website_url"),
        "unclaimed": _flag(profile.get("is_directory")),
        "bookable": _flag(_at(value, "data", "bookable")),
        "online_booking": _flag(tracking.get("online_booking_enabled")),
        "new_patients": None if blocked is None else not blocked,
        "sector": detail.get("regulation_sector"),
        "third_party_payer": detail.get("third_party_payer"),
        "vitale_card": detail.get("insurance_card"),
        "payment_means": sorted(name for name, on in _mapping(detail, "payment_means").items() if on is True) or None,
        "unknown_field": list(unknown) or None,
    }
    places = _at(value, "data", "places")
    if isinstance(places, list) and len(places) > 1:
        signals["places"] = [_mapping(place).get("full_address") for place in places]
    return {name: content for name, content in signals.items() if content is not None}


def _flag(value: Any) -> bool | None:
    """A boolean, also written as a string; None when it is neither."""
    return {"true": True, "false": False}.get(str(value).lower()) if isinstance(value, bool | str) else None


def _funnel(url: str, value: Any, is_default: IsDefault) -> FoundListing:
    profile = _mapping(value, "data", "profile")
    asked = parse_qs(urlsplit(url).query).get("profile_slug", [""])[0]
    key = asked or _text(profile.get("slug"))
    if not key:
        raise Unreadable("the booking answer names no profile")
    found, _ = passages("funnel", value, is_default)
    if profession_code([_text(profile.get("subtitle"))]):
        found = tuple(p for p in found if p.locator != "/data/profile/subtitle")
    return FoundListing(PLATFORM, _key(key), _absolute(url, _public_path(value, key)), None, found)


def _public_path(value: Any, key: str) -> str:
    """The public page's path rebuilt from what a booking answer says; the page's own capture corrects it."""
    profile = _mapping(value, "data", "profile")
    speciality = _text(_at(profile, "speciality", "slug")) or _text(_at(value, "data", "specialities", 0, "slug"))
    place = _text(profile.get("place_slug")) or _text(_at(value, "data", "places", 0, "slug"))
    return f"/{speciality}/{place}/{key}" if speciality and place else f"/profiles/{key}"


def _search(url: str, value: Any, is_default: IsDefault) -> Iterator[FoundListing]:
    providers = value["healthcareProviders"]
    if not isinstance(providers, list):
        raise Unreadable("the search answer has no list of providers")
    seen: set[str] = set()
    for index, provider in enumerate(providers):
        path = urlsplit(_text(_at(provider, "link"))).path if _is_link(_at(provider, "link")) else ""
        key = slug_of(path)
        if not key:
            continue
        found, _ = passages("search", provider, is_default, f"/healthcareProviders/{index}")
        if found and _key(key) not in seen:
            seen.add(_key(key))
            yield FoundListing(PLATFORM, _key(key), _absolute(url, path), None, found)


def _is_link(value: Any) -> bool:
    """True for a path of this host; an address elsewhere or a broken one is no profile."""
    return isinstance(value, str) and value.startswith("/") and not value.startswith("//")


def profile_paths(value: Any) -> list[str]:
    """The paths of the profiles a search answer lists, without query, in order."""
    providers = _at(value, "healthcareProviders")
    links = [_at(p, "link") for p in providers] if isinstance(providers, list) else []
    paths = [urlsplit(link).path for link in links if _is_link(link)]
    return list(dict.fromkeys(path for path in paths if slug_of(path)))


def _text(value: Any) -> str:
    return storable(value).strip() if isinstance(value, str) else ""


def _key(slug: str) -> str:
    return storable(slug)[:KEY_WIDTH]


def _absolute(url: str, path: str) -> str:
    try:
        return storable(urljoin(url, path))
    except ValueError:  # brackets that look like a broken IPv6 host
        return storable(url)
