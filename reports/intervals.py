"""Intervals for shares: Wilson's, and the share corrected for a reader that errs. It counts nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources

import yaml

Z = 1.959963984540054  # 95 %


@dataclass(frozen=True)
class Share:
    """A share from 0 to 1 with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ReaderError:
    """How often the reader is right, and on how many passages that was measured."""

    sensitivity: float
    sensitivity_passages: int
    specificity: float
    specificity_passages: int
    source: str


def reader_error() -> ReaderError:
    """The figures of the model card that this version ships."""
    data = yaml.safe_load(resources.files("reports").joinpath("data/reader_error.yaml").read_text(encoding="utf-8"))
    return ReaderError(**{key: value for key, value in data.items() if key != "version"})


def wilson(count: int, total: int) -> Share:
    """Wilson's score interval (1927). Raises `ValueError` for an empty group or a count beyond it."""
    if total <= 0 or not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no share")
    share, square = count / total, Z * Z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = Z * math.sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)
    return Share(share, max(0.0, middle - half) if count else 0.0, min(1.0, middle + half) if count < total else 1.0)


def rogan_gladen(count: int, total: int, error: ReaderError) -> Share:
    """The share that a reader with these errors would show as `count` of `total` (Rogan and Gladen, 1978).

    The interval is Lang and Reiczigel's (2014): it counts the uncertainty of the reader's own figures. Raises
    `ValueError` for a reader that is no better than chance.
    """
    if error.sensitivity + error.specificity <= 1:
        raise ValueError("a reader no better than chance corrects nothing")
    wilson(count, total)
    value = _corrected(count / total, error.sensitivity, error.specificity)
    square = Z * Z
    n, n_se, n_sp = total, error.sensitivity_passages, error.specificity_passages
    shown = (count + square / 2) / (n + square)
    se, sp = (error.sensitivity * n_se + 1) / (n_se + 2), (error.specificity * n_sp + 1) / (n_sp + 2)
    middle = (shown + sp - 1) / (se + sp - 1)
    var_se, var_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    shift = 2 * square * (middle * var_se - (1 - middle) * var_sp)
    spread = shown * (1 - shown) / (n + square) + middle**2 * var_se + (1 - middle) ** 2 * var_sp
    half = Z * math.sqrt(spread) / (se + sp - 1)
    return Share(value, _clip(middle + shift - half), _clip(middle + shift + half))


def _corrected(shown: float, sensitivity: float, specificity: float) -> float:
    return _clip((shown + specificity - 1) / (sensitivity + specificity - 1))


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))
