"""Events: what happened to a row, in the order it happened. Only ever added to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from ledger.models import Event


def record(session: Session, kind: str, subject: str, subject_id: int, actor: str, **detail: Any) -> Event:
    """Add one event about a row of the table `subject`; it is part of the caller's transaction."""
    event = Event(
        at=datetime.now(UTC), kind=kind, actor=actor, subject=subject, subject_id=subject_id, detail=dict(detail)
    )
    session.add(event)
    return event
