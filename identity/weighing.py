"""Weigh the evidence for one person in bits: Fellegi and Sunter's sum, with the register's own frequencies of names.

A weight is log2(m / u). Minus the log of the register's size, it is the odds that the page shows this person rather
than somebody of whom the register knows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import log2
from pathlib import Path
from typing import Any

import yaml

from identity.address import Nearness, prefix_of
from identity.evidence import Evidence, Page
from identity.names import Family, Given
from identity.registry.store import Registry
from identity.trade import Agreement

DATA = Path(__file__).parent / "data" / "weights.yaml"


@dataclass(frozen=True)
class Scored:
    """The evidence for one person and its weight in bits."""

    evidence: Evidence
    score: float


@cache
def weights() -> Any:
    """The chances and thresholds of `weights.yaml`."""
    return yaml.safe_load(DATA.read_text("utf-8"))


def weigh(evidence: Evidence, page: Page, registry: Registry) -> Scored:
    """The weight of all that is known, in bits."""
    people = max(registry.persons, 1)
    bits = -log2(people * weights()["outside"])
    bits += _name(evidence, people)
    bits += _trade(evidence, registry, people)
    bits += _place(evidence, page, registry, people)
    for fact, agreement in (
        ("skill", evidence.skill), ("phone", evidence.phone), ("sex", evidence.sex), ("number", evidence.number),
    ):  # fmt: skip
        if agreement is not Agreement.UNKNOWN and agreement.value in weights()[fact]:
            bits += _fixed(weights()[fact][agreement.value], people)
    return Scored(evidence, round(bits, 2))


def _fixed(entry: dict[str, Any], people: int) -> float:
    chance = entry["u"] / people if entry.get("per") == "people" else entry["u"]
    return log2(entry["m"] / min(1.0, chance))


def _name(evidence: Evidence, people: int) -> float:
    family = weights()["family"][evidence.name.family.value]
    given = weights()["given"][evidence.name.given.value]
    of_family = min(1.0, (evidence.family_n + 1) * family.get("times", 1) / people)
    of_given = min(1.0, given.get("u") or (evidence.given_n + 1) * given.get("times", 1) / people)
    if evidence.name.family is Family.NONE:
        of_family = 1.0
    return log2(family["m"] / of_family) + (
        log2(given["m"] / of_given) if evidence.name.given is not Given.MISSING else 0
    )


def _trade(evidence: Evidence, registry: Registry, people: int) -> float:
    if evidence.trade is Agreement.UNKNOWN:
        return 0.0
    entry = weights()["trade"][evidence.trade.value]
    if evidence.trade is Agreement.AGREE:
        practising = sum(registry.practising(code) for code in evidence.codes)
        return log2(entry["m"] / min(1.0, max(practising, 1) / people))
    return log2(entry["m"] / entry["u"])


def _place(evidence: Evidence, page: Page, registry: Registry, people: int) -> float:
    if evidence.place is Nearness.UNKNOWN:
        return 0.0
    entry = weights()["place"][evidence.place.name.lower()]
    if "share" not in entry:
        return _fixed(entry, people)
    prefix = prefix_of(page.postcode) or prefix_of(evidence.nearest.fields["postcode"])
    near = max(registry.practising("", prefix), 1) / people
    return log2(entry["m"] / min(1.0, near * entry["share"]))
