"""Sessions, kept in the ledger, and the tokens of forms: who is at the door. It knows no page and checks no password.

The cookie holds 256 random bits and nothing else; the ledger holds their hash. So a session can be listed, ended from
elsewhere, and shared by several processes, and a stolen copy of the ledger opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ledger.desk import DeskSession
from ledger.models import Reviewer

LONGEST = timedelta(hours=8)  # one working day; then the person signs in again
IDLE = timedelta(hours=1)  # without a request
NOTED_EVERY = timedelta(minutes=1)  # how finely the last request is noted: a write on each would cost a disk sync
SHORTEST_SECRET = 32  # bytes


class Gate:
    """What is derived from the desk's secret. One under 32 bytes raises `ValueError`."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"the desk's secret needs at least {SHORTEST_SECRET} bytes")
        self._key = secret
        self._box = Fernet(base64.urlsafe_b64encode(self._digest("second factor")))

    def csrf(self, token: str) -> str:
        """The token that each form of that session carries."""
        return self._mac("csrf", token)

    def csrf_fits(self, token: str, sent: str) -> bool:
        """Compare in constant time."""
        return bool(token) and self.csrf_fits_token(self.csrf(token), sent)

    @staticmethod
    def csrf_fits_token(expected: str, sent: str) -> bool:
        """Compare a form's token with the one its session was given, in constant time."""
        return hmac.compare_digest(expected.encode(), sent.encode("utf-8", "replace"))

    def lock(self, text: str) -> str:
        """`text` as it may stand in the ledger: readable with the desk's key alone."""
        return self._box.encrypt(text.encode()).decode()

    def unlock(self, kept: str) -> str | None:
        """What was locked, or None when it was locked with another key."""
        try:
            return self._box.decrypt(kept.encode()).decode()
        except InvalidToken:
            return None

    def draw(self, purpose: str) -> float:
        """A number in [0, 1) that nobody without the key can foresee, the same each time for the same purpose."""
        return int.from_bytes(self._digest(f"draw\0{purpose}")[:7], "big") / 2**56

    def _mac(self, purpose: str, value: str) -> str:
        return hmac.new(self._key, f"vigie.review.{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()

    def _digest(self, purpose: str) -> bytes:
        return hmac.new(self._key, f"vigie.review.{purpose}".encode(), hashlib.sha256).digest()


def token_hash(token: str) -> str:
    """The hash under which a token stands in the ledger; 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def new_token() -> str:
    """256 random bits, fit for a cookie or an address."""
    return secrets.token_urlsafe(32)


def open_session(session: Session, person: Reviewer, *, factor: bool, address: str = "", agent: str = "") -> str:
    """Open a session and give its token; `factor` says whether the second factor was shown or is not asked for."""
    token, now = new_token(), datetime.now(UTC)
    session.add(
        DeskSession(
            token_sha256=token_hash(token),
            reviewer_id=person.id,
            opened_at=now,
            seen_at=now,
            expires_at=now + LONGEST,
            factor_at=now if factor else None,
            address=address[:45],
            agent=agent[:120],
        )
    )
    session.flush()
    return token


def read_session(session: Session, token: str, now: datetime) -> tuple[DeskSession, Reviewer] | None:
    """The session of that token and its person, disabled or not; None when it is unknown, ended or too old."""
    if not token:
        return None
    row = session.execute(
        select(DeskSession, Reviewer)
        .join(Reviewer, Reviewer.id == DeskSession.reviewer_id)
        .where(DeskSession.token_sha256 == token_hash(token))
    ).one_or_none()
    if row is None:
        return None
    held, person = row
    if held.ended_at is not None or held.expires_at <= now or held.seen_at + IDLE <= now:
        return None
    return held, person


def note_seen(session: Session, held: DeskSession, now: datetime) -> None:
    """Remember that the session is in use, at most once a minute."""
    if held.seen_at + NOTED_EVERY <= now:
        session.execute(update(DeskSession).where(DeskSession.id == held.id).values(seen_at=now))


def live_sessions(session: Session, reviewer_id: int, now: datetime) -> list[DeskSession]:
    """The sessions of one person that still open the desk, newest first."""
    return list(
        session.scalars(
            select(DeskSession)
            .where(
                DeskSession.reviewer_id == reviewer_id,
                DeskSession.ended_at.is_(None),
                DeskSession.expires_at > now,
                DeskSession.seen_at > now - IDLE,
            )
            .order_by(DeskSession.opened_at.desc())
        )
    )


def end_sessions(session: Session, reviewer_id: int, *, only: int | None = None, but: int | None = None) -> int:
    """End that person's sessions: all, `only` one, or all `but` one. Gives how many were ended."""
    query = update(DeskSession).where(DeskSession.reviewer_id == reviewer_id, DeskSession.ended_at.is_(None))
    if only is not None:
        query = query.where(DeskSession.id == only)
    if but is not None:
        query = query.where(DeskSession.id != but)
    return len(session.execute(query.values(ended_at=datetime.now(UTC)).returning(DeskSession.id)).all())
