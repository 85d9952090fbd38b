"""Who a case is about, as people confirm it: what the matcher answered, and who confirmed which person, before what.

Two different people must confirm the same register number (two keys). Both tables are insert-only: whoever thinks
better of it adds a row, the last of each person counts, and what stood on the screen each time is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.events import record
from ledger.models import Base, Case, Json, Reviewer
from reference.errors import VigieError

KEYS = 2  # different people who must confirm the same person
CONFIRM, REJECT = "confirm", "reject"
INSERT_ONLY = ("identity_match", "identity_confirmation")


class ConfirmationRefused(VigieError):
    """What was asked to be confirmed did not stand on the screen, or is no register number."""


class IdentityMatch(Base):
    """What the matcher read of the register for one identification, and the facts of the page it was given."""

    __tablename__ = "identity_match"
    id: Mapped[int] = mapped_column(primary_key=True)
    identification_id: Mapped[int] = mapped_column(ForeignKey("identification.id"), unique=True)
    registry_date: Mapped[str] = mapped_column(String(10), default="")  # ISO day of the state; "": no register
    score: Mapped[float] = mapped_column(default=0.0)  # bits
    margin: Mapped[float] = mapped_column(default=0.0)  # bits to the next candidate
    runner_up: Mapped[str] = mapped_column(String(11), default="")
    shown: Mapped[Json] = mapped_column(default=dict)  # the merged facts
    views: Mapped[Json] = mapped_column(default=dict)  # fact → listing_view.id it was read on


class IdentityConfirmation(Base):
    """One person's word on who a case is about: `rpps` when they confirm, "" when they reject every candidate."""

    __tablename__ = "identity_confirmation"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"))
    decided_at: Mapped[datetime]
    decision: Mapped[str] = mapped_column(String(12))  # confirm | reject
    rpps: Mapped[str] = mapped_column(String(11), default="")
    registry_date: Mapped[str] = mapped_column(String(10))
    screen: Mapped[Json] = mapped_column(default=dict)  # what was shown and every candidate, field by field
    screen_sha256: Mapped[str] = mapped_column(String(64))  # of its canonical JSON


class IdentityStatus(StrEnum):
    """Where the identity of a case stands."""

    OPEN = "open"  # nobody has said anything
    SECOND = "second"  # one person confirmed, another must
    SPLIT = "split"  # people confirmed different persons, or one confirmed and another rejected
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True)
class IdentityState:
    """Where the identity of a case stands; `rpps` is "" unless it is confirmed.

    `given` is when each person's last word was given, the oldest first: a dossier says when, and never who.
    """

    status: IdentityStatus
    rpps: str = ""
    given: tuple[datetime, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Word:
    """One person's last word on who a case is about, with their shown name: for the desk alone."""

    reviewer_id: int
    display_name: str
    at: datetime
    rpps: str


def canonical(screen: Mapping[str, Any]) -> bytes:
    """The bytes of a screen that are hashed: JSON in UTF-8, sorted keys, no spaces, one final line feed."""
    return (json.dumps(screen, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def confirm_identity(
    session: Session, case_id: int, reviewer_id: int, *, rpps: str, registry_date: str, screen: Mapping[str, Any]
) -> IdentityConfirmation:
    """Keep one person's word, with the screen it was given before: `rpps` is one of its candidates, or "" for none.

    `screen` holds at least `candidates`, a list of objects with `rpps`. Raises `ConfirmationRefused` for a number that
    was not on it. Part of the caller's transaction.
    """
    shown = {str(candidate.get("rpps", "")) for candidate in screen.get("candidates", ())}
    if rpps and (rpps not in shown or len(rpps) != 11 or not rpps.isdigit()):
        raise ConfirmationRefused(f"« {rpps} » ne figure pas parmi les personnes affichées.")
    now = datetime.now(UTC)
    row = IdentityConfirmation(
        case_id=case_id,
        reviewer_id=reviewer_id,
        decided_at=now,
        decision=CONFIRM if rpps else REJECT,
        rpps=rpps,
        registry_date=registry_date,
        screen=dict(screen),
        screen_sha256=hashlib.sha256(canonical(screen)).hexdigest(),
    )
    session.add(row)
    session.flush()
    record(session, f"identity_{row.decision}", "case", case_id, f"reviewer:{reviewer_id}", confirmation=row.id)
    return row


def identity_states(session: Session, ids: Iterable[int] | None = None) -> dict[int, IdentityState]:
    """Where the identity of these cases stands, or of all; the last word of each person counts."""
    query = (
        select(Case.id, IdentityConfirmation.reviewer_id, IdentityConfirmation.rpps, IdentityConfirmation.decided_at)
        .outerjoin(IdentityConfirmation, IdentityConfirmation.case_id == Case.id)
        .order_by(IdentityConfirmation.id)
    )
    if ids is not None:
        query = query.where(Case.id.in_(sorted(set(ids))))
    said: dict[int, dict[int, tuple[str, datetime]]] = defaultdict(dict)
    for case, reviewer, rpps, at in session.execute(query):
        words = said[case]
        if reviewer is not None:
            words[reviewer] = (rpps, at)
    return {case: _state(list(words.values())) for case, words in said.items()}


def words_of(session: Session, ids: Iterable[int]) -> dict[int, tuple[Word, ...]]:
    """The last word of each person on these cases, the oldest first; it names people, and stays on the desk."""
    query = (
        select(IdentityConfirmation, Reviewer.display_name)
        .join(Reviewer, Reviewer.id == IdentityConfirmation.reviewer_id)
        .where(IdentityConfirmation.case_id.in_(sorted(set(ids))))
        .order_by(IdentityConfirmation.id)
    )
    said: dict[int, dict[int, Word]] = defaultdict(dict)
    for row, name in session.execute(query):
        said[row.case_id][row.reviewer_id] = Word(row.reviewer_id, name, row.decided_at, row.rpps)
    return {case: tuple(sorted(words.values(), key=lambda one: one.at)) for case, words in said.items()}


def identity_state(session: Session, case_id: int) -> IdentityState:
    """Where the identity of one case stands. Raises `KeyError` for a case that does not exist."""
    return identity_states(session, [case_id])[case_id]


def _state(words: list[tuple[str, datetime]]) -> IdentityState:
    """One contrary word is enough for a split: a doubt about the person serves the person."""
    said, given = {rpps for rpps, _ in words}, tuple(sorted(at for _, at in words))
    if not words:
        return IdentityState(IdentityStatus.OPEN)
    if len(said) > 1:
        return IdentityState(IdentityStatus.SPLIT, given=given)
    if said == {""}:
        return IdentityState(IdentityStatus.REJECTED, given=given)
    if len(words) < KEYS:
        return IdentityState(IdentityStatus.SECOND, given=given)
    return IdentityState(IdentityStatus.CONFIRMED, said.pop(), given)
