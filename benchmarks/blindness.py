"""10,000 random stories of the desk over all roles and routes: does anything betray another's decision?

`python -m benchmarks.blindness [STORIES] [SEED]`. Each story is lived by two desks that differ in what the others
decide; people who have not voted read both and must read the same bytes. Stories are shared out among the processors.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "review"))
PORTION = 250  # stories told between two lines of progress


def tell(task: tuple[int, int]) -> tuple[int, int]:
    """Tell that many stories from that seed; gives how many were told and how many addresses were read."""
    from blindness_machine import Twins, story

    number, first = task
    told = 0
    with Twins() as twins:

        @settings(
            max_examples=number,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @seed(first)
        @given(acts=story())
        def one(acts: list[tuple[str, int, int]]) -> None:
            nonlocal told
            told += 1
            twins.play(acts)

        one()
        return told, twins.asked


def main(stories: int = 10_000, first: int = 1) -> None:
    """Tell that many stories; a leak raises with the shortest story that shows it."""
    began, told, asked = time.monotonic(), 0, 0
    portions = [(min(PORTION, stories - start), first + start) for start in range(0, stories, PORTION)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for number, addresses in pool.imap_unordered(tell, portions):
            told, asked = told + number, asked + addresses
            print(f"blindness: {told} stories, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    seconds = time.monotonic() - began
    print(f"blindness: {told} stories, {asked} addresses read on two desks, in {seconds:.0f} s, nothing betrayed")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]))
