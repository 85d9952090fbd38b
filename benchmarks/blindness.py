"""10,000 random stories of the desk over all roles and routes: does anything betray another's decision?

`python -m benchmarks.blindness [STORIES]`. Each story is lived by two desks that differ in what others decide; one
person who has not voted reads both by every route and must read the same bytes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "review"))


def main(stories: int = 10_000) -> None:
    """Run that many stories; a leak raises with the shortest story that shows it."""
    from blindness_machine import Twins, story

    told = 0

    @settings(
        max_examples=stories,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(acts=story())
    def one(acts: list[tuple[str, int, int]]) -> None:
        nonlocal told
        told += 1
        with Twins() as twins:
            twins.play(acts)

    began = time.monotonic()
    one()
    print(f"blindness: {told} stories in {time.monotonic() - began:.0f} s, nothing betrayed")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
