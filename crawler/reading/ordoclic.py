"""Read Ordoclic's answers: search, profile of a house or a professional, motives with their advice. Pure.

A listing's key is its slug below `entities/` (houses) or `professionals/`, for the two have slugs of their own. Motives
are asked by the house's number: they join the listing that their request's
Referer names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from crawler.items import ShownPractitioner
from crawler.reading.answers import Answer, Platform, referring_key
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
from crawler.reading.shown import looks_like_organisation, practitioner
from crawler.reading.texts import fold
from crawler.reading.values import at, entries, flag, present, text
from ledger.warc import Exchange

_PATH = re.compile(r"/app/([^/?#]+)/([^/?#]+)/?")
_PROFILE = re.compile(r"/v1/(?:public/entities|professionals)/profile/([^/?#]+)")
_REASONS = re.compile(r"/v1/solar/entities/([^/?#]+)/reasons")
_ATTRIBUTE = re.compile(r"/attributeValues/(\d+)/value")

KEYS = Keys(
    {
        "profile": Kind(
            patterns(
                presentation="/attributeValues/introduction /attributeValues/introduction/** "
                "/attributeValues/keywords/** /description /presentation",
                payment="/attributeValues/service_price/**",
                instructions="/attributeValues/booking_settings/** /attributeValues/waiting_room_link/**",
                hours="/timeBlocks/**",
            ),
            "/name /fullName /type /phone /address /city /zip /job /specialty /profileSlug",
            ignoring(
                (CODE, "/attributeValues/*/label /attributeValues/public_pro/** /imagesIds/** /entityId /partnerId"),
                (CODE, "/seoPublishedAt /lobbyRoom/** /publicProfileSlug /id /activatedAt"),
                (ADDRESS, "/listAddress/**"),
                (OTHERS, "/publicProfessionals/** /firstName /lastName /title /entities"),
            ),
        ),
        "reasons": Kind(
            patterns(
                motive="/reasons/*/name /reasons/*/reasonType",
                instructions="/reasons/*/advice /reasons/*/advice/** /reasons/*/defaultDocuments/*/favoriteLabel",
            ),
            "",
            ignoring((CODE, "/reasons/*/color /reasons/*/id /reasons/*/defaultDocuments/*/multiFormType")),
        ),
        "result": Kind(
            patterns(),
            "/name /type /publicProfile/** /location/**",
            ignoring(
                (CODE, "/id /activatedAt /updatedAt /@timestamp /@version /antigenicTestDate"),
                (CODE, "/covidVaccineInjectionDate /bookingSettings/**"),
                (CONTACT, "/phone"),
                (OTHERS, "/professionals/**"),
                (LISTED, "/specialty /job"),
            ),
        ),
    }
)


def key_of_path(path: str) -> str:
    """The key of a public listing's path; "" for any other path."""
    match = _PATH.fullmatch(path)
    return f"{_space(unquote(match[1]))}/{unquote(match[2])}" if match else ""


def _space(kind: str) -> str:
    """Where the platform keeps what it calls by this name: houses and professionals apart."""
    return "entities" if looks_like_organisation(kind.replace("-", " ")) else "professionals"


def answers(exchange: Exchange, value: Any) -> Iterator[Answer]:
    """What one JSON answer says, by listing."""
    path = urlsplit(exchange.url).path
    reasons = _REASONS.search(path)
    if reasons or isinstance(at(value, "reasons"), list):
        if not isinstance(at(value, "reasons"), list):
            raise Unreadable("the answer has no motives")
        key, page = referring_key(key_of_path, exchange)
        if not key and not reasons:
            raise Unreadable("the motives name no house")
        hidden = _of_others(value) if key.startswith("professionals/") else ()
        key = key or f"entity-{reasons[1] if reasons else ''}"
        yield Answer(key, page, (Part("reasons", "", value, hidden),), _flags(value, hidden))
    elif _PROFILE.search(path) or "attributeValues" in (value if isinstance(value, dict) else ()):
        yield _profile(exchange, value)
    elif isinstance(at(value, "items"), list):
        for place, entry in entries(value, "items"):
            page = page_path(entry)
            if key := key_of_path(page):
                yield Answer(key, page, (Part("result", f"/items/{place}", entry),))


def page_path(entry: Any) -> str:
    """The path of the public page of a house or professional, from the type and slug that an answer shows."""
    slugs = (at(entry, "publicProfile", "slug"), at(entry, "profileSlug"), at(entry, "publicProfileSlug"))
    slug = next(filter(None, map(text, slugs)), "")
    kind = re.sub(r"[^a-z0-9]+", "-", fold(text(at(entry, "type")) or text(at(entry, "job")))).strip("-")
    return f"/app/{kind}/{slug}" if kind and slug else ""


def profile_path(page: str) -> str:
    """The path of the answer behind a public page: professionals have an address of their own."""
    space, slug = key_of_path(page).split("/", 1)
    return f"/v1/{'public/entities' if space == 'entities' else space}/profile/{slug}"


def _of_others(value: Any) -> tuple[str, ...]:
    """The motives of one professional of the house: on another's listing they would be put in the wrong mouth."""
    nobody = re.compile(r"[0-]*")
    return tuple(
        f"/reasons/{place}"
        for place, one in entries(value, "reasons")
        if not nobody.fullmatch(text(one.get("professionalId")))
    )


def _flags(value: Any, hidden: tuple[str, ...]) -> ShownPractitioner | None:
    """What the motives say in flags: who may book online, whether new patients may."""
    told = [
        present(
            {
                "motive": text(one.get("name")),
                "book_online": flag(one.get("canBookOnline")),
                "new_patients": flag(one.get("isAcceptNewPatient")),
            }
        )
        for place, one in entries(value, "reasons")
        if f"/reasons/{place}" not in hidden
    ]
    return practitioner(is_organisation=False, signals={"motives": told}) if told else None


def _profile(exchange: Exchange, value: Any) -> Answer:
    asked = _PROFILE.search(urlsplit(exchange.url).path)
    slug = (
        text(at(value, "profileSlug")) or text(at(value, "publicProfileSlug")) or (unquote(asked[1]) if asked else "")
    )
    name = text(at(value, "name")) or text(at(value, "fullName"))
    if not slug or not name:
        raise Unreadable("the answer names no listing")
    labels = {place: text(entry.get("label")) for place, entry in entries(value, "attributeValues")}

    def by_label(pointer: str) -> str:
        match = _ATTRIBUTE.match(pointer)
        return f"/attributeValues/{labels[int(match[1])]}{pointer[match.end() :]}" if match else pointer

    stated = [text(at(value, "type")), text(at(value, "job")), text(at(value, "specialty"))]
    settings = [entry for _, entry in entries(value, "attributeValues") if entry.get("label") == "booking_settings"]
    signals = {"profile_id": text(at(value, "entityId")), "booking": text(at(settings, 0, "value", "option"))}
    shown = practitioner(
        is_organisation="/entities/" in exchange.url or looks_like_organisation(stated[0]),
        display_name=[name],
        speciality=stated,
        street=[at(value, "address")],
        postcode=[at(value, "zip")],
        city=[at(value, "city")],
        phone=[at(value, "phone")],
        signals=present(signals),
    )
    is_house = "/professionals/" not in exchange.url and not text(at(value, "publicProfileSlug"))
    key = f"{'entities' if is_house else 'professionals'}/{slug}"
    return Answer(key, page_path(value), (Part("profile", "", value, alias=by_label),), shown)


ORDOCLIC = Platform("ordoclic", "https://app.ordoclic.fr", KEYS, answers, key_of_path)
