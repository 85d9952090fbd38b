"""The coefficients equal the published worked examples; the bound is the exact one; intervals hold the value."""

from __future__ import annotations

import pytest

from review import agreement

# Krippendorff, « Computing Krippendorff's Alpha-Reliability » (2011), example C: four observers, twelve units, gaps.
# The same data are `cac.raw4raters` of the R package irrCAC (Gwet).
A = [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None]
B = [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3]
C = [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None]
D = [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]
FOUR = [tuple(label for label in unit if label is not None) for unit in zip(A, B, C, D, strict=True)]
# irrCAC, vignette « overview »: cont3x3abstractors, two abstractors on 100 pregnancies.
TABLE = ((13, 0, 0), (0, 20, 7), (0, 4, 56))
ABSTRACTORS = [(i, j) for i, row in enumerate(TABLE) for j, count in enumerate(row) for _ in range(count)]


def test_cohen_is_that_of_the_published_tables() -> None:
    assert agreement.cohen(ABSTRACTORS) == pytest.approx(0.7964094, abs=1e-6)  # irrCAC prints 0.7964094
    grants = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert agreement.cohen(grants) == pytest.approx(0.4, abs=1e-12)  # fifty grant proposals


def test_krippendorff_is_that_of_the_published_examples() -> None:
    # example A, two observers, binary, ten units: 0.095; coincidences 10, 4, 4, 2
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert agreement.krippendorff(list(zip(first, second, strict=True))) == pytest.approx(2 / 21, abs=1e-6)
    # example C, nominal: ((40-1)(9+...)-...) printed as 0.743
    assert agreement.krippendorff(FOUR) == pytest.approx(904 / 1216, abs=1e-6)


def test_gwet_is_that_of_the_published_examples() -> None:
    assert agreement.gwet(FOUR) == pytest.approx(0.77544, abs=5e-6)  # irrCAC prints 0.77544, five decimals
    # cont3x3abstractors, by the formula of the article: po = 0.89, shares 0.13, 0.255, 0.615
    chance = (0.13 * 0.87 + 0.255 * 0.745 + 0.615 * 0.385) / 2
    assert agreement.gwet(ABSTRACTORS) == pytest.approx((0.89 - chance) / (1 - chance), abs=1e-9)
    assert agreement.gwet(ABSTRACTORS) == pytest.approx(0.8493305, abs=1e-6)  # irrCAC prints 0.8493305


def test_degenerate_data_say_nothing() -> None:
    for measure in (agreement.cohen, agreement.krippendorff, agreement.gwet):
        assert measure([]) is None  # type: ignore[operator]
    assert agreement.krippendorff([("a",), ("b",)]) is None
    assert agreement.krippendorff([("a", "a")] * 5) is None  # no variation, no α
    assert agreement.cohen([("a", "a")] * 5) is None
    assert agreement.gwet([("a", "a")] * 5, categories=3) == 1


def test_an_interval_holds_the_value_and_is_the_same_each_time() -> None:
    first = agreement.estimate(ABSTRACTORS, agreement.krippendorff)
    assert first == agreement.estimate(ABSTRACTORS, agreement.krippendorff)
    assert first.low is not None and first.high is not None and first.value is not None
    assert 0.6 < first.low < first.value < first.high < 0.95


@pytest.mark.parametrize(
    ("found", "sampled", "bound"),
    [(0, 598, 0.005), (0, 59, 0.0495), (1, 10, 0.3942), (3, 100, 0.0757), (5, 5, 1.0), (0, 0, 1.0)]
)  # fmt: skip
def test_the_upper_bound_is_exact(found: int, sampled: int, bound: float) -> None:
    assert agreement.upper_bound(found, sampled) == pytest.approx(bound, abs=6e-5)
    if 0 < sampled > found:
        assert agreement._at_most(found, sampled, agreement.upper_bound(found, sampled)) == pytest.approx(
            0.05, abs=1e-9
        )


def test_598_is_the_smallest_clean_sample_that_bounds_half_a_percent() -> None:
    assert agreement.upper_bound(0, 598) <= 0.005 < agreement.upper_bound(0, 597)
