"""Turn counts and coefficients into the rows that the charts draw. It computes no statistic of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from review import words
from review.pipeline import Stage
from review.quality import PersonQuality, Quality
from review.sampling import Result


@dataclass(frozen=True)
class Bar:
    """A labelled bar; `width` from 0 to 1."""

    label: str
    text: str
    width: float


@dataclass(frozen=True)
class Range:
    """A labelled value with its interval, on an axis from 0 to 1; `value` None draws nothing."""

    label: str
    text: str
    value: float | None
    low: float
    high: float


def bars(stages: Sequence[Stage], states: bool = False) -> list[Bar]:
    """Counts on a logarithmic scale: a million pages and three dossiers are on one chart."""
    most = max((stage.count for stage in stages), default=0)
    top = math.log10(most + 1) or 1.0
    return [
        Bar(
            words.status(stage.label) if states else stage.label,
            f"{stage.count:,}".replace(",", "\u202f"),
            round(math.log10(stage.count + 1) / top, 4),
        )
        for stage in stages
    ]


def estimates(quality: Quality) -> list[Range]:
    """The agreement coefficients; a negative one is drawn at zero and written as it is."""
    rows = (("α de Krippendorff", quality.alpha), ("AC1 de Gwet", quality.ac1))
    found = []
    for label, one in rows:
        low, high = one.low if one.low is not None else one.value, one.high if one.high is not None else one.value
        text = words.figure(one.value) + (
            f" [{words.figure(low)} ; {words.figure(high)}]" if one.value is not None else ""
        )
        found.append(Range(label, text, _clamp(one.value), _clamp(low) or 0.0, _clamp(high) or 0.0))
    return found


def accuracies(people: Sequence[PersonQuality]) -> list[Range]:
    """The share of right answers on known cases, by person."""
    return [
        Range(
            one.display_name,
            words.share(one.right / one.controls, 0) if one.controls else "aucun témoin",
            one.right / one.controls if one.controls else None,
            one.low,
            one.high,
        )
        for one in people
    ]


def bounds(draws: Sequence[Result]) -> list[Range]:
    """The upper bound of what is missed, by draw."""
    kinds = {"dismissed": "écartés", "unflagged": "non signalés"}
    return [
        Range(f"{one.month}, {kinds[one.kind]}", f"au plus {words.share(one.bound, 2)}", one.bound, 0.0, one.bound)
        for one in draws
    ]


def _clamp(value: float | None) -> float | None:
    return None if value is None else min(1.0, max(0.0, value))
