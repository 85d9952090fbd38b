"""A million simulated requests under the policy, and a witness that knows the rules but not the policy's code."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time

from crawler.politeness import PARIS, Host, HostState, Manners

START = datetime(2026, 1, 5, 0, 0, tzinfo=PARIS).timestamp()


@dataclass
class Witness:
    """What one host was promised, and whether it was kept: written from the rules alone."""

    delay: float
    night: tuple[int, int] | None
    budget: int | None
    crawl_delay: float = 0.0
    last: float | None = None
    under_way: bool = False
    silent_until: float = 0.0
    walls: int = 0
    no: int = 0
    days: Counter[str] = field(default_factory=Counter)

    def request(self, now: float) -> list[str]:
        """The promises that a request at this moment breaks."""
        local = datetime.fromtimestamp(now, PARIS)
        broken = []
        if self.under_way:
            broken.append("two at once")
        if self.last is not None and now - self.last < max(self.delay, self.crawl_delay) - 1e-6:
            broken.append("too soon")
        if now < self.silent_until - 1e-6:
            broken.append("during its rest")
        if self.night and not (local.hour >= self.night[0] or local.hour < self.night[1]):
            broken.append("outside its hours")
        self.days[f"{local:%Y-%m-%d}"] += 1
        if self.budget and self.days[f"{local:%Y-%m-%d}"] > self.budget:
            broken.append("over its budget")
        self.last, self.under_way = now, True
        return broken

    def answer(self, now: float, outcome: str, retry: float) -> None:
        """What the answer promises for later."""
        self.under_way = False
        if outcome in ("rate_limited", "server_error"):
            self.silent_until = max(self.silent_until, now + retry)
        self.walls = self.walls + 1 if outcome in ("blocked", "login", "rate_limited") else 0
        if self.walls == 5:
            self.walls = 0
            self.silent_until = max(self.silent_until, now + 3600.0)


@dataclass
class Simulated:
    """What came of a simulation; `exercised` counts how often each rule had something to say."""

    requests: int = 0
    violations: list[str] = field(default_factory=list)
    exercised: Counter[str] = field(default_factory=Counter)
    days: float = 0.0


def _hosts(rng: random.Random, number: int) -> list[tuple[Host, Witness]]:
    hosts = []
    for _ in range(number):
        delay = rng.choice([1.0, 3.0, 5.0, 10.0])
        night = rng.choice([None, (22, 6), (20, 8)])
        budget = rng.choice([None, None, 500, 5000])
        hours = (time(night[0]), time(night[1])) if night else None
        host = Host(Manners(delay, hours, budget, adaptive=rng.random() < 0.7))
        hosts.append((host, Witness(delay, night, budget)))
    return hosts


def simulate(requests: int, seed: int, hurry: float = 0.0, hosts: int = 40) -> Simulated:
    """Ask `requests` times, each as early as the policy lets; `hurry` > 0 asks that share of a second too early.

    Runs are killed now and then: the states are written down and read again, as after a crash.
    """
    rng = random.Random(seed)
    pairs = _hosts(rng, hosts)
    queue = [(START, number) for number in range(hosts)]
    heapq.heapify(queue)
    found = Simulated()
    now = START
    while found.requests < requests:
        now, number = heapq.heappop(queue)
        host, witness = pairs[number]
        if rng.random() < 0.001:
            host.state = HostState.of_json(host.state.as_json())
        moment, reason = host.earliest(now)
        if moment > now:
            found.exercised[reason] += 1
            if hurry and rng.random() < 0.01:
                host.state.last_sent = None
                host.state.rest_until = 0.0
            else:
                heapq.heappush(queue, (moment, number))
                continue
        now += _exchange(rng, host, witness, now, found)
        heapq.heappush(queue, (now, number))
    found.days = (now - START) / 86400
    return found


def _exchange(rng: random.Random, host: Host, witness: Witness, now: float, found: Simulated) -> float:
    """One request and its answer; how many seconds it took."""
    moment, _ = host.earliest(now)
    if moment <= now:
        host.sent(now)
    found.violations += witness.request(now)
    found.requests += 1
    if rng.random() < 0.002:
        witness.crawl_delay = rng.choice([0.0, 0.5, 7.0, 30.0, 600.0, 7200.0])
        host.learn_crawl_delay(witness.crawl_delay)
    trouble = 0.9 if rng.random() < 0.001 or witness.walls else 0.02
    outcome = "page"
    if rng.random() < trouble:
        outcome = rng.choice(["blocked", "login", "rate_limited", "server_error", "no_answer", "not_found"])
    retry = rng.choice([0.0, 0.0, 2.0, 120.0, 5000.0, 90_000.0]) if outcome in ("rate_limited", "server_error") else 0.0
    seconds = rng.expovariate(2.0)
    host.answered(now + seconds, outcome, seconds, retry)
    witness.answer(now + seconds, outcome, retry)
    return seconds


def main() -> None:
    """The level of the issue: 0 violations in 1,000,000."""
    found = simulate(requests=1_000_000, seed=7, hosts=400)
    print(
        f"politeness: {len(found.violations)} violations in {found.requests:,} simulated requests "
        f"over {found.days:.0f} days; waited for: {dict(found.exercised)}"
    )


if __name__ == "__main__":
    main()
