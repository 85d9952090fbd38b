"""Read the two files that an organisation keeps: who it is, and the addresses it has checked. It invents nothing.

`organisation.yaml` and `annuaire.yaml` stand in the home. An address has a source and the day on which it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from reference.errors import VigieError

ORGANISATION, ADDRESSES, LETTERS = "organisation.yaml", "annuaire.yaml", "lettres"


class BadOrganisation(VigieError):
    """A file of the organisation is missing, or does not say what it must."""


@dataclass(frozen=True)
class Organisation:
    """Who writes the letters. Empty text: not given."""

    name: str
    form: str
    address: tuple[str, ...]
    city: str
    represented_by: str
    quality: str
    email: str = ""
    phone: str = ""
    registration: str = ""
    purpose: str = ""
    statutes: str = ""  # where its statutes say so
    approval: str = ""  # agrément (article L. 1114-1 CSP)


@dataclass(frozen=True)
class Address:
    """The address of one addressee, as the organisation read it somewhere on some day."""

    name: str
    lines: tuple[str, ...]
    email: str
    source: str
    read_on: date


@dataclass(frozen=True)
class Mandate:
    """The person on whose behalf a referral is made (article R. 1110-11 CSP), and their own account of the facts."""

    person: str
    address: tuple[str, ...]
    given_on: date
    account: str


def load_organisation(home: Path) -> Organisation:
    """The organisation of this home. Raises `BadOrganisation` with the file and the key."""
    path = home / ORGANISATION
    data = _mapping(path)
    known = {"name", "form", "address", "city", "represented_by", "quality", "email", "phone", "registration"}
    _only(path, data, known | {"purpose", "statutes", "approval"})
    texts = {key: _text(path, data, key) for key in ("name", "form", "city", "represented_by", "quality")}
    more = ("email", "phone", "registration", "purpose", "statutes", "approval")
    return Organisation(
        **texts,
        address=_lines(path, data, "address"),
        **{key: _text(path, data, key, required=False) for key in more},
    )


def load_addresses(home: Path) -> Mapping[str, Address]:
    """The addresses by key (« medecins/69 », « cpam/69 », « ddd », « platform/doctolib »…); none without a file."""
    path = home / ADDRESSES
    if not path.exists():
        return {}
    found = {}
    for key, entry in _mapping(path).items():
        if not isinstance(entry, dict):
            raise BadOrganisation(f"{path}: « {key} » must be a mapping")
        _only(path, entry, {"name", "lines", "email", "source", "read_on"})
        found[str(key)] = Address(
            name=_text(path, entry, "name"),
            lines=_lines(path, entry, "lines"),
            email=_text(path, entry, "email", required=False),
            source=_text(path, entry, "source"),
            read_on=_day(path, entry, "read_on"),
        )
    return found


def load_mandate(path: Path) -> Mandate:
    """The mandate that a person gave. Raises `BadOrganisation`."""
    data = _mapping(path)
    _only(path, data, {"person", "address", "given_on", "account"})
    return Mandate(
        _text(path, data, "person"),
        _lines(path, data, "address"),
        _day(path, data, "given_on"),
        _text(path, data, "account"),
    )


def _mapping(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadOrganisation(f"{path}: the file is missing; docs/letters.md says what it holds") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadOrganisation(f"{path}: the file cannot be read as UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise BadOrganisation(f"{path}: not YAML: {getattr(error, 'problem', None) or 'unreadable'}") from error
    if not isinstance(data, dict) or not data:
        raise BadOrganisation(f"{path}: the file must be a mapping")
    return data


def _only(path: Path, data: Mapping[str, Any], known: set[str]) -> None:
    for key in data:
        if key not in known:
            raise BadOrganisation(f"{path}: unknown key « {key} »")


def _text(path: Path, data: Mapping[str, Any], key: str, *, required: bool = True) -> str:
    value = data.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or not value.strip():
        raise BadOrganisation(f"{path}: « {key} » must be a text (in quotes when it looks like a number or a date)")
    return " ".join(value.split())


def _lines(path: Path, data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(line, str) and line.strip() for line in value):
        raise BadOrganisation(f"{path}: « {key} » must be a list of lines")
    return tuple(" ".join(line.split()) for line in value)


def _day(path: Path, data: Mapping[str, Any], key: str) -> date:
    value = data.get(key)
    try:
        return value if type(value) is date else date.fromisoformat(str(value))
    except ValueError:
        raise BadOrganisation(f"{path}: « {key} » must be a date such as 2026-03-01") from None
