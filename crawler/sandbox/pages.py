"""Write the practice world's pages in the shape of the real ones: profiles as JSON and HTML, practices' own sites."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from crawler.sandbox.world import EVERY_SITE, Person, Sandbox, people_data

PER_PAGE = 20
STYLE = "body{font:16px/1.5 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}"
DEFAULT_BIOS = {
    "dentiste": "Le chirurgien-dentiste, aussi appelé dentiste, prend en charge les problèmes bucco-dentaires. Ce "
    "spécialiste de la dentition s'occupe aussi bien des dents, des gencives et des nerfs que des maxillaires. Les "
    "patients peuvent notamment le consulter pour un détartrage, le soin d'une carie, le soulagement de gencives "
    "irritées ou encore pour la réparation d'une dent abîmée."
}


def _page(title: str, body: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style>{head}</head><body>{body}</body></html>"
    )


def _ld(value: dict[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/ld+json">{text}</script>'


def path_of(person: Person) -> str:
    """The public path of a profile."""
    return f"/{person.speciality_slug}/{person.city_slug}/{person.slug}"


def profiles_of(world: Sandbox, speciality: str) -> list[int]:
    """The numbers of a speciality's profiles, in order."""
    slugs = [one["slug"] for one in people_data()["specialities"]]
    if speciality not in slugs:
        return []
    first = slugs.index(speciality)
    return [number for number in range(first, world.listings, len(slugs)) if number % EVERY_SITE != EVERY_SITE - 1]


def linked_path(world: Sandbox, number: int) -> str:
    """The path a result links to: some profiles were renamed and their old address redirects."""
    person = world.person(number)
    old = number % 40 == 13
    return path_of(person).replace(person.slug, f"ancien-{person.slug}") if old else path_of(person)


def _bio(world: Sandbox, person: Person) -> str:
    texts = world.texts(person.number)["presentation"]
    if person.number % 9 == 3 and world.in_force(person.number) is None and person.speciality_slug in DEFAULT_BIOS:
        return DEFAULT_BIOS[person.speciality_slug]
    return " ".join(texts)


def result_page(world: Sandbox, speciality: str, page: int) -> str:
    """A listing page: links to profiles, JSON-LD, and the place object a search needs."""
    numbers = profiles_of(world, speciality)[(page - 1) * PER_PAGE : page * PER_PAGE]
    cards = "".join(
        f'<li><a href="{linked_path(world, number)}?pid=practice-{number}">{escape(world.person(number).name)}</a></li>'
        for number in numbers
    )
    place = {"id": 1, "name": "France", "slug": "france", "country": "fr", "type": "country", "zipcodes": []}
    script = f"<script>window.place = {json.dumps(place)};</script>"
    body = f'<h1>{escape(speciality)}</h1><ul>{cards}</ul><p><a href="/rendez-vous/nouveau">Prendre rendez-vous</a></p>'
    following = (
        f'<a rel="next" href="/{speciality}/france?page={page + 1}">Suivant</a>' if len(numbers) == PER_PAGE else ""
    )
    return _page(speciality, body + following, script)


def search_answer(world: Sandbox, speciality: str, page: int) -> dict[str, Any]:
    """A search answer: twenty a page, the last of the page before repeated."""
    numbers = profiles_of(world, speciality)
    shown = numbers[page * PER_PAGE : (page + 1) * PER_PAGE]
    if page and shown:
        shown = [numbers[page * PER_PAGE - 1], *shown]
    return {"total": len(numbers), "healthcareProviders": [_provider(world, number) for number in shown]}


def _provider(world: Sandbox, number: int) -> dict[str, Any]:
    person = world.person(number)
    given, _, family = person.name.removeprefix("Dr ").partition(" ")
    return {
        "id": f"profile-{number};practice-{number};{person.speciality_slug}",
        "type": "INDIVIDUAL_PRACTITIONER",
        "name": family,
        "firstName": given,
        "title": "Dr" if person.name.startswith("Dr ") else "",
        "gender": "female" if number % 2 else "male",
        "link": f"{linked_path(world, number)}?pid=practice-{number}",
        "location": {"address": person.street, "city": person.city, "zipcode": person.postcode, "country": "fr"},
        "languages": ["fr"],
        "paymentMeans": ["cash", "check"],
        "regulationSector": "contracted_1",
        "organizationStatus": None,
        "services": ["profile", "onlineBooking"],
        "onlineBooking": {"agendaIds": [number], "telehealth": False},
        "speciality": {"name": person.speciality, "slug": person.speciality_slug},
        "matchedVisitMotive": {
            "visitMotiveId": number,
            "name": "Première consultation",
            "allowNewPatients": number % 3 > 0,
        },
        "references": {"id": number, "type": "public_profile", "practiceId": number},
    }


def profile_json(world: Sandbox, number: int) -> dict[str, Any]:
    """A profile's JSON answer."""
    person, texts = world.person(number), world.texts(number)
    return {
        "data": {
            "profile": {
                "id": number,
                "slug": person.slug,
                "profile_path": path_of(person),
                "name_with_title": person.name,
                "subtitle": person.speciality,
                "organization": False,
                "is_practitioner": True,
                "bio": _bio(world, person),
                "website_url": None,
                "speciality": {"id": 1, "kind": "medical", "name": person.speciality, "slug": person.speciality_slug},
                "languages": ["fr"],
                "skills_by_practice": {str(number): [{"kind": "procedure", "name": "Bilan"}]},
                "smart_ranking_profile_page_viewed_tracking_details": {"new_patients_blocked": number % 3 == 0},
            },
            "fees": [{"name": text, "min_price": 25, "max_price": 30} for text in texts["payment"]],
            "details": [
                {
                    "practice_id": number,
                    "insurance_card": True,
                    "third_party_payer": None,
                    "regulation_sector": "contracted_1",
                    "regulation_sector_wording": None,
                    "payment_means": {"check": True, "cash": True, "credit_card": False, "bank_transfer": False},
                    "home_visit": False,
                    "blocking_rules": [],
                    "covid_temporary_message": False,
                }
            ],
            "legals": {"rpps": person.rpps or None, "adeli": None, "privacy_policy_link": None, "show_legals": True},
            "places": [
                {
                    "id": f"practice-{number}",
                    "full_address": f"{person.street}, {person.postcode} {person.city}",
                    "address": person.street,
                    "zipcode": person.postcode,
                    "city": person.city,
                    "landline_number": person.phone,
                    "reception_info": " ".join(texts["instructions"]),
                    "profile_description": None,
                    "access_informations": texts["hours"],
                    "opening_hours": [{"day": 1, "ranges": [["09:00", "18:00"]], "enabled": True}],
                    "practice_ids": [number],
                }
            ],
            "bookable": True,
        },
        "meta": {"title": f"{person.name}, {person.speciality} à {person.city}", "description": "Prenez rendez-vous."},
    }


def funnel_json(world: Sandbox, number: int) -> dict[str, Any]:
    """The booking funnel's first answer: motives and their categories."""
    person, texts = world.person(number), world.texts(number)
    motives = [
        {"id": number * 10 + rank, "visit_motive_category_id": 1, "name": name, "telehealth": False}
        for rank, name in enumerate(texts["motive"])
    ]
    return {
        "data": {
            "profile": {"id": number, "name_with_title": person.name, "subtitle": person.speciality},
            "visit_motive_categories": [{"id": 1, "name": "Consultations"}],
            "visit_motives": motives,
            "agendas": [{"id": number, "booking_disabled": False, "practice_id": number}],
            "places": [{"id": f"practice-{number}", "city": person.city, "zipcode": person.postcode}],
            "practitioners": [],
            "insurance_step_options": [],
        }
    }


def profile_page(world: Sandbox, number: int) -> str:
    """A profile's HTML page."""
    person, texts, bio = world.person(number), world.texts(number), _bio(world, world.person(number))
    fees = "".join(f'<li><span class="dl-profile-fee-name">{escape(text)}</span></li>' for text in texts["payment"])

    def card(title: str, content: str) -> str:
        return f'<div class="dl-profile-card-content"><h2 class="dl-profile-card-title">{title}</h2>{content}</div>'

    body = (
        f'<h1 id="profile-name-with-title">{escape(person.name)}</h1>'
        f'<div class="dl-profile-header-speciality">{escape(person.speciality)}</div>'
        + card("Présentation", f'<div class="dl-profile-text js-bio dl-profile-bio"><p>{escape(bio)}</p></div>')
        + card("Tarifs et remboursement", f"<ul>{fees}</ul>")
        + card("Informations pratiques", f"<p>{escape(' '.join(texts['instructions']))}</p>")
    )
    data = {
        "@context": "http://schema.org/",
        "@type": "Physician",
        "name": person.name,
        "description": bio,
        "medicalSpecialty": person.speciality,
        "telephone": person.phone,
        "address": {
            "@type": "PostalAddress",
            "streetAddress": person.street,
            "postalCode": person.postcode,
            "addressLocality": person.city,
        },
    }
    return _page(f"{person.name}, {person.speciality} à {person.city}", body, _ld(data))


def site_pages(world: Sandbox, number: int) -> dict[str, str]:
    """A practice's own site: page name to HTML; the home page is ""."""
    person, texts = world.person(number), world.texts(number)
    pages = ("honoraires", "infos-pratiques", "faq", "mentions-legales")
    nav = "<nav>" + "".join(f'<a href="/sites/{person.slug}/{name}">{name}</a> ' for name in pages) + "</nav>"

    def written(title: str, content: str, head: str = "") -> str:
        return _page(f"{title} · {person.name}", f"<header>{nav}</header><main>{content}</main>", head)

    def paragraphs(field: str) -> str:
        return "".join(f"<p>{escape(text)}</p>" for text in texts[field])

    data = {
        "@context": "https://schema.org",
        "@type": "MedicalBusiness",
        "name": f"Cabinet {person.name}",
        "telephone": person.phone,
        "address": {
            "@type": "PostalAddress",
            "streetAddress": person.street,
            "postalCode": person.postcode,
            "addressLocality": person.city,
        },
    }
    home = (
        f'<div class="alert">{escape(" ".join(texts["banner"]))}</div><h1>{escape(person.name)}</h1>'
        f"<p>{escape(person.speciality)}</p><h2>Le cabinet</h2>{paragraphs('presentation')}"
        f"<h2>Horaires</h2>{paragraphs('hours')}"
        f'<section class="avis"><h2>Avis des patients</h2>{paragraphs("review")}</section>'
    )
    faq = "".join(_question(text) for text in texts["faq"])
    motives = "".join(f"<li>{escape(text)}</li>" for text in texts["motive"])
    place = f"{person.street}, {person.postcode} {person.city}"
    legal = f"<p>Éditeur : {escape(person.name)}, {escape(place)}.</p>"
    legal += f"<p>RPPS : {person.rpps}</p>" if person.rpps else ""
    return {
        "": written("Accueil", home, _ld(data)),
        "honoraires": written("Honoraires", f"<h1>Honoraires et paiement</h1>{paragraphs('payment')}"),
        "infos-pratiques": written(
            "Infos pratiques",
            f"<h1>Prendre rendez-vous</h1>{paragraphs('instructions')}"
            f"<h2>Motifs de consultation</h2><ul>{motives}</ul>",
        ),
        "faq": written("FAQ", f"<h1>Questions fréquentes</h1>{faq}"),
        "mentions-legales": written("Mentions légales", f"<h1>Mentions légales</h1>{legal}"),
    }


def _question(text: str) -> str:
    question, mark, answer = text.partition("?")
    if not mark:
        return f"<p>{escape(text)}</p>"
    return f"<details><summary>{escape(question)}?</summary><p>{escape(answer.strip())}</p></details>"


def site_index(world: Sandbox) -> str:
    """The directory of practices' sites."""
    numbers = range(EVERY_SITE - 1, world.listings, EVERY_SITE)
    links = "".join(
        f'<li><a href="/sites/{world.person(n).slug}/">{escape(world.person(n).name)}</a></li>' for n in numbers
    )
    return _page("Sites des cabinets", f"<h1>Sites des cabinets</h1><ul>{links}</ul>")
