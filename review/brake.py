"""Slow down guessing, in the ledger, so that every process of the desk counts the same tries. It knows no password.

A try is written down before it is judged: of many guesses sent at once, only as many as the limit are looked at.
Known and unknown logins are counted alike, so that the brake does not tell them apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from ledger import Ledger
from ledger.desk import Attempt

WINDOW = timedelta(minutes=15)  # older tries are forgotten
TRIES_HERE = 5  # for one login from one address
TRIES_LOGIN = 25  # for one login from anywhere
TRIES_ADDRESS = 25  # from one address for any login
TRIES_CODE = 5  # codes of the second factor for one person

Limit = tuple[str, int]  # a hashed key and how many tries it allows


def sign_in_limits(login: str, address: str) -> tuple[Limit, ...]:
    """The limits on signing in: the first is forgotten once the person has shown who they are."""
    login = login.strip().casefold()
    return (
        (_key("here", login, address), TRIES_HERE),
        (_key("login", login), TRIES_LOGIN),
        (_key("address", address), TRIES_ADDRESS),
    )


def code_limits(reviewer_id: int) -> tuple[Limit, ...]:
    """The limit on codes of the second factor."""
    return ((_key("code", str(reviewer_id)), TRIES_CODE),)


def door_limits(door: str, address: str) -> tuple[Limit, ...]:
    """The limit on a door without a login: invitation links, feed keys."""
    return ((_key(door, address), TRIES_ADDRESS),)


@dataclass(frozen=True)
class Try:
    """One try that was written down: how many seconds it must wait (0: it may be judged now), and its rows."""

    wait: int
    rows: tuple[int, ...]


def take(ledger: Ledger, limits: Iterable[Limit], now: datetime | None = None) -> Try:
    """Write down one try and say whether it may be judged.

    A try that must wait is taken back, so that insisting does not lengthen the wait.
    """
    now = now or datetime.now(UTC)
    horizon = now - WINDOW
    with ledger.session() as session:
        session.execute(delete(Attempt).where(Attempt.at <= horizon))
        rows = [Attempt(key=key, at=now) for key, _ in limits]
        session.add_all(rows)
        session.flush()
    with ledger.session() as session:
        wait = max(_wait(session, key, limit, horizon, now) for key, limit in limits)
        made = Try(wait, tuple(row.id for row in rows))
        if wait:
            session.execute(delete(Attempt).where(Attempt.id.in_(made.rows)))
    return made


def forget(session: Session, limits: Iterable[Limit], made: Try) -> None:
    """The person has shown who they are: this try, and all under the first limit, no longer count."""
    first = next(iter(limits))[0]
    session.execute(delete(Attempt).where(or_(Attempt.key == first, Attempt.id.in_(made.rows))))


def _wait(session: Session, key: str, limit: int, horizon: datetime, now: datetime) -> int:
    tries = Attempt.key == key, Attempt.at > horizon
    count = session.scalar(select(func.count()).where(*tries)) or 0
    if count <= limit:
        return 0
    oldest = session.scalar(select(func.min(Attempt.at)).where(*tries)) or now
    return max(1, int((oldest + WINDOW - now).total_seconds()) + 1)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
