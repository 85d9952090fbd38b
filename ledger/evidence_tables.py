"""The tables of custody: the chain of events, seals with leaves and tokens, what is to be stamped, erasures.

`EVIDENCE_TABLES` are insert-only, as `ledger.models.INSERT_ONLY` is; `stamp_task` alone changes, for it is a state.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ledger.models import Base

CAPTURE, CLEAN_CAPTURE = "capture", "clean_capture"  # kinds of evidence


class EventLink(Base):
    """The place of one event in the custody chain: `hash` is that of its line, which names the hash before it."""

    __tablename__ = "event_link"
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), unique=True)
    salt: Mapped[str] = mapped_column(String(32))
    hash: Mapped[str] = mapped_column(String(64))


class Seal(Base):
    """One seal. `content` is its canonical bytes as text, the rest repeats what is in it, to be searched."""

    __tablename__ = "seal"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    crawl_id: Mapped[int | None] = mapped_column(ForeignKey("crawl.id"), index=True)
    made_at: Mapped[datetime]
    content: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    count: Mapped[int]
    log_last: Mapped[int]  # the last event sealed by this seal or by one before it; 0 when there is none


class SealLeaf(Base):
    """A piece of evidence in the tree of its seal; it stands in one seal alone."""

    __tablename__ = "seal_leaf"
    seal_number: Mapped[int] = mapped_column(ForeignKey("seal.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))  # CAPTURE | CLEAN_CAPTURE
    subject_id: Mapped[int]
    salt: Mapped[str] = mapped_column(String(32))
    hash: Mapped[str] = mapped_column(String(64))  # SHA-256(0x00 ‖ leaf)

    __table_args__ = (UniqueConstraint("subject_id", "kind"),)


class Stamp(Base):
    """A token that was accepted, as it came, and the certificates it was trusted by."""

    __tablename__ = "stamp"
    seal_number: Mapped[int] = mapped_column(ForeignKey("seal.number"), primary_key=True)
    authority: Mapped[str] = mapped_column(String(40), primary_key=True)
    stamped_at: Mapped[datetime]  # by the authority
    received_at: Mapped[datetime]  # by us
    serial: Mapped[str] = mapped_column(String(64))
    policy: Mapped[str] = mapped_column(String(80))
    qualified: Mapped[bool] = mapped_column(default=False)  # eIDAS, as the configuration said when it came
    token: Mapped[bytes] = mapped_column(LargeBinary)  # the whole TimeStampResp
    certificates: Mapped[str] = mapped_column(Text)  # PEM


class StampTask(Base):
    """Whether one authority has stamped one seal, and if not: why, and when it is asked again."""

    __tablename__ = "stamp_task"
    seal_number: Mapped[int] = mapped_column(ForeignKey("seal.number"), primary_key=True)
    authority: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))  # pending | stamped
    attempts: Mapped[int] = mapped_column(default=0)
    fault: Mapped[str] = mapped_column(String(20), default="")  # ledger.sealing.tokens.Fault of the last attempt
    reason: Mapped[str] = mapped_column(Text, default="")
    tried_at: Mapped[datetime | None]
    next_at: Mapped[datetime]

    __table_args__ = (Index("ix_stamp_task_due", "authority", "state", "next_at"),)


class Erasure(Base):
    """The bytes of one piece of evidence were removed, or are being removed: the row comes first."""

    __tablename__ = "erasure"
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    size: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text)


EVIDENCE_TABLES = ("event_link", "seal", "seal_leaf", "stamp", "erasure")
