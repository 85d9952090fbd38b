"""The tables of what left and what came back: dossiers over several cases, councils confirmed, letters and their steps.

All are insert-only: a correction is a new row, and the newest counts.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ledger.models import Base


class DossierCase(Base):
    """One case that a dossier tells; the dossier's own row names the first."""

    __tablename__ = "dossier_case"
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True, index=True)


class CouncilAnswer(Base):
    """Where a practitioner is registered, and how they practise, as the Order (or its directory) said on a day."""

    __tablename__ = "council_answer"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    rpps: Mapped[str] = mapped_column(String(11), default="")  # also holds for the person's other cases
    council: Mapped[str] = mapped_column(String(60))  # key of reference.competence: « medecins/69 », « CROPP-ARA »
    practice: Mapped[str] = mapped_column(String(20))  # code of reference.practices
    answered_on: Mapped[date]
    how: Mapped[str] = mapped_column(Text)  # « annuaire de l’Ordre », « courriel du conseil »…
    actor: Mapped[str] = mapped_column(String(80))
    recorded_at: Mapped[datetime]

    __table_args__ = (Index("ix_council_answer_rpps", "rpps"),)


class Sending(Base):
    """A letter that left: what, to whom, how, when."""

    __tablename__ = "sending"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    dossier_id: Mapped[int | None] = mapped_column(ForeignKey("dossier.id"))
    route: Mapped[str] = mapped_column(String(20))  # code of reference.routes; "": not recorded
    addressee: Mapped[str] = mapped_column(Text)  # as written on the envelope, on one line
    method: Mapped[str] = mapped_column(String(120))
    tracking: Mapped[str] = mapped_column(String(80), default="")  # number of the registered letter
    sent_on: Mapped[date]
    letter_sha256: Mapped[str] = mapped_column(String(64), default="")
    actor: Mapped[str] = mapped_column(String(80))
    recorded_at: Mapped[datetime]


class SendingStep(Base):
    """Something that happened to a letter on a day: code of reference.steps, and words."""

    __tablename__ = "sending_step"
    id: Mapped[int] = mapped_column(primary_key=True)
    sending_id: Mapped[int] = mapped_column(ForeignKey("sending.id"), index=True)
    step: Mapped[str] = mapped_column(String(24))
    happened_on: Mapped[date]
    note: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(String(80))
    recorded_at: Mapped[datetime]


SENDING_TABLES = ("dossier_case", "council_answer", "sending", "sending_step")
