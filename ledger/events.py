"""Events: what happened to a row, who did it, when and why. Only ever added to; each is chained at commit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from ledger.chaining import plain_json
from ledger.models import Event

COLLECTED, SEALED, STAMPED, STAMP_FAILED = "collected", "sealed", "stamped", "stamp_failed"
VIEWED, EXPORTED, ERASED, TEXT_ERASED = "viewed", "exported", "erased", "text_erased"
CALENDAR_PENDING, CALENDAR_COMPLETE, CALENDAR_FAILED = "calendar_pending", "calendar_complete", "calendar_failed"
ARCHIVE_KEPT, ARCHIVE_PENDING, ARCHIVE_FAILED = "archive_kept", "archive_pending", "archive_failed"
FIXITY_CHECKED, FIXITY_FAILED = "fixity_checked", "fixity_failed"
WITH_A_REASON = frozenset({VIEWED, EXPORTED, ERASED, TEXT_ERASED})
MAX_ACTOR = 80  # characters, the width of the column


def record(session: Session, kind: str, subject: str, subject_id: int, actor: str, **detail: Any) -> Event:
    """Add one event about a row of the table `subject`; it is part of the caller's transaction.

    Viewing, exporting and erasing say why: without a `reason`, or with one that is blank, `ValueError` is raised.
    """
    if kind in WITH_A_REASON and not str(detail.get("reason", "")).strip():
        raise ValueError(f"an event « {kind} » needs a reason")
    event = Event(
        at=datetime.now(UTC),
        kind=kind,
        actor=actor[:MAX_ACTOR],
        subject=subject,
        subject_id=subject_id,
        detail=plain_json(dict(sorted(detail.items()))),
    )
    session.add(event)
    return event
