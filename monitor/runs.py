"""The reports of runs: a line each, one in full, a plot of them. It judges nothing: `crawler.watching` did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from sqlalchemy import select

from ledger import Ledger
from ledger.events import record
from ledger.frontier import RunReport
from reference.errors import VigieError

WIDTH, ROW, LEFT = 720, 120, 60  # of the plot, in pixels
SERIES = (("pages", "#1f6feb"), ("listings", "#2da44e"), ("walls", "#cf222e"))
BARS = "▁▂▃▄▅▆▇█"


class NoSuchRun(VigieError):
    """There is no report of that run."""


@dataclass(frozen=True)
class Report:
    """One run as the watchmen saw it."""

    run: int
    platform: str
    made_at: datetime
    figures: dict[str, Any]
    alarms: tuple[str, ...]
    state: str  # clean | alarm | held | released
    trend: str = ""  # listings of this platform's runs up to this one

    def count(self, name: str) -> int:
        """Pages, listings or walls of the run."""
        outcomes = self.figures.get("outcomes", {})
        if name == "pages":
            return int(outcomes.get("page", 0))
        if name == "walls":
            return sum(int(outcomes.get(one, 0)) for one in ("blocked", "login", "consent", "rate_limited"))
        return int(self.figures.get("listings", 0))

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "run": self.run,
            "platform": self.platform,
            "made_at": self.made_at.isoformat(),
            "state": self.state,
            "alarms": list(self.alarms),
            "figures": self.figures,
        }

    def line(self) -> str:
        """For people, one line."""
        counts = " ".join(f"{name} {self.count(name)}" for name, _ in SERIES)
        alarms = f"  {'; '.join(self.alarms)}" if self.alarms else ""
        return (
            f"{self.run}\t{self.made_at:%Y-%m-%d %H:%M}\t{self.platform}\t{self.state}\t{counts}\t{self.trend}{alarms}"
        )


def reports(ledger: Ledger, platform: str | None = None) -> list[Report]:
    """Every run that was watched, oldest first."""
    query = select(RunReport).order_by(RunReport.id)
    if platform:
        query = query.where(RunReport.platform == platform)
    found: list[Report] = []
    listings: dict[str, list[int]] = {}
    with ledger.session() as session:
        for row in session.scalars(query):
            held = "released" if row.released_at else "held"
            state = held if row.held else "alarm" if row.alarms else "clean"
            past = listings.setdefault(row.platform, [])
            past.append(int(row.figures.get("listings", 0)))
            found.append(
                Report(row.crawl_id, row.platform, row.made_at, row.figures, tuple(row.alarms), state, _bars(past))
            )
    return found


def _bars(values: list[int]) -> str:
    """The last twelve values as a plot of one line."""
    last = values[-12:]
    most = max(last) or 1
    return "".join(BARS[min(len(BARS) - 1, value * len(BARS) // (most + 1))] for value in last)


def release_run(ledger: Ledger, run: int) -> None:
    """Let the passages of a held run be read: a person has looked. Raises `NoSuchRun`."""
    with ledger.session() as session:
        row = session.scalars(select(RunReport).where(RunReport.crawl_id == run)).first()
        if row is None:
            raise NoSuchRun(f"run {run}: there is no report of it")
        row.released_at = datetime.now(UTC)
        record(session, "run_released", "crawl", run, "operator")


def _one(found: list[Report], run: int) -> Report:
    for one in found:
        if one.run == run:
            return one
    raise NoSuchRun(f"run {run}: there is no report of it")


def whole(found: list[Report], run: int) -> dict[str, Any]:
    """One run in full, for machines. Raises `NoSuchRun`."""
    return _one(found, run).as_json()


def lines(found: list[Report], run: int) -> list[tuple[str, str]]:
    """One run in full, as rows of a table. Raises `NoSuchRun`."""
    one = _one(found, run)
    figures = [(name, str(value)) for name, value in one.figures.items() if value not in ({}, [], "")]
    return [("platform", one.platform), ("state", one.state), *(("alarm", text) for text in one.alarms), *figures]


def svg(found: list[Report]) -> str:
    """Pages, listings and walls of each run, a band a platform; a run with an alarm has a red mark."""
    platforms = sorted({one.platform for one in found})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{ROW * max(1, len(platforms)) + 20}" '
        'font-family="sans-serif" font-size="11">'
    ]
    for number, platform in enumerate(platforms):
        parts += _band([one for one in found if one.platform == platform], platform, number * ROW + 20)
    return "\n".join([*parts, "</svg>", ""])


def _band(mine: list[Report], platform: str, top: int) -> list[str]:
    most = max((one.count(name) for one in mine for name, _ in SERIES), default=0) or 1
    step = (WIDTH - LEFT - 20) / max(1, len(mine) - 1)

    def place(index: int, value: int) -> str:
        return f"{LEFT + index * step:.1f},{top + (ROW - 40) * (1 - value / most):.1f}"

    parts = [f'<text x="4" y="{top}">{escape(platform)}</text>', f'<text x="4" y="{top + 14}">max {most}</text>']
    for name, colour in SERIES:
        points = " ".join(place(index, one.count(name)) for index, one in enumerate(mine))
        parts.append(f'<polyline fill="none" stroke="{colour}" points="{points}"><title>{name}</title></polyline>')
    for index, one in enumerate(mine):
        if one.alarms:
            x, y = place(index, one.count("listings")).split(",")
            title = escape(f"run {one.run}: " + "; ".join(one.alarms))
            parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#cf222e"><title>{title}</title></circle>')
    return parts
