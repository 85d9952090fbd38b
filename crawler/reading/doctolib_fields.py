"""What each key of Doctolib's answers is: practitioner wording, the practitioner, or ignored for a stated reason.

Strict interpretation: a text under a key that no table names is not lost: it becomes a passage, noted as unknown.
Patterns are JSON Pointers in which `*` is any one step and a final `**` any number of steps; the longest pattern wins.
This module reads no answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

PRACTITIONER = "practitioner"
IGNORE = "ignore"
UNKNOWN = "unknown"

# Where wording may stand, and the guide's field it is.
PASSAGES: Mapping[str, Mapping[str, str]] = {
    "profile": {
        "/data/profile/bio": "presentation",
        "/data/profile/subtitle": "presentation",
        "/data/profile/skills_by_practice/*/*/name": "presentation",
        "/data/profile/skills/**": "presentation",
        "/data/profile/formations/**": "presentation",
        "/data/profile/experience_periods/**": "presentation",
        "/data/profile/decorations/**": "presentation",
        "/data/profile/publications/**": "presentation",
        "/data/profile/associations/**": "presentation",
        "/data/profile/instructions/**": "instructions",
        "/data/profile/banner/**": "banner",
        "/data/fees/*/name": "payment",
        "/data/fees/*/description": "payment",
        "/data/details/*/blocking_rules/**": "instructions",
        "/data/details/*/covid_temporary_message/**": "banner",
        "/data/details/*/regulation_sector_wording": "payment",
        "/data/details/*/free_openings/**": "hours",
        "/data/places/*/reception_info": "instructions",
        "/data/places/*/profile_description": "presentation",
        "/data/places/*/access_informations/**": "instructions",
        "/data/places/*/formal_name": "presentation",
        "/data/places/*/name": "presentation",
        "/data/places/*/short_name": "presentation",
        "/data/places/*/opening_hours/**": "hours",
        "/data/visit_motives/*/name": "motive",
        "/data/visit_motive_categories/*/name": "motive",
        "/jsonld/profile/description": "presentation",
        "/jsonld/profile/paymentAccepted": "payment",
        "/jsonld/profile/openingHours/**": "hours",
        "/jsonld/profile/availableService/*/name": "presentation",
        "/meta/title": "presentation",
        "/meta/description": "presentation",
    },
    "funnel": {
        "/data/profile/subtitle": "presentation",
        "/data/profile/bio": "presentation",
        "/data/profile/instructions/**": "instructions",
        "/data/visit_motives/*/name": "motive",
        "/data/visit_motives/*/instructions/**": "instructions",
        "/data/visit_motives/*/modal/**": "instructions",
        "/data/visit_motives/*/configurations/**": "instructions",
        "/data/visit_motives/*/new_patient_restrictions/**": "instructions",
        "/data/visit_motives/*/age_referral_restrictions/**": "instructions",
        "/data/visit_motive_categories/*/name": "motive",
        "/data/visit_motive_categories/*/description": "motive",
        "/data/agendas/*/name": "motive",
        "/data/agendas/*/instructions/**": "instructions",
        "/data/places/*/name": "presentation",
        "/data/places/*/formal_name": "presentation",
        "/data/places/*/reception_info": "instructions",
        "/data/instructions/**": "instructions",
        "/data/modal/**": "instructions",
        "/data/insurance_step_options/**": "instructions",
    },
    "search": {
        "/healthcareProviders/*/matchedVisitMotive/name": "motive",
        "/healthcareProviders/*/matchedVisitMotive/instructions/**": "instructions",
        "/healthcareProviders/*/onlineBooking/message/**": "banner",
    },
}

# What says who the practitioner is; read into `ShownPractitioner`, never a passage.
SHOWN: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "/data/profile/slug",
        "/data/profile/profile_path",
        "/data/profile/name",
        "/data/profile/name_with_title",
        "/data/profile/name_with_title_and_determiner",
        "/data/profile/website_url",
        "/data/profile/speciality/name",
        "/data/profile/speciality/slug",
        "/data/profile/smart_ranking_profile_page_viewed_tracking_details/*",
        "/data/doctor_place_city",
        "/data/legals/rpps",
        "/data/legals/adeli",
        "/data/details/*/insurance_card",
        "/data/details/*/regulation_sector",
        "/data/details/*/third_party_payer",
        "/data/places/*/id",
        "/data/places/*/address",
        "/data/places/*/full_address",
        "/data/places/*/zipcode",
        "/data/places/*/city",
        "/data/places/*/landline_number",
    ),
    "funnel": (),
    "search": ("/healthcareProviders/*/link",),
}

# What is left out, and why nothing a practitioner typed can stand there.
_PLATFORM = "drawn by the platform, the same on every page"
_LISTED = "the platform's list of specialities"
_CODE = "a code or an identifier"
_OTHERS = "the name of a person or house, shown elsewhere; names are not wording"
IGNORED: Mapping[str, Mapping[str, str]] = {
    "profile": {
        "/seo/**": _PLATFORM,
        "/jsonld/breadcrumbs/**": _PLATFORM,
        "/jsonld/profile/@context": _PLATFORM,
        "/jsonld/profile/@type": _PLATFORM,
        "/jsonld/profile/**/@type": _PLATFORM,
        "/jsonld/profile/name": _OTHERS,
        "/jsonld/profile/legalName": _OTHERS,
        "/jsonld/profile/medicalSpecialty": "a copy of /data/profile/speciality/name",
        "/jsonld/profile/url": _CODE,
        "/jsonld/profile/image": _CODE,
        "/jsonld/profile/telephone": "a copy of the place's number",
        "/jsonld/profile/address/**": "a copy of the place's address",
        "/data/profile/country": _CODE,
        "/data/profile/speciality/kind": _CODE,
        "/data/profile/pictures/**": _CODE,
        "/data/profile/cover_picture/**": _CODE,
        "/data/profile/avatar_picture/**": _CODE,
        "/data/profile/skills_by_practice/*/*/kind": _CODE,
        "/data/profile/languages/**": "languages chosen from a list",
        "/data/details/*/home_visit_phone_number": "a telephone number",
        "/data/legals/privacy_policy_link": _CODE,
        "/data/legals/trader_identifier": _CODE,
        "/data/places/*/floor": "part of the address",
        "/data/places/*/practice_floor": "part of the address",
        "/data/places/*/opening_hours/*/ranges/**": "hours as numbers",
        "/data/places/*/organization_place/**": _OTHERS,
        "/data/places/*/aphp_url": _CODE,
        "/data/places/*/parking/**": "the platform's map data",
        "/data/places/*/private_parking/**": "the platform's map data",
        "/data/places/*/stations/**": "the platform's map data",
        "/data/places/*/emergency_number_details/**": "a telephone number",
    },
    "funnel": {
        "/data/profile/name": _OTHERS,
        "/data/profile/name_with_title": _OTHERS,
        "/data/profile/name_with_title_and_determiner": _OTHERS,
        "/data/profile/picture_url": _CODE,
        "/data/profile/redirect_url": _CODE,
        "/data/profile/place_slug": _CODE,
        "/data/profile/privacy_link": _CODE,
        "/data/profile/country": _CODE,
        "/data/profile/speciality/**": _LISTED,
        "/data/specialities/**": _LISTED,
        "/data/visit_motives/*/**/insurance_sector": _CODE,
        "/data/visit_motives/*/**/age/**": "an age as numbers and codes",
        "/data/agendas/*/landline_number": "a telephone number",
        "/data/places/*/id": _CODE,
        "/data/places/*/city": "part of the address",
        "/data/places/*/zipcode": "part of the address",
        "/data/places/*/address": "part of the address",
        "/data/places/*/slug": _CODE,
        "/data/places/*/landline_number": "a telephone number",
        "/data/practitioners/*/name": _OTHERS,
        "/data/practitioners/*/name_with_title": _OTHERS,
        "/data/practitioners/*/name_with_title_and_determiner": _OTHERS,
        "/data/practitioners/*/speciality": _LISTED,
        "/data/practitioners/*/cloudinary_public_id": _CODE,
    },
    "search": {
        "/healthcareProviders/*/cloudinaryPublicId": _CODE,
        "/healthcareProviders/*/id": _CODE,
        "/healthcareProviders/*/languages/*": _CODE,
        "/healthcareProviders/*/location/**": "the address; the profile shows it",
        "/healthcareProviders/*/name": "the name; the profile shows it",
        "/healthcareProviders/*/firstName": "the name; the profile shows it",
        "/healthcareProviders/*/title": "the name; the profile shows it",
        "/healthcareProviders/*/gender": "not ours to keep",
        "/healthcareProviders/*/type": _CODE,
        "/healthcareProviders/*/organizationStatus": _CODE,
        "/healthcareProviders/*/administrativeArea/**": "part of the address",
        "/healthcareProviders/*/paymentMeans/*": _CODE,
        "/healthcareProviders/*/references/**": _CODE,
        "/healthcareProviders/*/regulationSector": _CODE,
        "/healthcareProviders/*/services/*": _CODE,
        "/healthcareProviders/*/speciality/**": _LISTED,
        "/healthcareProviders/*/matchedVisitMotive/insuranceSector/**": _CODE,
        "/healthcareProviders/*/onlineBooking/topSpecialities/**": _LISTED,
        "/healthcareProviders/*/onlineBooking/bookableOrganizationSpecialities/**": _LISTED,
    },
}


@dataclass(frozen=True)
class Rule:
    """What the tables say of one leaf. `detail`: the guide's field, or the reason for leaving it out."""

    use: str
    detail: str
    subtree: bool = False  # the pattern ends in `**`: codes and numbers below it are not wording


def _regex(pattern: str) -> re.Pattern[str]:
    steps = [
        r"(?:/[^/]*)*" if s == "**" else r"/[^/]*" if s == "*" else "/" + re.escape(s) for s in pattern.split("/")[1:]
    ]
    return re.compile("".join(steps))


def _compile(kind: str) -> list[tuple[re.Pattern[str], Rule]]:
    rules = [(p, Rule("passage", field, p.endswith("**"))) for p, field in PASSAGES[kind].items()]
    rules += [(p, Rule(PRACTITIONER, "")) for p in SHOWN[kind]]
    rules += [(p, Rule(IGNORE, reason)) for p, reason in IGNORED[kind].items()]
    rules.sort(key=lambda rule: -len(rule[0].split("/")))
    return [(_regex(pattern), rule) for pattern, rule in rules]


_RULES = {kind: _compile(kind) for kind in PASSAGES}
_INDEX = re.compile(r"/\d+(?=/|$)")


def rule_of(kind: str, pointer: str) -> Rule:
    """The rule for a leaf of an answer of that kind; an unnamed leaf is `UNKNOWN`, read as a presentation."""
    return _rule_of(kind, _INDEX.sub("/0", pointer))


@lru_cache(maxsize=4096)
def _rule_of(kind: str, pointer: str) -> Rule:
    for pattern, rule in _RULES[kind]:
        if pattern.fullmatch(pointer):
            return rule
    return Rule(UNKNOWN, "presentation", subtree=True)


_MACHINE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("no letter in it", re.compile(r"[^A-Za-zÀ-ÿ]*")),
    ("an address on the web", re.compile(r"(?:https?:)?/{1,2}\S*|[\w.+-]+@[\w-]+\.[\w.]+", re.IGNORECASE)),
    ("a time", re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.+-]+Z?")),
    ("opening hours as a code", re.compile(r"(?:[A-Z][a-z](?:[-,][A-Z][a-z])*)?[\s\d:,.-]*")),
    ("a code", re.compile(r"[a-z0-9]+(?:[_.:;-][a-z0-9]+)*|[A-Z0-9]+(?:_[A-Z0-9]+)+|#[0-9a-fA-F]{3,8}")),
    ("an identifier", re.compile(r"(?=\S*\d)[A-Za-z0-9_-]{16,}")),
)


def machine_value(text: str) -> str:
    """Why a value was not written by a person (a code, a time, an address…), or "" when it may have been."""
    return next((reason for reason, pattern in _MACHINE if pattern.fullmatch(text)), "")
