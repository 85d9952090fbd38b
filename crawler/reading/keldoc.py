"""Read Keldoc's answers: search, resource, places, motives by category, details. Pure: the exchange in, listings out.

A listing's key is its public path without the place: `type/town-postcode/slug`. Motives and places are asked by the
number of the clinic: they join the listing that their request's Referer names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crawler.items import ShownPractitioner
from crawler.reading.answers import Answer, Platform, referring_key
from crawler.reading.errors import Unreadable
from crawler.reading.keys import ADDRESS, CODE, LISTED, OF_PLATFORM, Keys, Kind, Part, ignoring, patterns
from crawler.reading.shown import looks_like_organisation, practitioner
from crawler.reading.values import at, entries, mapping, present, text
from ledger.warc import Exchange

_PATH = re.compile(r"/([a-z0-9-]+)/([a-z0-9'’.-]*\d{5}|[a-z0-9-]+-\d[\dab]\d?)/([^/?#]+)(?:/[^/]+)?/?")
_CLINIC = re.compile(r"/clinics/(\d+)/specialties/[^/]+/cabinets")
_DETAILS = re.compile(r"/cabinets/(\d+)/details")
_TOWN = re.compile(r"(\d{5})[\s,]+([^,]+)")

KEYS = Keys(
    {
        "result": Kind(
            patterns(presentation="/title /sub_title"),
            "/url /cabinet/* /convention_type_name",
            ignoring((CODE, "/type /img /coordinates /agenda/**"), (OF_PLATFORM, "/alt")),
        ),
        "resource": Kind(
            patterns(
                presentation="/title /description /main_description /cabinets/*/name /cabinet/name "
                "/specialties/*/skills/*/name /seo/title /seo/description",
                instructions="/cabinets/*/transportations/** /cabinet/transportations/**",
            ),
            "/cabinets/*/location /cabinet/location",
            ignoring(
                (CODE, "/url /img /type /cabinets/*/slug /cabinet/slug /cabinets/*/img /seo/keywords"),
                (OF_PLATFORM, "/breadcrumbs/**"),
                (LISTED, "/specialties/*/name"),
            ),
        ),
        "places": Kind(
            patterns(presentation="/*/name", instructions="/*/transportations/**"),
            "",
            ignoring((ADDRESS, "/*/location"), (CODE, "/*/img /*/slug")),
        ),
        "motives": Kind(
            patterns(
                motive="/*/name /*/motives/*/name /*/motives/*/agendas/*/name",
                instructions="/*/motives/*/instructions/** /*/motives/*/description /*/description",
            ),
            "",
            ignoring((CODE, "/*/resource_type /*/motives/*/vaccine_type /*/motives/*/dose")),
        ),
        "details": Kind(
            patterns(
                presentation="/name /description /main_description",
                instructions="/transportations/** /access/** /informations/**",
                payment="/payment_methods/** /prices/** /fees/** /convention/**",
                hours="/opening_hours/** /schedules/**",
            ),
            "",
            ignoring((CODE, "/phone_number /img /slug /url"), (ADDRESS, "/location /street /zipcode /city")),
        ),
    }
)


def key_of_path(path: str) -> str:
    """The key of a public listing's path, with or without its place; "" for any other path."""
    match = _PATH.fullmatch(path)
    return "/".join(match.groups()) if match and match[1] != "api" else ""


def answers(exchange: Exchange, value: Any) -> Iterator[Answer]:
    """What one JSON answer says, by listing."""
    path = urlsplit(exchange.url).path
    if "/searches/geo_location" in path or isinstance(mapping(value).get("results"), Mapping):
        yield from _search(value)
    elif "/searches/resource" in path or "main_description" in mapping(value):
        yield _resource(exchange, value)
    elif (clinic := _CLINIC.search(path)) and isinstance(value, list):
        kind = "motives" if any("motives" in entry for _, entry in entries(value)) else "places"
        key, page = referring_key(key_of_path, exchange)
        yield Answer(key or f"clinic-{clinic[1]}", page, (Part(kind, "", value, _hidden(value)),))
    elif (place := _DETAILS.search(path)) and isinstance(value, Mapping):
        key, page = referring_key(key_of_path, exchange)
        yield Answer(key or f"cabinet-{place[1]}", page, (Part("details", "", value),))
    elif clinic:
        raise Unreadable("the answer has none of the expected keys")


def results(value: Any) -> list[str]:
    """The public paths of the listings that a search answer names, in order."""
    found = (text(entry.get("url")) for section in mapping(value, "results") for _, entry in _entries(value, section))
    return list(dict.fromkeys(path for path in found if key_of_path(path)))


def _entries(value: Any, section: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return entries(value, "results", section, "data")


def _search(value: Any) -> Iterator[Answer]:
    if not isinstance(mapping(value).get("results"), Mapping):
        raise Unreadable("the search answer has no results")
    for section in mapping(value, "results"):
        for place, entry in _entries(value, section):
            page = text(entry.get("url"))
            if key := key_of_path(page):
                told = present({"sector": text(entry.get("convention_type_name"))})
                shown = practitioner(is_organisation=False, signals=told) if told else None
                yield Answer(key, page, (Part("result", f"/results/{section}/data/{place}", entry),), shown)


def _resource(exchange: Exchange, value: Any) -> Answer:
    asked = parse_qs(urlsplit(exchange.url).query)
    named = [asked.get(name, [""])[0] for name in ("type", "location", "slug")]
    page = "/" + "/".join(named) if all(named) else text(mapping(value).get("url"))
    key = key_of_path(page)
    if not key or not text(mapping(value).get("title")):
        raise Unreadable("the answer names no listing")
    return Answer(key, f"/{key}", (Part("resource", "", value),), _shown(value))


def _shown(value: Any) -> ShownPractitioner:
    title = text(at(value, "title"))
    place = mapping(value, "cabinets", 0) or mapping(value, "cabinet")
    location = text(place.get("location"))
    town = _TOWN.search(location)
    specialities = [text(entry.get("name")) for _, entry in entries(value, "specialties")]
    more = [text(entry.get("location")) for _, entry in entries(value, "cabinets")]
    return practitioner(
        is_organisation=text(at(value, "type")) == "Clinic" or looks_like_organisation(title),
        display_name=[title],
        speciality=specialities if len(specialities) == 1 else [],
        street=[(location[: town.start()] if town else location).strip(" ,")],
        postcode=[town[1]] if town else [],
        city=[town[2].strip()] if town else [],
        signals=present(
            {
                "profile_id": at(value, "id"),
                "specialities": specialities if len(specialities) > 1 else None,
                "places": more if len(more) > 1 else None,
            }
        ),
    )


def _hidden(value: Any) -> tuple[str, ...]:
    """The agendas whose names the platform shows to nobody."""
    return tuple(
        f"/{c}/motives/{m}/agendas/{a}"
        for c, category in entries(value)
        for m, motive in entries(category, "motives")
        for a, agenda in entries(motive, "agendas")
        if agenda.get("hidden") is True
    )


KELDOC = Platform("keldoc", "https://www.keldoc.com", KEYS, answers, key_of_path)
