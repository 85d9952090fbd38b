"""Read AvecMonDoc's answers: search, structure with its motives, doctors. Pure: the exchange in, listings out.

A listing's key is its public path below `/fiche/`. Motives that are inactive, deleted or for doctors alone are shown to
no patient and are left out. `isCMU` and `isALD` are the platform's own coverage flags: kept as signals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from crawler.items import ShownPractitioner
from crawler.reading.answers import Answer, Platform, referring_key
from crawler.reading.errors import Unreadable
from crawler.reading.keys import CODE, CONTACT, LISTED, OTHERS, Keys, Kind, Part, ignoring, patterns
from crawler.reading.shown import looks_like_organisation, practitioner, profession_code
from crawler.reading.values import at, entries, flag, mapping, present, text, texts
from ledger.warc import Exchange

_PATH = re.compile(r"/fiche/([a-z-]+)/([^/?#]+)/?")
_SLUG = re.compile(r"/api/(Organizations|Doctors)/slug/([^/?#]+)")

_REASON = patterns(motive="/reason", instructions="/instructionText /modalTitle /modalContent /checkboxContent")
_REASON_CODES = "/code /type /nextAction /httpReturnLink"

KEYS = Keys(
    {
        "structure": Kind(
            patterns(
                presentation="/subtitle /informations",
                instructions="/accessInformations",
                hours="/schedules/**",
            )
            | {f"/consultationReasons/*{below}": field for below, field in _REASON.items()},
            "/name /address /zipCode /city /phone /finessNumber /slug /paymentMethods/*",
            ignoring(
                (CODE, "/status /origin /timezone /country /createdAt /updatedAt /coordinatesFetchingStatus"),
                (CODE, " ".join(f"/consultationReasons/*{below}" for below in _REASON_CODES.split())),
                (LISTED, "/speciality/**"),
            ),
        ),
        "doctor": Kind(
            patterns(presentation="/informations", instructions="/companyAccessDetails"),
            "/paymentMethods/* /slug /patientRestriction /companyAddress /companyZipCode /companyCity",
            ignoring(
                (OTHERS, "/organization /companyName /firstname /lastname /appUser/**"),
                (CODE, "/stripeAccountStatus /photoPath /companyCountry /timezone /workdayStart /workdayEnd /optam"),
                (CODE, "/companyCoordinatesFetchingStatus /delayBwtNowAndTimeAppointment /selectedFormulaCode"),
                (CONTACT, "/phone /address/**"),
                (LISTED, "/specialitiesToDoctors/** /specialities/**"),
            ),
        ),
        "reasons": Kind(
            {f"/*{below}": field for below, field in _REASON.items()},
            "",
            ignoring((CODE, " ".join(f"/*{below}" for below in _REASON_CODES.split()))),
        ),
    }
)


def key_of_path(path: str) -> str:
    """The key of a public listing's path; "" for any other path."""
    match = _PATH.fullmatch(path)
    return f"{match[1]}/{unquote(match[2])}" if match else ""


def answers(exchange: Exchange, value: Any) -> Iterator[Answer]:
    """What one JSON answer says, by listing. A search answer holds no wording."""
    path = urlsplit(exchange.url).path
    slug = _SLUG.search(path)
    if slug and slug[1] == "Doctors":
        if not (text(at(value, "lastname")) or text(at(value, "firstname"))):
            raise Unreadable("the answer names no doctor")
        yield _doctor(unquote(slug[2]), mapping(value), "")
    elif slug or "consultationReasons" in mapping(value):
        yield _structure(exchange, value)
    elif isinstance(value, list):
        if any("reason" in entry for _, entry in entries(value)):
            number = next((entry.get("organizationId") for _, entry in entries(value)), None)
            key, page = referring_key(key_of_path, exchange)
            if not key and number is None:
                raise Unreadable("the motives name no structure")
            told = present({"coverage_flags": _coverage(value)})
            shown = practitioner(is_organisation=False, signals=told) if told else None
            yield Answer(key or f"structure-{number}", page, (Part("reasons", "", value, _hidden(value, "")),), shown)
        for place, entry in entries(value):
            if text(entry.get("slug")) and "specialitiesToDoctors" in entry:
                yield _doctor(text(entry.get("slug")), entry, f"/{place}")


def results(value: Any) -> tuple[list[str], bool]:
    """The public paths of the structures that a search answer names, and whether a further page follows."""
    found = [urlsplit(text(entry.get("url"))).path for _, entry in entries(value, "data")]
    return list(dict.fromkeys(path for path in found if key_of_path(path))), at(value, "hasNextPage") is True


def _structure(exchange: Exchange, value: Any) -> Answer:
    asked = _SLUG.search(urlsplit(exchange.url).path)
    slug = text(at(value, "slug")) or (unquote(asked[2]) if asked else "")
    if not slug or not text(at(value, "name")):
        raise Unreadable("the answer names no structure")
    hidden = _hidden(at(value, "consultationReasons"), "/consultationReasons")
    if profession_code([text(at(value, "subtitle"))]):
        hidden += ("/subtitle",)  # the speciality's own name, not free wording
    part = Part("structure", "", value, hidden)
    return Answer(f"structure/{slug}", f"/fiche/structure/{slug}", (part,), _shown_structure(value))


def _shown_structure(value: Any) -> ShownPractitioner:
    name = text(at(value, "name"))
    named = [text(entry.get("label")) for _, entry in entries(value, "speciality")]
    methods = texts(value, "paymentMethods")
    return practitioner(
        is_organisation=looks_like_organisation(name) or bool(text(at(value, "finessNumber"))),
        profession=profession_code([text(at(value, "subtitle")), *(named if len(named) == 1 else [])]),
        display_name=[name],
        speciality=[at(value, "subtitle"), *named],
        street=[at(value, "address")],
        postcode=[at(value, "zipCode")],
        city=[at(value, "city")],
        phone=[at(value, "phone")],
        signals=present(
            {
                "profile_id": at(value, "id"),
                "status": text(at(value, "status")),
                "finess": text(at(value, "finessNumber")),
                **_payment(methods),
                "coverage_flags": _coverage(at(value, "consultationReasons")),
            }
        ),
    )


def _payment(methods: list[str]) -> dict[str, Any]:
    """Payment means; a card or a third-party payment is a signal only where the list says something."""
    return {
        "payment_means": methods,
        "vitale_card": "Vitale Card" in methods if methods else None,
        "third_party_payer": "Third-party Payment" in methods if methods else None,
    }


def _coverage(reasons: Any) -> list[dict[str, Any]]:
    """The coverage flags of every motive that a patient sees."""
    hidden = _hidden(reasons, "")
    return [
        present({"motive": text(one.get("reason")), "isCMU": flag(one.get("isCMU")), "isALD": flag(one.get("isALD"))})
        for place, one in entries(reasons)
        if f"/{place}" not in hidden and (flag(one.get("isCMU")) is not None or flag(one.get("isALD")) is not None)
    ]


def _hidden(reasons: Any, below: str) -> tuple[str, ...]:
    """The motives that no patient is shown."""
    return tuple(
        f"{below}/{place}"
        for place, one in entries(reasons)
        if one.get("active") is False or one.get("deleted") is True or one.get("showOnlyDoctor") is True
    )


def _doctor(slug: str, value: Mapping[str, Any], where: str) -> Answer:
    user = mapping(value, "appUser") or value
    name = " ".join(filter(None, (text(user.get("firstname")), text(user.get("lastname")))))
    listed = [text(at(entry, "speciality", "label")) for _, entry in entries(value, "specialitiesToDoctors")]
    listed += [text(entry.get("label")) for _, entry in entries(value, "specialities")]
    postal = mapping(value, "address")
    shown = practitioner(
        is_organisation=False,
        profession=profession_code(listed if len(listed) == 1 else []),
        display_name=[name],
        speciality=listed,
        street=[value.get("companyAddress"), postal.get("address")],
        postcode=[value.get("companyZipCode"), postal.get("zipCode")],
        city=[value.get("companyCity"), postal.get("city")],
        phone=[value.get("phone")],
        signals=present(
            {
                "profile_id": value.get("id"),
                "sector": value.get("sector"),
                "patient_restriction": text(value.get("patientRestriction")),
                **_payment(texts(value, "paymentMethods")),
            }
        ),
    )
    return Answer(f"docteur/{slug}", "", (Part("doctor", where, value),), shown)


AVECMONDOC = Platform("avecmondoc", "https://patient.avecmondoc.com", KEYS, answers, key_of_path)
