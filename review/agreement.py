"""How well people agree beyond chance, and what a sample lets one say: pure arithmetic on labels, no ledger, no page.

Cohen's κ (1960) for two people; Krippendorff's α, nominal (2011), and Gwet's AC1 (2008) for any number with gaps;
percentile intervals by resampling cases; the exact binomial upper bound of Clopper and Pearson (1934).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy

Labels = Sequence[Hashable]  # the labels one case was given, one a person; people without a label are left out
Measure = Callable[[Sequence[Labels], Sequence[int]], float | None]
RESAMPLES = 1000
CERTAINTY = 0.95


@dataclass(frozen=True)
class Estimate:
    """A coefficient and its bootstrap interval; `value` is None when nothing can be said."""

    value: float | None
    low: float | None
    high: float | None
    cases: int


def cohen(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """κ = (po - pe) / (1 - pe) of two people on the same cases; None without cases or when chance explains all."""
    n = len(pairs)
    if not n:
        return None
    observed = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    expected = sum(first[label] * second[label] for label in first) / n**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def krippendorff(units: Sequence[Labels], weights: Sequence[int] | None = None) -> float | None:
    """α = 1 - Do/De for nominal labels, from the coincidences of the cases with two labels or more.

    `weights` says how many cases each of the units stands for.
    """
    paired = [(unit, weight) for unit, weight in _weighted(units, weights) if len(unit) > 1]
    totals: Counter[Hashable] = Counter()
    agreeing = 0.0
    for unit, weight in paired:
        counts = Counter(unit)
        for label, count in counts.items():
            totals[label] += count * weight
            agreeing += weight * count * (count - 1) / (len(unit) - 1)
    n = sum(totals.values())
    by_chance = sum(count * (count - 1) for count in totals.values())
    if not n or n * (n - 1) == by_chance:
        return None
    return ((n - 1) * agreeing - by_chance) / (n * (n - 1) - by_chance)


def gwet(units: Sequence[Labels], weights: Sequence[int] | None = None, categories: int | None = None) -> float | None:
    """AC1 for any number of people; `categories` is how many labels exist, by default how many occur."""
    rated = [(unit, weight) for unit, weight in _weighted(units, weights) if unit]
    everything = sum(weight for _, weight in rated)
    paired = sum(weight for unit, weight in rated if len(unit) > 1)
    share: dict[Hashable, float] = {}
    observed = 0.0
    for unit, weight in rated:
        counts = Counter(unit)
        for label, count in counts.items():
            share[label] = share.get(label, 0.0) + weight * count / len(unit) / everything
        if len(unit) > 1:
            agreeing = sum(count * (count - 1) for count in counts.values())
            observed += weight * agreeing / (len(unit) * (len(unit) - 1)) / paired
    q = categories or len(share)
    if not paired or q < 2:
        return None
    expected = sum(p * (1 - p) for p in share.values()) / (q - 1)
    return None if expected == 1 else (observed - expected) / (1 - expected)


def estimate(units: Sequence[Labels], measure: Measure, seed: int = 0) -> Estimate:
    """The coefficient with its 95 % percentile interval over `RESAMPLES` resamples of the cases; the same each time."""
    patterns = Counter(tuple(sorted(map(str, unit))) for unit in units)
    kinds, counts = list(patterns), list(patterns.values())
    value = measure(kinds, counts)
    if value is None:
        return Estimate(None, None, None, len(units))
    draws = numpy.random.default_rng(seed).multinomial(len(units), [c / len(units) for c in counts], size=RESAMPLES)
    found = sorted(again for draw in draws.tolist() if (again := measure(kinds, draw)) is not None)
    if not found:
        return Estimate(value, None, None, len(units))
    tail = (1 - CERTAINTY) / 2
    high = found[min(len(found) - 1, int((1 - tail) * len(found)))]
    return Estimate(value, found[int(tail * len(found))], high, len(units))


def _weighted(units: Sequence[Labels], weights: Sequence[int] | None) -> Iterator[tuple[Labels, int]]:
    return ((unit, weight) for unit, weight in zip(units, weights or [1] * len(units), strict=True) if weight)


def upper_bound(found: int, sampled: int, certainty: float = CERTAINTY) -> float:
    """The share that is exceeded with probability 1 - `certainty` at most, when `found` of `sampled` were hits.

    0 of 598 gives 0.5 %. Exact (Clopper-Pearson, one-sided), by bisection on the binomial's distribution function.
    """
    if sampled <= 0 or found >= sampled:
        return 1.0
    low, high = found / sampled, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(found, sampled, middle) > 1 - certainty:
            low = middle
        else:
            high = middle
    return high


def _at_most(found: int, sampled: int, share: float) -> float:
    """P(X ≤ found) for a binomial X, in logarithms so that large samples do not underflow."""
    if share in (0.0, 1.0):
        return 1.0 if share == 0.0 else 0.0
    total = 0.0
    for k in range(found + 1):
        total += math.exp(
            math.lgamma(sampled + 1)
            - math.lgamma(k + 1)
            - math.lgamma(sampled - k + 1)
            + k * math.log(share)
            + (sampled - k) * math.log1p(-share)
        )
    return min(total, 1.0)


def wilson(right: int, asked: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927); (0, 1) when nothing was asked."""
    if not asked:
        return 0.0, 1.0
    share = right / asked
    middle = (share + z * z / (2 * asked)) / (1 + z * z / asked)
    half = z * math.sqrt(share * (1 - share) / asked + z * z / (4 * asked * asked)) / (1 + z * z / asked)
    return max(0.0, middle - half), min(1.0, middle + half)
