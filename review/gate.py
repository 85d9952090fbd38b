"""Who is at the door: signed session cookies, CSRF tokens and the brake on sign-in attempts. It knows no page.

Nothing is stored in the database: the cookie says who and since when, signed with the desk's secret. What must be
remembered (ended sessions, failed attempts) lives in this process and in bounded memory.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

SESSION_SECONDS = 8 * 3600  # one working day; then the person signs in again
WINDOW_SECONDS = 15 * 60  # failed attempts older than this are forgotten
FAILURES_HERE = 5  # for one login from one address
FAILURES_LOGIN = 25  # for one login from anywhere
FAILURES_ADDRESS = 25  # from one address for any login
REMEMBERED = 10_000  # keys kept in memory; the oldest go first
SHORTEST_SECRET = 32  # bytes


@dataclass(frozen=True)
class Pass:
    """A valid session: whose it is, and the random name by which it can be ended."""

    reviewer_id: int
    sid: str
    fingerprint: str


class Gate:
    """Issues and reads session cookies and CSRF tokens. A secret under 32 bytes raises `ValueError`."""

    def __init__(self, secret: bytes, *, now: Callable[[], float] = time.time) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"the desk's secret needs at least {SHORTEST_SECRET} bytes")
        self._key = secret
        self._signer = URLSafeTimedSerializer(
            secret, salt="vigie.review.session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()
        self._now = now

    def open(self, reviewer_id: int, password_hash: str) -> str:
        """The cookie of a new session. It dies with the password it was opened with."""
        return str(self._signer.dumps([reviewer_id, secrets.token_urlsafe(18), self.fingerprint(password_hash)]))

    def read(self, cookie: str | None) -> Pass | None:
        """The session of that cookie, or None when it is absent, forged, expired or ended."""
        if not cookie:
            return None
        try:
            reviewer_id, sid, fingerprint = self._signer.loads(cookie, max_age=SESSION_SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        with self._lock:
            if sid in self._ended:
                return None
        return Pass(int(reviewer_id), str(sid), str(fingerprint))

    def end(self, sid: str) -> None:
        """Refuse that session from now on, even to somebody who kept the cookie."""
        with self._lock:
            self._ended[sid] = self._now()
            while self._ended and next(iter(self._ended.values())) < self._now() - SESSION_SECONDS:
                self._ended.popitem(last=False)

    def fingerprint(self, password_hash: str) -> str:
        """A short sign of a password hash: a changed password ends the sessions opened before."""
        return self._mac("password", password_hash)[:16]

    def csrf(self, sid: str) -> str:
        """The token that each form of that session carries."""
        return self._mac("csrf", sid)

    def csrf_fits(self, sid: str, token: str) -> bool:
        """Compare in constant time."""
        return bool(sid) and hmac.compare_digest(self.csrf(sid).encode(), token.encode("utf-8", "replace"))

    def _mac(self, purpose: str, value: str) -> str:
        return hmac.new(self._key, f"vigie.review.{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()


class Brake:
    """Counts failed sign-ins per login, per address and per both; says when the next attempt must wait.

    Known and unknown logins are counted alike, so that the brake does not tell them apart.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._lock = threading.Lock()
        self._now = now

    def wait(self, login: str, address: str) -> int:
        """Seconds to wait before this login may be tried again from this address; 0 when it may be tried now."""
        with self._lock:
            waits = [self._wait_of(key, limit) for key, limit in self._keys(login, address)]
        return max(waits)

    def failed(self, login: str, address: str) -> None:
        """Remember one failure."""
        with self._lock:
            for key, _ in self._keys(login, address):
                self._failures.setdefault(key, deque(maxlen=FAILURES_ADDRESS)).append(self._now())
                self._failures.move_to_end(key)
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, login: str, address: str) -> None:
        """Forget the failures of this login from this address: the person has shown who they are."""
        with self._lock:
            self._failures.pop(self._keys(login, address)[0][0], None)

    @staticmethod
    def _keys(login: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
        login = hashlib.sha256(login.strip().casefold().encode("utf-8", "replace")).hexdigest()
        return (((login, address), FAILURES_HERE), ((login, ""), FAILURES_LOGIN), (("", address), FAILURES_ADDRESS))

    def _wait_of(self, key: tuple[str, str], limit: int) -> int:
        failures = self._failures.get(key)
        if failures is None:
            return 0
        horizon = self._now() - WINDOW_SECONDS
        while failures and failures[0] <= horizon:
            failures.popleft()
        if len(failures) < limit:
            return 0
        return int(failures[-limit] - horizon) + 1
