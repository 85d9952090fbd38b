"""Nothing betrays another's decision: two desks live one story but for what others decide, and one person sees both.

The observer of both desks must read the same bytes, by every route, as long as their own vote is not given.
`python -m benchmarks.blindness` runs 10,000 such stories; here is a sample.
"""

from __future__ import annotations

from blindness_machine import Twins, story
from hypothesis import HealthCheck, Phase, given, settings


@settings(
    max_examples=3,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(acts=story())
def test_no_story_betrays_a_decision(acts: list[tuple[str, int, int]]) -> None:
    with Twins() as twins:
        twins.play(acts)
