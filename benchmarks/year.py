"""A simulated year of a platform: how long until a new mention is seen, with revisits that adapt and on a flat week.

Simulated clock, no network: the same requests a day for both, one host, half a request a second in its nightly hours.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from statistics import mean, median

from crawler.revisits import DAY, Cycle, interval

CYCLE = Cycle(7.0, 2.0, 21.0)


@dataclass(frozen=True)
class Year:
    """What came of a year: visits made, and days until each new mention was seen."""

    visits: int
    delays: tuple[float, ...]

    def __str__(self) -> str:
        late = sorted(self.delays)[int(0.9 * len(self.delays))]
        return (
            f"{self.visits:,} visits, {len(self.delays):,} new mentions; "
            f"median {median(self.delays):.2f} days, mean {mean(self.delays):.2f}, nine in ten within {late:.1f}"
        )


def changes_of(listings: int, seed: int) -> list[list[float]]:
    """The moments (seconds) at which each listing changes in three years; a few change weekly, most hardly ever."""
    rng = random.Random(seed)
    found = []
    for _ in range(listings):
        kind = rng.random()
        rate = 26.0 if kind < 0.05 else 6.0 if kind < 0.25 else 0.5  # changes a year
        moment, moments = 0.0, []
        while (moment := moment + rng.expovariate(rate / (365 * DAY))) < 3 * 365 * DAY:
            moments.append(moment)
        found.append(moments)
    return found


def simulate(changes: list[list[float]], per_day: float, *, adapt: bool, seed: int) -> Year:
    """Visit what is longest overdue, `per_day` visits a day; a year of learning, then the year that is measured."""
    rng = random.Random(seed)
    spacing = DAY / per_day
    queue = [(rng.uniform(0, 7 * DAY), number) for number in range(len(changes))]
    heapq.heapify(queue)
    seen, count = [0] * len(changes), [0] * len(changes)
    delays: list[float] = []
    now, visits = 0.0, 0
    while now < 2 * 365 * DAY:
        due, number = heapq.heappop(queue)
        now = max(now + spacing, due)
        visits += now >= 365 * DAY
        moments = changes[number]
        before = seen[number]
        while seen[number] < len(moments) and moments[seen[number]] <= now:
            if moments[seen[number]] >= 365 * DAY:
                delays.append((now - moments[seen[number]]) / DAY)
            seen[number] += 1
        count[number] += seen[number] > before
        wait = interval(CYCLE, count[number], now) if adapt else 7 * DAY
        heapq.heappush(queue, (now + wait, number))
    return Year(visits, tuple(delays))


def main() -> None:
    """150,000 listings at half a request a second, twelve hours a night: 21,600 visits a day."""
    changes = changes_of(150_000, seed=11)
    per_day = 0.5 * 12 * 3600
    print(f"flat week   {simulate(changes, per_day, adapt=False, seed=1)}")
    print(f"adapting    {simulate(changes, per_day, adapt=True, seed=1)}")


if __name__ == "__main__":
    main()
