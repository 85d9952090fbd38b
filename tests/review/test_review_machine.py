"""Nothing betrays another's decision: two desks live one story but for what others decide, and one person sees both.

The observer of both desks must read the same bytes, by every route, as long as their own vote is not given.
`python -m benchmarks.blindness` runs 10,000 such stories; here is a sample.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blindness_machine import Twins, story
from hypothesis import HealthCheck, Phase, given, settings

from review.standing import Standing


@pytest.fixture(scope="module")
def twins() -> Iterator[Twins]:
    with Twins(whole=True) as made:
        yield made


@settings(
    max_examples=3,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(acts=story())
def test_no_story_betrays_a_decision(twins: Twins, acts: list[tuple[str, int, int]]) -> None:
    twins.play(acts)


def test_the_machine_sees_what_is_betrayed(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this, the stories could pass because nothing differs, or because nobody looks."""
    monkeypatch.setattr(Standing, "sees_verdicts", property(lambda _: True))
    with pytest.raises(AssertionError):
        twins.play([("vote", 0, 0), ("vote", 0, 1), ("settle", 0, 0)])
