"""A dossier as it is about to leave, for the checks: what it tells, its files, and what it must not hold."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pypdf import PdfReader

from ledger.models import Json
from reference import Reference
from reports.facts import Contents


@dataclass(frozen=True)
class Finding:
    """What one check found wrong. `final`: no option lets the dossier leave with it."""

    check: str
    text: str
    final: bool = False


@dataclass(frozen=True)
class Package:
    """Everything that the checks look at. `read` gives the bytes of a file of the payload by its name."""

    contents: Contents
    model: Json
    facts: bytes
    pdf: bytes
    read: Callable[[str], bytes]
    people: tuple[str, ...]  # names and logins of reviewers
    others: tuple[str, ...]  # names of other practitioners on the same pages
    reference: Reference

    @cached_property
    def told(self) -> str:
        """Every string that the PDF prints, on one line."""
        return said(self.model)

    @cached_property
    def reader(self) -> PdfReader:
        """The PDF, read once for all checks."""
        return PdfReader(io.BytesIO(self.pdf))

    @cached_property
    def plain_facts(self) -> Any:
        """The facts as values."""
        return json.loads(self.facts)


def said(model: Any) -> str:
    """Every string of a model, on one line."""
    return " ".join(" ".join(text.split()) for text in strings(model))


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, without the keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for held in value.values():
            yield from strings(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from strings(held)


def keys(value: Any) -> Iterator[str]:
    """Every key of a JSON value."""
    if isinstance(value, dict):
        for key, held in value.items():
            yield key
            yield from keys(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from keys(held)
