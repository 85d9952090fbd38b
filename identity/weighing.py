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
from identity.names import Family, Given, squash, words
from identity.names.compare import units
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
    bits += _name(evidence, page, registry, people)
    bits += _trade(evidence, registry, people)
    bits += _place(evidence, page, registry, people)
    for fact, agreement in (
        ("phone", evidence.phone), ("sex", evidence.sex), ("number", evidence.number),
    ):  # fmt: skip
        if agreement is not Agreement.UNKNOWN and agreement.value in weights()[fact]:
            bits += _fixed(weights()[fact][agreement.value], people)
    return Scored(evidence, round(bits, 2))


def _fixed(entry: dict[str, Any], people: int) -> float:
    chance = entry["u"] / people if entry.get("per") == "people" else entry["u"]
    return log2(entry["m"] / min(1.0, chance))


def _name(evidence: Evidence, page: Page, registry: Registry, people: int) -> float:
    degree = evidence.name
    family, given = weights()["family"][degree.family.value], weights()["given"][degree.given.value]
    bearers = evidence.family_n
    if degree.family is Family.PART:
        shown = {word for token in page.name.tokens for word in (*token.words, squash(token.words))}
        shown |= {squash(other) for other in page.name.others}
        parts = [registry.bearers(unit) for unit in units(words(evidence.family_name)) if unit in shown]
        bearers = min(parts, default=people)
    of_family = 1.0 if degree.family is Family.NONE else min(1.0, (bearers + 1) * family.get("times", 1) / people)
    bits = log2(family["m"] / of_family)
    if degree.given is Given.MISSING:
        return bits
    of_given = given.get("u") or (evidence.given_n + 1) * given.get("times", 1) / people
    return bits + log2(given["m"] / min(1.0, of_given))


def _trade(evidence: Evidence, registry: Registry, people: int) -> float:
    bits = 0.0
    if evidence.trade is not Agreement.UNKNOWN:
        entry = weights()["trade"][evidence.trade.value]
        practising = sum(registry.practising(code) for code in evidence.codes)
        bits += log2(
            entry["m"] / _share(practising, people) if evidence.trade is Agreement.AGREE else entry["m"] / entry["u"]
        )
    if evidence.skill is not Agreement.UNKNOWN:
        entry = weights()["skill"][evidence.skill.value]
        skilled = registry.skilled(a.fields["skill"] for a in evidence.activities)
        peers = max(1, sum(registry.practising(code) for code in evidence.codes))
        bits += log2(
            entry["m"] / _share(skilled, peers) if evidence.skill is Agreement.AGREE else entry["m"] / entry["u"]
        )
    return bits


def _share(some: int, people: int) -> float:
    """The share of people who have something, never nothing and never more than all."""
    return min(1.0, max(some, 1) / people)


def _place(evidence: Evidence, page: Page, registry: Registry, people: int) -> float:
    if evidence.place is Nearness.UNKNOWN:
        return 0.0
    near = evidence.nearest.fields
    town = _share(registry.practising_at(near["postcode"]), people)
    if evidence.place is Nearness.TOWN:
        entry = weights()["place"]["town" if page.street and near["street"] else "town_alone"]
        return log2(entry["m"] / town)
    entry = weights()["place"][evidence.place.name.lower()]
    if evidence.place is Nearness.DEPARTMENT:
        return log2(entry["m"] / _share(registry.practising("", prefix_of(near["postcode"])), people))
    # A house or a street is in its town: it is never likelier by chance than the town is.
    return log2(entry["m"] / min(entry["u"] / people, town))
