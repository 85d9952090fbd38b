"""A simulated year of a platform: how long until a new mention is seen, with revisits that adapt and on a flat week.

Simulated clock, no network: the same requests a day for both, one host, half a request a second in its nightly hours.
`python -m benchmarks.year [--listings N] [--plot FILE]`: fewer listings are asked for at a rate that is as much lower.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from crawler.revisits import DAY, Cycle, interval

CYCLE = Cycle(7.0, 2.0, 21.0)
LISTINGS = 150_000
PER_DAY = 0.5 * 12 * 3600  # half a request a second, twelve hours a night
KINDS = ((0.05, 26.0, "26 a year"), (0.25, 6.0, "6 a year"), (1.0, 0.5, "one in two years"))  # up to that share


@dataclass(frozen=True)
class Year:
    """What came of a year: visits made, days until each new mention was seen, and the same by kind of page."""

    visits: int
    delays: tuple[float, ...]
    by_kind: tuple[tuple[float, ...], ...] = ()

    def __str__(self) -> str:
        late = sorted(self.delays)[int(0.9 * len(self.delays))]
        return (
            f"{self.visits:,} visits, {len(self.delays):,} new mentions; "
            f"median {median(self.delays):.2f} days, mean {mean(self.delays):.2f}, nine in ten within {late:.1f}"
        )


def kind_of(share: float) -> int:
    """The kind of page (place in `KINDS`) for a number between 0 and 1."""
    return next(number for number, (up_to, _, _) in enumerate(KINDS) if share < up_to)


def changes_of(listings: int, seed: int) -> list[list[float]]:
    """The moments (seconds) at which each listing changes in three years; a few change weekly, most hardly ever."""
    return [moments for _, moments in pages_of(listings, seed)]


def pages_of(listings: int, seed: int) -> list[tuple[int, list[float]]]:
    """The kind of each listing, and the moments (seconds) at which it changes in three years."""
    rng = random.Random(seed)
    found = []
    for _ in range(listings):
        kind = kind_of(rng.random())
        moment, moments = 0.0, []
        while (moment := moment + rng.expovariate(KINDS[kind][1] / (365 * DAY))) < 3 * 365 * DAY:
            moments.append(moment)
        found.append((kind, moments))
    return found


def simulate(
    changes: list[list[float]], per_day: float, *, adapt: bool, seed: int, kinds: list[int] | None = None
) -> Year:
    """Visit what is longest overdue, `per_day` visits a day; a year of learning, then the year that is measured."""
    rng = random.Random(seed)
    spacing = DAY / per_day
    queue = [(rng.uniform(0, 7 * DAY), number) for number in range(len(changes))]
    heapq.heapify(queue)
    seen, count = [0] * len(changes), [0] * len(changes)
    delays: list[list[float]] = [[] for _ in KINDS]
    now, visits = 0.0, 0
    while now < 2 * 365 * DAY:
        due, number = queue[0]
        now = max(now + spacing, due)
        visits += now >= 365 * DAY
        moments = changes[number]
        before = seen[number]
        while seen[number] < len(moments) and moments[seen[number]] <= now:
            if moments[seen[number]] >= 365 * DAY:
                delays[kinds[number] if kinds else 0].append((now - moments[seen[number]]) / DAY)
            seen[number] += 1
        count[number] += seen[number] > before
        wait = interval(CYCLE, count[number], now) if adapt else 7 * DAY
        heapq.heapreplace(queue, (now + wait, number))
    return Year(visits, tuple(one for part in delays for one in part), tuple(map(tuple, delays)))


def plot(years: dict[str, Year]) -> str:
    """An SVG: the share of new mentions seen within so many days, a line for each way."""
    wide, high, most = 640, 320, 21.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide + 80} {high + 70}" font-family="sans-serif" '
        'font-size="13"><title>Share of new mentions seen within so many days</title>'
        f'<rect width="{wide + 80}" height="{high + 70}" fill="#fff"/>'
    ]
    for days in range(0, 22, 3):
        x = 50 + wide * days / most
        parts.append(
            f'<path d="M{x:.0f} 20V{high + 20}" stroke="#ddd"/><text x="{x - 5:.0f}" y="{high + 38}">{days}</text>'
        )
    for share in range(0, 101, 25):
        y = 20 + high * (1 - share / 100)
        parts.append(f'<path d="M50 {y:.0f}H{wide + 50}" stroke="#ddd"/><text x="8" y="{y + 4:.0f}">{share} %</text>')
    for (name, year), colour, dash in zip(years.items(), ("#888", "#0b5"), ("6 4", ""), strict=True):
        delays = sorted(year.delays)
        points = " ".join(
            f"{50 + wide * d / most / 4:.1f},{20 + high * (1 - bisect_right(delays, d / 4) / len(delays)):.1f}"
            for d in range(int(most * 4) + 1)
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="3" stroke-dasharray="{dash}"/>'
        )
        y = high - 40 + 20 * (not dash)
        parts.append(f'<path d="M420 {y - 5}h40" stroke="{colour}" stroke-width="3" stroke-dasharray="{dash}"/>')
        parts.append(f'<text x="470" y="{y}">{name}, median {median(delays):.2f} days</text>')
    parts.append(f'<text x="{wide // 2 - 60}" y="{high + 60}">days until a new mention is seen</text></svg>\n')
    return "".join(parts)


def main() -> None:
    """150,000 listings at half a request a second, twelve hours a night: 21,600 visits a day."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.year", description=__doc__)
    parser.add_argument("--listings", type=int, default=LISTINGS)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
    pages = pages_of(given.listings, seed=11)
    kinds, changes = [kind for kind, _ in pages], [moments for _, moments in pages]
    years = {}
    for name, adapt in (("flat week", False), ("adapting", True)):
        years[name] = simulate(changes, PER_DAY * given.listings / LISTINGS, adapt=adapt, seed=1, kinds=kinds)
        print(f"{name:9}   {years[name]}")
        for (_, _, told), delays in zip(KINDS, years[name].by_kind, strict=True):
            print(f"            pages that change {told}: {len(delays):,} mentions, median {median(delays):.2f} days")
    if given.plot:
        given.plot.write_text(plot(years), "utf-8")


if __name__ == "__main__":
    main()
