"""When a page is worth asking for again, from how often it has changed. Pure arithmetic, no clock, no ledger.

The rate of change is estimated with a prior of one change a year; visits are spread in proportion to the square root of
the rates, which is what makes the mean delay until a change is seen smallest for a given number of requests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DAY = 86400.0  # seconds
PRIOR_CHANGES = 0.5
PRIOR_SECONDS = 182.0 * DAY


@dataclass(frozen=True)
class Cycle:
    """The rhythm of a platform in days: a page of ordinary change comes back after `usual`, none sooner than
    `shortest` nor later than `longest`.
    """

    usual: float = 7.0
    shortest: float = 2.0
    longest: float = 21.0

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= self.usual <= self.longest:
            raise ValueError("a cycle has 0 < shortest <= usual <= longest")


def interval(cycle: Cycle, changes: int, watched_seconds: float) -> float:
    """Seconds until the next visit of a page that changed `changes` times in `watched_seconds`."""
    usual_rate = PRIOR_CHANGES / PRIOR_SECONDS
    rate = (PRIOR_CHANGES + changes) / (PRIOR_SECONDS + max(0.0, watched_seconds))
    wanted = cycle.usual * math.sqrt(usual_rate / rate)
    return DAY * min(max(wanted, cycle.shortest), cycle.longest)


def missing(cycle: Cycle, misses: int) -> float:
    """Seconds until a page that is not there is asked for again: longer each time, up to four longest cycles."""
    return float(DAY * min(cycle.usual * 2 ** min(misses - 1, 8), 4 * cycle.longest))
