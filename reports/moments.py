"""Say an instant in French, in UTC and in Paris time. It needs no time-zone database of the machine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip


def paris(moment: datetime) -> datetime:
    """The instant on a clock of metropolitan France.

    Summer time runs from the last Sunday of March to the last Sunday of October, changing at 01:00 UTC (rule of the
    European Union since 1996; nothing older is captured).
    """
    moment = moment.astimezone(UTC)
    summer = _last_sunday(moment.year, 3) <= moment < _last_sunday(moment.year, 10)
    return moment.astimezone(timezone(timedelta(hours=2 if summer else 1)))


def _last_sunday(year: int, month: int) -> datetime:
    """01:00 UTC on the last Sunday of a month of 31 days."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def iso(moment: datetime) -> str:
    """The instant to the second, in UTC: 2026-03-02T08:15:30Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def day(value: date) -> str:
    """« 1er mars 2026 »."""
    number = "1er" if value.day == 1 else str(value.day)
    return f"{number} {MONTHS[value.month - 1]} {value.year}"


def in_paris(moment: datetime) -> str:
    """« 2 mars 2026 à 9 h 15 min 30 s »."""
    local = paris(moment)
    return f"{day(local.date())} à {local.hour} h {local.minute:02d} min {local.second:02d} s"


def short(moment: datetime) -> str:
    """« 02/03/2026 09:15:30 », Paris time, for tables."""
    return f"{paris(moment):%d/%m/%Y %H:%M:%S}"


def utc(moment: datetime) -> str:
    """« 02/03/2026 08:15:30 », UTC, for tables."""
    return f"{moment.astimezone(UTC):%d/%m/%Y %H:%M:%S}"
