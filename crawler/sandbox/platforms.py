"""Write the practice world's answers in the shapes of Maiia, Keldoc, Ordoclic and AvecMonDoc.

It answers for public paths alone: no availability, no account. A question it does not know is not its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from crawler.sandbox.pages import profiles_of
from crawler.sandbox.world import Person, Sandbox, people_data

PER_PAGE = 20
CODES = ("maiia", "keldoc", "ordoclic", "avecmondoc")
Query = dict[str, str]


@dataclass(frozen=True)
class Asked:
    """What a path asks for: a listing's answer, to be made unless a fault sits on it, or (without number) a search."""

    make: Callable[[], Any]  # a JSON value, or a page as text
    number: int | None = None


def start_urls(host: str, platform: str) -> list[str]:
    """Where a crawl of that platform begins."""
    if platform == "ordoclic":
        return [f"http://{host}/v1/public/search?page=1&per_page={PER_PAGE}&in.isPublicProfile=true"]
    if platform == "avecmondoc":
        return [f"http://{host}/api/Organizations/public/covid?page=1&limit={PER_PAGE}"]
    slugs = [one["slug"] for one in people_data()["specialities"]]
    if platform == "keldoc":
        path = "/api/patients/v2/searches/geo_location?specialty_id={}&raw_location=ain-01&page=1"
    else:
        path = f"/api/pat-public/hcd?speciality.shortName={{}}&distanceMax=10000&limit={PER_PAGE}&page=0"
    return [f"http://{host}{path.format(slug)}" for slug in slugs]


def asked(world: Sandbox, path: str, query: Query) -> Asked | None:
    """What this path asks of these platforms; None when it is none of theirs."""
    steps = path.strip("/").split("/")
    for answer in (_maiia, _keldoc, _ordoclic, _avecmondoc):
        found = answer(world, steps, query)
        if found is not None:
            return found
    return None


def _everybody(world: Sandbox) -> list[int]:
    return sorted(n for one in people_data()["specialities"] for n in profiles_of(world, one["slug"]))


def _shown(world: Sandbox, numbers: list[int], page: int) -> list[int]:
    """The listings of a page, from 0; those gone are not listed."""
    return [n for n in numbers[page * PER_PAGE : (page + 1) * PER_PAGE] if not world.is_gone(n)]


def _of_slug(world: Sandbox, slug: str, make: Callable[[int], Any]) -> Asked:
    number = world.number_of(slug)
    return Asked(lambda: make(-1 if number is None else number), -1 if number is None else number)


def _town(person: Person) -> str:
    return f"{person.postcode}-{person.city_slug}"


# Maiia


def _maiia(world: Sandbox, steps: list[str], query: Query) -> Asked | None:
    if steps[:2] == ["api", "pat-public"] and steps[2:] == ["hcd"]:
        numbers = profiles_of(world, query.get("speciality.shortName", ""))
        shown = _shown(world, numbers, int(query.get("page", "0")))
        return Asked(lambda: {"items": [_card(world, n, listed=True) for n in shown], "total": len(numbers)})
    if len(steps) == 3 and steps[1][:5].isdigit():
        return _of_slug(world, steps[2], lambda n: _maiia_page(world, n))
    return None


def _reasons(world: Sandbox, number: int) -> list[dict[str, Any]]:
    texts = world.texts(number)
    return [
        {
            "id": f"r{number}-{rank}",
            "name": name,
            "position": rank,
            "consultationType": "PHYSICAL",
            "patientLimitation": "KNOWN" if number % 3 == 0 else "PUBLIC",
            "instructions": " ".join(texts["instructions"]) if rank == 0 else None,
        }
        for rank, name in enumerate(texts["motive"])
    ]


def _card(world: Sandbox, number: int, *, listed: bool) -> dict[str, Any]:
    """A card; a search answer shows less of it than the listing's page."""
    person, texts = world.person(number), world.texts(number)
    given, _, family = person.name.removeprefix("Dr ").partition(" ")
    information: dict[str, Any] = {
        "conventionSectors": ["SECTOR1"],
        "paymentMethods": ["CASH", "CB"],
        "refundMethods": ["VITAL_CARD"],
        "address": {"street": person.street, "zipCode": person.postcode, "city": person.city, "country": "France"},
        "officeInformation": {"phoneNumber": person.phone},
    }
    if not listed:
        information["officeDescription"] = " ".join(texts["presentation"])
        information["pricing"] = [{"name": text} for text in texts["payment"]]
        information["officeInformation"]["openingSchedules"] = {"MONDAY": {"isActive": True, "note": texts["hours"]}}
    return {
        "id": f"h{number}",
        "type": "PRACTITIONER",
        "url": f"/{person.speciality_slug}/{_town(person)}/{person.slug}",
        "professional": {
            "firstName": given,
            "lastName": family.upper(),
            "cpsId": person.rpps or None,
            "speciality": {"name": person.speciality, "shortName": person.speciality_slug},
        },
        "center": {"id": f"c{number}", "name": f"Cabinet {family}", "childCenters": []},
        "settings": {"isOnlineAppointment": number % 2 == 0},
        "publicInformation": information,
        "consultationReasons": [] if listed else _reasons(world, number),
    }


def _maiia_page(world: Sandbox, number: int) -> str:
    person = world.person(number)
    empty: dict[str, Any] = {"item": None, "items": [], "total": 0}
    state = {"cards": {**empty, "item": _card(world, number, listed=False)}, "instructions": empty, "hcd": empty}
    dumped = json.dumps({"props": {"initialState": state}, "page": "/hcd"}, ensure_ascii=False).replace("</", "<\\/")
    return (
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{escape(person.name)}</title></head><body>'
        f'<main><h1>{escape(person.name)}</h1></main><script id="__NEXT_DATA__" type="application/json">{dumped}'
        "</script></body></html>"
    )


# Keldoc


def _keldoc(world: Sandbox, steps: list[str], query: Query) -> Asked | None:
    if steps[:3] != ["api", "patients", "v2"]:
        return None
    rest = steps[3:]
    if rest == ["searches", "geo_location"]:
        return Asked(lambda: _keldoc_search(world, query.get("specialty_id", ""), int(query.get("page", "1"))))
    if rest == ["searches", "resource"]:
        return _of_slug(world, query.get("slug", ""), lambda n: _resource(world, n))
    if len(rest) == 7 and rest[0] == "clinics" and rest[-1] == "motive_categories":
        return Asked(lambda: _motives(world, int(rest[1])), int(rest[1]))
    if len(rest) == 3 and rest[0] == "cabinets" and rest[2] == "details":
        return Asked(lambda: _details(world, int(rest[1])), int(rest[1]))
    return None


def _keldoc_path(person: Person) -> str:
    return f"/cabinet-medical/{person.city_slug}-{person.postcode}/{person.slug}"


def _keldoc_search(world: Sandbox, speciality: str, page: int) -> dict[str, Any]:
    numbers = profiles_of(world, speciality)
    people = [world.person(number) for number in _shown(world, numbers, page - 1)]
    data = [
        {
            "id": person.number,
            "type": "Cabinet",
            "title": person.name,
            "convention_type_name": "Conventionné secteur 1",
            "cabinet": {"street": person.street, "zipcode": person.postcode, "city": person.city},
            "url": _keldoc_path(person),
        }
        for person in people
    ]
    half = len(data) // 2
    return {
        "options": {"next_page": page * PER_PAGE < len(numbers)},
        "results": {"section_1": {"data": data[:half]}, "section_2": {"data": data[half:]}},
        "seo": {"title": speciality},
    }


def _resource(world: Sandbox, number: int) -> dict[str, Any]:
    person, texts = world.person(number), world.texts(number)
    return {
        "id": number,
        "type": "Clinic",
        "title": person.name,
        "url": _keldoc_path(person),
        "main_description": "".join(f"<p>{escape(text)}</p>" for text in texts["presentation"]),
        "cabinets": [
            {
                "id": number,
                "name": f"Cabinet {person.city}",
                "location": f"{person.street}, {person.postcode}, {person.city}",
                "transportations": [],
            }
        ],
        "specialties": [{"id": 7, "name": person.speciality, "skills": []}],
        "seo": {"title": f"{person.name} : Prendre RDV en ligne"},
        "breadcrumbs": [],
    }


def _motives(world: Sandbox, number: int) -> list[dict[str, Any]]:
    motives = [
        {"id": rank, "name": name, "position": rank, "agendas": [{"id": 1, "name": "Interne", "hidden": True}]}
        for rank, name in enumerate(world.texts(number)["motive"])
    ]
    return [{"motive_category_id": 1, "name": "Consultations", "resource_type": "Clinic", "motives": motives}]


def _details(world: Sandbox, number: int) -> dict[str, Any]:
    texts = world.texts(number)
    return {
        "id": number,
        "phone_number": world.person(number).phone,
        "informations": [{"text": text} for text in texts["instructions"]],
        "fees": [{"name": text} for text in texts["payment"]],
        "opening_hours": [{"day": 1, "note": text} for text in texts["hours"]],
    }


# Ordoclic


def _ordoclic(world: Sandbox, steps: list[str], query: Query) -> Asked | None:
    if steps == ["v1", "public", "search"]:
        return Asked(lambda: _ordoclic_search(world, int(query.get("page", "1"))))
    if steps[:2] == ["v1", "professionals"] and len(steps) == 4:
        return _of_slug(world, steps[3], lambda n: _professional(world, n))
    if steps[:3] == ["v1", "solar", "entities"] and steps[-1] == "reasons":
        number = int(steps[3].rsplit("-", 1)[-1])
        return Asked(lambda: _ordoclic_reasons(world, number), number)
    return None


def _ordoclic_search(world: Sandbox, page: int) -> dict[str, Any]:
    numbers = _everybody(world)
    people = [world.person(number) for number in _shown(world, numbers, page - 1)]
    items = [
        {
            "id": f"entite-{person.number}",
            "name": person.name,
            "type": person.speciality,
            "publicProfile": {"slug": person.slug, "publishedAt": True},
            "location": {"zip": person.postcode, "address": person.street, "city": person.city},
            "phone": person.phone,
        }
        for person in people
    ]
    pages = -(-len(numbers) // PER_PAGE)
    return {"page": page, "per_page": PER_PAGE, "page_count": pages, "total_count": len(numbers), "items": items}


def _professional(world: Sandbox, number: int) -> dict[str, Any]:
    person, texts = world.person(number), world.texts(number)
    return {
        "publicProfileSlug": person.slug,
        "entityId": f"entite-{number}",
        "fullName": person.name,
        "job": person.speciality,
        "address": person.street,
        "city": person.city,
        "zip": person.postcode,
        "phone": person.phone,
        "timeBlocks": [{"day": "1", "opening": "08:00:00", "note": text} for text in texts["hours"]],
        "attributeValues": [
            {"label": "introduction", "value": "\n".join(texts["presentation"])},
            {"label": "service_price", "value": [{"name": text} for text in texts["payment"]]},
            {"label": "booking_settings", "value": {"option": "internal"}},
        ],
    }


def _ordoclic_reasons(world: Sandbox, number: int) -> dict[str, Any]:
    texts = world.texts(number)
    advice = json.dumps(texts["instructions"], ensure_ascii=False)
    reasons = [
        {"id": f"m{rank}", "name": name, "canBookOnline": True, "isAcceptNewPatient": number % 3 > 0, "advice": advice}
        for rank, name in enumerate(texts["motive"])
    ]
    return {"reasons": reasons}


# AvecMonDoc


def _avecmondoc(world: Sandbox, steps: list[str], query: Query) -> Asked | None:
    if steps == ["api", "Organizations", "public", "covid"]:
        return Asked(lambda: _avecmondoc_search(world, int(query.get("page", "1"))))
    if steps[:3] == ["api", "Organizations", "slug"] and len(steps) == 4:
        return _of_slug(world, steps[3], lambda n: _structure(world, n))
    return None


def _avecmondoc_search(world: Sandbox, page: int) -> dict[str, Any]:
    numbers = _everybody(world)
    people = [world.person(number) for number in _shown(world, numbers, page - 1)]
    data = [
        {"name": one.name, "url": f"https://patient.avecmondoc.com/fiche/structure/{one.slug}", "zipCode": one.postcode}
        for one in people
    ]
    return {"data": data, "page": page, "limit": PER_PAGE, "hasNextPage": page * PER_PAGE < len(numbers)}


def _structure(world: Sandbox, number: int) -> dict[str, Any]:
    person, texts = world.person(number), world.texts(number)
    reasons = [
        {
            "id": rank,
            "reason": name,
            "active": True,
            "deleted": False,
            "isCMU": number % 2 == 0,
            "isALD": False,
            "showOnlyDoctor": False,
            "instructionText": " ".join(texts["instructions"]) if rank == 0 else None,
            "modalContent": " ".join(texts["payment"]) if rank == 0 else None,
        }
        for rank, name in enumerate(texts["motive"])
    ]
    return {
        "id": number,
        "slug": person.slug,
        "status": "enabled",
        "name": person.name,
        "subtitle": person.speciality,
        "paymentMethods": ["Card", "Cash"],
        "address": person.street,
        "zipCode": person.postcode,
        "city": person.city,
        "phone": person.phone,
        "informations": "\n".join(texts["presentation"]),
        "accessInformations": None,
        "schedules": {"1": {"enabled": True, "schedules": [], "note": texts["hours"]}},
        "speciality": [{"label": person.speciality, "id": 1}],
        "consultationReasons": reasons,
    }
