"""Compare the profession and speciality that a page shows with those of the register. It knows no name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

import yaml

from identity.names.words import folded
from reference import Profession, load_reference

DATA = Path(__file__).parent / "data" / "skills.yaml"


class Agreement(StrEnum):
    """Two facts say the same, contradict each other, or one of them is not known."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Trade:
    """What a page says of a person's trade: the register's codes it may have, and the skill labels, folded."""

    profession: Profession | None
    codes: frozenset[str]
    skills: frozenset[str]


@cache
def skill_labels() -> dict[str, frozenset[str]]:
    """For each profession of the reference that names a speciality, the register's labels for it, folded."""
    entries = yaml.safe_load(DATA.read_text("utf-8"))["entries"]
    return {code: frozenset(map(folded, entry["labels"])) for code, entry in entries.items()}


@lru_cache(maxsize=5_000)
def read_trade(profession: str, speciality: str) -> Trade:
    """The trade shown, from the profession, else from the speciality; the skill from either."""
    reference = load_reference()
    found = [p for text in (profession, speciality) if text and (p := reference.profession_of(text))]
    skills = [labels for p in found if (labels := skill_labels().get(p.code))]
    first = found[0] if found else None
    return Trade(first, frozenset(first.rpps_codes) if first else frozenset(), skills[0] if skills else frozenset())


def trade_agreement(trade: Trade, codes: Iterable[str]) -> Agreement:
    """Whether one of a person's register codes is one of the trade shown."""
    registered = {code for code in codes if code}
    if not trade.codes or not registered:
        return Agreement.UNKNOWN
    return Agreement.AGREE if trade.codes & registered else Agreement.DISAGREE


def skill_agreement(trade: Trade, labels: Iterable[str]) -> Agreement:
    """Whether one of a person's skills is the speciality shown; only labels that name a speciality can contradict."""
    registered = {folded(label) for label in labels} & frozenset().union(*skill_labels().values())
    if not trade.skills or not registered:
        return Agreement.UNKNOWN
    return Agreement.AGREE if trade.skills & registered else Agreement.DISAGREE
