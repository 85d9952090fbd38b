"""The items spiders hand over: a listing, the practitioner as shown, and the passages where wording may stand.

They are plain frozen values: no parsing, no Scrapy, no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ShownPractitioner:
    """The practitioner (or practice) as one answer shows them; an empty string means that it does not show it."""

    display_name: str = ""
    is_organisation: bool = False
    profession: str = ""  # reference profession code, or ""
    speciality: str = ""  # as shown
    street: str = ""
    postcode: str = ""
    city: str = ""
    phone: str = ""
    rpps: str = ""  # as shown, unchecked
    adeli: str = ""
    signals: Mapping[str, Any] = field(default_factory=dict)  # JSON values: sector, third-party payer, new patients…


@dataclass(frozen=True)
class FoundPassage:
    """The text of one field of a listing: `locator` finds it again in the decoded body.

    `field` is one of the annotation guide's field names; `locator` is unique within one listing of one answer.
    """

    field: str
    locator: str
    text: str


@dataclass(frozen=True)
class FoundListing:
    """What one answer holds about one listing. `shown` is None when the answer does not show the practitioner."""

    platform: str
    key: str  # stable on the platform: the slug, or the site's address
    url: str  # the public page a person would open
    shown: ShownPractitioner | None
    passages: tuple[FoundPassage, ...]
