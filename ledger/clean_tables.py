"""The tables of clean captures: one row for each visit of a page in a throw-away browser profile, and its files.

Both are insert-only. A visit that failed has a row too: its outcome says what happened, its gaps what is missing.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ledger.models import Base


class CleanCapture(Base):
    """One visit. Its `grade` is `complete` when nothing is missing, else `incomplete`; `gaps` say what, in French."""

    __tablename__ = "clean_capture"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    url: Mapped[str] = mapped_column(Text)  # as asked
    final_url: Mapped[str] = mapped_column(Text)  # where the browser ended; empty: nowhere
    captured_at: Mapped[datetime]  # the start, by the clock of the machine
    ended_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(20))  # crawler.browser.outcomes.CleanOutcome
    reason: Mapped[str] = mapped_column(Text, default="")  # why that outcome, in words
    status: Mapped[int | None]  # of the page's answer; None when none came
    grade: Mapped[str] = mapped_column(String(12))  # complete | incomplete
    gaps: Mapped[list[str]] = mapped_column(default=list)
    wording: Mapped[str] = mapped_column(String(12))  # ledger.wording.Wording
    profile: Mapped[str] = mapped_column(String(32))  # random name of the profile, made for this visit alone
    browser: Mapped[str] = mapped_column(String(120), default="")  # empty: none was started
    software: Mapped[str] = mapped_column(String(80))
    facts_sha256: Mapped[str] = mapped_column(String(64))  # its facts.json in the evidence store


class CleanCaptureFile(Base):
    """One file of a clean capture, in the evidence store under its SHA-256. Position 0 is facts.json."""

    __tablename__ = "clean_capture_file"
    clean_capture_id: Mapped[int] = mapped_column(ForeignKey("clean_capture.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))  # facts | image | pdf | dom | text | traffic | certificates
    name: Mapped[str] = mapped_column(String(80))
    media_type: Mapped[str] = mapped_column(String(80))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int]


CLEAN_TABLES = ("clean_capture", "clean_capture_file")
