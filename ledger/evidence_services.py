"""The tables of the optional services: OpenTimestamps calendars and third-party archives. They hold facts alone.

Neither exists without configuration: then these tables stay empty.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ledger.models import Base

ABSENT, PENDING, COMPLETE = "absent", "pending", "complete"
KEPT = "kept"


class CalendarProof(Base):
    """An OpenTimestamps proof that was accepted, as a whole `.ots` file: first a promise, later an attestation."""

    __tablename__ = "calendar_proof"
    seal_number: Mapped[int] = mapped_column(ForeignKey("seal.number"), primary_key=True)
    calendar: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(8), primary_key=True)  # pending | complete
    received_at: Mapped[datetime]
    proof: Mapped[bytes] = mapped_column(LargeBinary)


class CalendarTask(Base):
    """How far one calendar has stamped one seal, and if not to the end: why, and when it is asked again."""

    __tablename__ = "calendar_task"
    seal_number: Mapped[int] = mapped_column(ForeignKey("seal.number"), primary_key=True)
    calendar: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))  # absent | pending | complete
    attempts: Mapped[int] = mapped_column(default=0)  # that failed since the state last changed
    fault: Mapped[str] = mapped_column(String(20), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    tried_at: Mapped[datetime | None]
    next_at: Mapped[datetime]

    __table_args__ = (Index("ix_calendar_task_due", "calendar", "state", "next_at"),)


class ThirdArchive(Base):
    """Whether one outside archive keeps the page of one case: its address there and the time, or why not."""

    __tablename__ = "third_archive"
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True)
    archive: Mapped[str] = mapped_column(String(40), primary_key=True)
    url: Mapped[str] = mapped_column(Text)  # the page, as it was asked to be kept
    state: Mapped[str] = mapped_column(String(8))  # absent | pending | kept
    address: Mapped[str] = mapped_column(Text, default="")  # of the copy
    archived_at: Mapped[datetime | None]  # by the archive
    job: Mapped[str] = mapped_column(String(200), default="")  # while the archive works at it
    attempts: Mapped[int] = mapped_column(default=0)
    fault: Mapped[str] = mapped_column(String(20), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    tried_at: Mapped[datetime | None]
    next_at: Mapped[datetime]


SERVICE_INSERT_ONLY = ("calendar_proof",)
