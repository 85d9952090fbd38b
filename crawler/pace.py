"""The pace of one run: a policy per host, its state kept in the ledger, its rules from reference and configuration.

It knows no page. On PostgreSQL a host belongs to one run at a time, whatever machine it is on: the server holds the
lock and lets go of it when the run dies.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from crawler.frontier import host_of
from crawler.politeness import Host, HostState, Manners
from ledger import Ledger
from ledger.frontier import HostPace, keep_pace

WRITTEN_FROM = 0.5  # seconds of pause from which each request is written down before it leaves
ELSEWHERE_REST = 60.0  # seconds until a host that another run is asking is looked at again


@dataclass(frozen=True)
class Agreement:
    """What a host's owner agreed to in writing: its own pace, and the key that says who asks.

    `header` and `key` name the request header and its value; the key is kept out of all evidence. `reference` says
    which writing this rests on.
    """

    host: str
    reference: str
    delay_seconds: float
    daily_budget: int | None = None
    any_hour: bool = False
    header: str = ""
    key: str = ""


class Pace:
    """The hosts of one run."""

    def __init__(
        self,
        ledger: Ledger,
        usual: Manners,
        named: Mapping[str, Manners],
        agreements: tuple[Agreement, ...] = (),
    ) -> None:
        """`usual` for any host, `named` for hosts (names without port) with rules of their own."""
        self.ledger, self.usual = ledger, usual
        self.agreements = {one.host.lower(): one for one in agreements}
        self.named = {**{host: self._agreed(one) for host, one in self.agreements.items()}, **named}
        self.hosts: dict[str, Host] = {}
        self.handed: set[str] = set()  # hosts with an address on its way to the gate
        self._locks: Any = None

    def _agreed(self, one: Agreement) -> Manners:
        return Manners(one.delay_seconds, None if one.any_hour else self.usual.night, one.daily_budget)

    def is_shortened(self, name: str) -> bool:
        """True for a host that the operator named with a pause of its own: its Crawl-delay does not count."""
        return name in self.named and not self.named[name].adaptive

    def host(self, name: str) -> Host:
        """The host's policy, as it was left by whoever asked it last."""
        if name not in self.hosts:
            with self.ledger.session() as session:
                kept = session.get(HostPace, name)
                state = HostState.of_json(kept.state) if kept else None
            self.hosts[name] = Host(self.named.get(name, self.usual), state)
            if not self._lock(name):
                self.hosts[name].rest(time.time(), ELSEWHERE_REST, "another run is asking this host")
                del self.hosts[name]
                return _elsewhere(self.named.get(name, self.usual), state)
        return self.hosts[name]

    def earliest(self, name: str, now: float) -> float:
        """The first moment, not before `now`, at which the scheduler may hand out an address of this host."""
        if name in self.handed:
            return float("inf")
        return self.host(name).earliest(now)[0]

    def sent(self, name: str) -> None:
        """A request leaves; written down first, so that a crash does not forget it."""
        host = self.host(name)
        host.sent(time.time())
        self.handed.discard(name)
        if max(host.floor, host.state.delay) >= WRITTEN_FROM:
            with self.ledger.session() as session:
                self.save(session, name)

    def answered(self, name: str, outcome: str, seconds: float, asked_rest: float) -> str:
        """An answer came; the reason when the host said no with it."""
        return self.host(name).answered(time.time(), outcome, seconds, asked_rest)

    def save(self, session: Session, name: str) -> None:
        """Write the host's state down, within the caller's transaction."""
        keep_pace(session, name, self.host(name).state.as_json(), datetime.now(UTC))

    def key_header(self, url: str) -> tuple[str, str] | None:
        """The header that an agreement asks for on this address, if any. Only over TLS: a key is not shown in clear."""
        one = self.agreements.get(host_of(url))
        if one is None or not one.header or not url.startswith("https:"):
            return None
        return one.header, one.key

    def resting(self) -> dict[str, tuple[float, str]]:
        """Hosts that wait for longer than a usual pause: until when, and why."""
        now = time.time()
        found = {}
        for name, host in self.hosts.items():
            moment, reason = host.earliest(now)
            if now + max(host.floor, host.state.delay) < moment < float("inf"):
                found[name] = (moment, reason)
        return found

    def _lock(self, name: str) -> bool:
        """Take the host for this run; True on SQLite, where the home itself is locked."""
        if self.ledger.engine.dialect.name != "postgresql":
            return True
        if self._locks is None:
            self._locks = self.ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return bool(self._locks.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": lock_key(f"host:{name}")}))

    def close(self) -> None:
        """Write all states down and let go of the hosts."""
        with self.ledger.session() as session:
            for name in self.hosts:
                self.save(session, name)
        if self._locks is not None:
            self._locks.execute(text("SELECT pg_advisory_unlock_all()"))
            self._locks.close()


def _elsewhere(manners: Manners, state: HostState | None) -> Host:
    """A host that another run is asking: it rests for us, and its state is not ours to write."""
    host = Host(manners, state)
    host.rest(time.time(), ELSEWHERE_REST, "another run is asking this host")
    return host


def lock_key(name: str) -> int:
    """The number of a PostgreSQL advisory lock for that name."""
    return int.from_bytes(hashlib.sha256(f"vigie:{name}".encode()).digest()[:8], "big", signed=True)


def name_of(place: str) -> str:
    """The host of `host:port`."""
    return host_of(f"http://{place}") or place
