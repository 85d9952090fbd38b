"""When a host may be asked next: one request at a time, and never sooner than rules, answers and night allow.

Pure: it takes the time as an argument and sleeps nowhere, so a year of it can be simulated. Times are seconds since the
epoch, UTC; nights and days are those of the host's country. Everything it must not forget is in `HostState`.
"""

from __future__ import annotations

import email.utils
import math
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
WALLS = ("blocked", "login", "rate_limited")
TROUBLES = ("rate_limited", "server_error", "no_answer", "bad_certificate")
WALLS_IN_A_ROW = 5  # then the host has said no
HOUR, DAY = 3600.0, 86400.0
PAUSES = (HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY)  # after each further « no »
FORGIVEN_AFTER = 200  # good answers in a row after which an old « no » no longer counts
SLOWEST = 600.0  # seconds: the longest pause that trouble alone brings about
UNTOLD_REST = 60.0  # seconds of rest after a 429 that names none
MOST_REST = 400 * DAY  # a Retry-After beyond it is a slip of the pen


@dataclass(frozen=True)
class Manners:
    """The rules for one host. `delay` in seconds; `night` the local hours in which it may be asked, None for any;
    `daily_budget` requests a local day, None for any number; `adaptive` False leaves the delay as it is.
    """

    delay: float
    night: tuple[time, time] | None = None
    daily_budget: int | None = None
    adaptive: bool = True
    zone: ZoneInfo = PARIS

    def __post_init__(self) -> None:
        if not (math.isfinite(self.delay) and self.delay >= 0):
            raise ValueError(f"a delay of {self.delay} s is none")
        if self.daily_budget is not None and self.daily_budget < 1:
            raise ValueError("a daily budget is at least one request")


@dataclass
class HostState:
    """What must survive the run: when the host was asked, how slow it is, how long it rests and why."""

    last_sent: float | None = None
    busy: bool = False
    delay: float = 0.0  # today's own pause; the rules set its floor
    crawl_delay: float = 0.0  # from robots.txt
    latency: float = 0.0  # seconds an answer takes, smoothed
    rest_until: float = 0.0
    rest_reason: str = ""
    walls: int = 0  # in a row
    pauses: int = 0  # how often it said no
    good: int = 0  # good answers since
    day: str = ""
    day_count: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the ledger; a request under way is not carried over, its moment is."""
        return {**asdict(self), "busy": False}

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> HostState:
        """Back from the ledger; unknown keys of another version are left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{key: part for key, part in value.items() if key in known})


class Host:
    """One host: may it be asked now, and what does each answer change."""

    def __init__(self, manners: Manners, state: HostState | None = None) -> None:
        """Go on from a state that was kept, or begin afresh."""
        self.manners = manners
        self.state = state or HostState()

    @property
    def floor(self) -> float:
        """The pause in seconds that nothing shortens."""
        return max(self.manners.delay, self.state.crawl_delay)

    def earliest(self, now: float) -> tuple[float, str]:
        """The first moment, not before `now`, at which the host may be asked, and what it waits for.

        While a request is under way the moment is infinity.
        """
        state = self.state
        if state.busy:
            return math.inf, "a request is under way"
        moment, reason = now, ""
        if state.last_sent is not None:
            spaced = state.last_sent + max(self.floor, state.delay)
            if spaced > moment:
                moment, reason = spaced, "pause between two requests"
        if state.rest_until > moment:
            moment, reason = state.rest_until, state.rest_reason
        later = self._in_budget(moment)
        if later > moment:
            moment, reason = later, "the day's budget is used up"
        later = self._at_night(moment)
        if later > moment:
            moment, reason = later, "outside its hours"
        return moment, reason

    def sent(self, now: float) -> None:
        """A request leaves. Raises `ValueError` when it may not: the caller did not ask `earliest`."""
        moment, reason = self.earliest(now)
        if moment > now:
            raise ValueError(f"asked {moment - now:.3f} s too early: {reason}")
        today = self._day(now)
        if self.state.day != today:
            self.state.day, self.state.day_count = today, 0
        self.state.day_count += 1
        self.state.last_sent = now
        self.state.busy = True

    def answered(self, now: float, outcome: str, seconds: float, asked_rest: float = 0.0) -> str:
        """An answer, or its failure, came after `seconds`; `asked_rest` is the Retry-After in seconds.

        Returns the reason when this answer makes the host rest because it said no, else "".
        """
        state = self.state
        state.busy = False
        if asked_rest > 0 and outcome in TROUBLES:
            self.rest(now, asked_rest, "it asked to wait (Retry-After)")
        elif outcome == "rate_limited" and self.manners.adaptive:
            self.rest(now, max(UNTOLD_REST, 2 * state.delay), "it asked to slow down")
        self._adapt(outcome, seconds)
        if outcome in ("robots", "redirect"):
            return ""
        if outcome not in WALLS:
            state.walls = 0
            state.good += 1
            if state.good >= FORGIVEN_AFTER:
                state.pauses = 0
            return ""
        state.walls += 1
        if state.walls < WALLS_IN_A_ROW:
            return ""
        return self.refuse(now, f"{state.walls} walls in a row, the last: {outcome}")

    def refuse(self, now: float, reason: str) -> str:
        """The host said no: it rests, longer each time. Returns the reason."""
        state = self.state
        self.rest(now, PAUSES[min(state.pauses, len(PAUSES) - 1)], reason)
        state.pauses += 1
        state.walls = state.good = 0
        return reason

    def rest(self, now: float, seconds: float, reason: str) -> None:
        """Ask nothing for that long; a shorter rest never ends a longer one."""
        until = now + min(seconds, MOST_REST)
        if until > self.state.rest_until:
            self.state.rest_until, self.state.rest_reason = until, reason

    def learn_crawl_delay(self, seconds: float) -> None:
        """Take the Crawl-delay of today's robots.txt, whatever its length; 0 when it asks for none."""
        self.state.crawl_delay = seconds

    def _adapt(self, outcome: str, seconds: float) -> None:
        """Slower when it struggles, back towards the floor as it recovers; never below the floor."""
        state = self.state
        if not self.manners.adaptive:
            state.delay = 0.0
            return
        if outcome in TROUBLES:
            state.delay = min(max(2 * max(state.delay, self.floor), 1.0), max(SLOWEST, self.floor))
            return
        state.latency = seconds if not state.latency else 0.7 * state.latency + 0.3 * seconds
        state.delay = min(max(self.floor, state.latency, 0.9 * state.delay), max(SLOWEST, self.floor))

    def _day(self, moment: float) -> str:
        return datetime.fromtimestamp(moment, self.manners.zone).date().isoformat()

    def _in_budget(self, moment: float) -> float:
        """`moment`, or the next local midnight when that day's requests are used up."""
        budget = self.manners.daily_budget
        if budget is None or self.state.day != self._day(moment) or self.state.day_count < budget:
            return moment
        tomorrow = date.fromisoformat(self.state.day) + timedelta(days=1)
        return datetime.combine(tomorrow, time(), self.manners.zone).timestamp()

    def _at_night(self, moment: float) -> float:
        """`moment` when it lies within the hours, else the next opening."""
        if self.manners.night is None:
            return moment
        opens, closes = self.manners.night
        local = datetime.fromtimestamp(moment, self.manners.zone)
        clock = local.time()
        within = opens <= clock < closes if opens <= closes else clock >= opens or clock < closes
        if within or opens == closes:
            return moment
        for ahead in range(3):
            opening = datetime.combine(local.date() + timedelta(days=ahead), opens, self.manners.zone).timestamp()
            if opening > moment:
                return opening
        return moment + DAY


def retry_after(value: str, now: datetime) -> float:
    """Seconds a `Retry-After` header asks for, from its number or its date; 0 when it says nothing readable."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
