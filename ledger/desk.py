"""The desk's own tables: people's keys, seats, ballots, docket, controls, comments. They hold facts and no behaviour.

None of them is evidence: what two people decided stands in `verdict`, and what happened in `event`. `DESK_INSERT_ONLY`
names those that are only ever added to all the same. `docket` is an index of cases, kept by triggers of the database
(migration 0005) and rebuilt from `case` and `verdict` at any time; no status is read from anywhere else than verdicts.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger.models import Base

DESK_INSERT_ONLY = ("control_answer", "comment", "sample_item", "sample_answer")
OPEN_SEATS, AWAITS_THIRD, DECIDED = 0, 1, 2  # docket.stage


class Invitation(Base):
    """A link that lets one person make an account, or make their password and second factor anew. Used once."""

    __tablename__ = "invitation"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    login: Mapped[str] = mapped_column(String(60))
    display_name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20))
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("reviewer.id"))  # None: a new account
    invited_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class DeskSession(Base):
    """One sign-in. The cookie holds a random token; here is its hash, so that a copied ledger opens no session."""

    __tablename__ = "desk_session"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"), index=True)
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    factor_at: Mapped[datetime | None]  # when the second factor was shown; None: only the password so far
    address: Mapped[str] = mapped_column(String(45), default="")
    agent: Mapped[str] = mapped_column(String(120), default="")


class SecondFactor(Base):
    """The TOTP secret of one person (RFC 6238), encrypted with the desk's key."""

    __tablename__ = "second_factor"
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)  # the newest 30-second step whose code was taken: none twice


class RecoveryCode(Base):
    """One code that stands in for the second factor, once."""

    __tablename__ = "recovery_code"
    id: Mapped[int] = mapped_column(primary_key=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"), index=True)
    code_sha256: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class Attempt(Base):
    """One try at a door, under the hash of what was tried: shared by all processes, forgotten after a while."""

    __tablename__ = "attempt"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]

    __table_args__ = (Index("ix_attempt_key", "key", "at"),)


class Conflict(Base):
    """Something a person must not decide on, and why they said so."""

    __tablename__ = "conflict"
    id: Mapped[int] = mapped_column(primary_key=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))  # listing | department | name
    value: Mapped[str] = mapped_column(String(120))  # listing id, department code, folded name
    declared_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class Assignment(Base):
    """A seat kept for one person on one case: a batch of the day, a bulk assignment, a control or a third reading."""

    __tablename__ = "assignment"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"))
    kind: Mapped[str] = mapped_column(String(8))  # batch | bulk | control | third
    rank: Mapped[int]
    given_at: Mapped[datetime]
    given_by: Mapped[str] = mapped_column(String(80), default="")
    until: Mapped[datetime | None]  # None: until ended
    opened_at: Mapped[datetime | None]  # when the person first saw the case
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_assignment_person", "reviewer_id", "ended_at", "rank"),)


class Ballot(Base):
    """A decision that its author may still take back; at its end it becomes a verdict, a control answer, or nothing.

    `ending` is empty while it is live, then verdict | control | withdrawn | idle (an idle one changed nothing: it was
    a vote on a case that had been decided meanwhile).
    """

    __tablename__ = "ballot"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"))
    cast_at: Mapped[datetime]
    decision: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(40))
    stance: Mapped[str] = mapped_column(String(12), default="")
    ground: Mapped[str] = mapped_column(String(20), default="")
    span_start: Mapped[int | None]
    span_end: Mapped[int | None]
    note: Mapped[str] = mapped_column(Text, default="")
    control: Mapped[bool] = mapped_column(default=False)
    seconds: Mapped[float | None]  # from the first sight of the case to the vote
    ended_at: Mapped[datetime | None]
    ending: Mapped[str] = mapped_column(String(12), default="")

    __table_args__ = (
        Index(
            "ux_ballot_live",
            "case_id",
            "reviewer_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_ballot_person", "reviewer_id", "ended_at"),
        Index("ix_ballot_ended", "ended_at"),
    )


class Docket(Base):
    """One row a case: what the queue, the filters and the search need, and how many verdicts there are."""

    __tablename__ = "docket"
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), primary_key=True)
    rank: Mapped[int]  # a fixed shuffle of the case numbers: an order that tells nothing
    stage: Mapped[int] = mapped_column(default=OPEN_SEATS)
    confirms: Mapped[int] = mapped_column(default=0)
    dismisses: Mapped[int] = mapped_column(default=0)
    doubts: Mapped[int] = mapped_column(default=0)
    last_verdict_at: Mapped[datetime | None]
    described: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime]
    listing_id: Mapped[int]
    platform: Mapped[str] = mapped_column(String(40), default="")
    department: Mapped[str] = mapped_column(String(3), default="")
    profession: Mapped[str] = mapped_column(String(120), default="")
    field: Mapped[str] = mapped_column(String(20), default="")
    stance: Mapped[str] = mapped_column(String(12), default="")  # the machine's: never shown before a vote
    benefits: Mapped[str] = mapped_column(String(40), default="")  # « ,C2S,AME, »
    display_name: Mapped[str] = mapped_column(String(300), default="")
    name_key: Mapped[str] = mapped_column(String(120), default="")
    speciality: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(120), default="")
    excerpt: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime | None]  # when the wording last left or came back
    change: Mapped[str] = mapped_column(String(8), default="")  # "" | gone | back

    __table_args__ = (
        Index("ix_docket_stage", "stage", "rank"),
        Index("ix_docket_described", "described"),
        Index("ix_docket_listing", "listing_id"),
        Index("ix_docket_name", "name_key"),
        Index("ix_docket_changed", "changed_at"),
        Index("ix_docket_decided", "last_verdict_at"),
    )


class DocketWord(Base):
    """A word of a case (name, town, speciality, passage), folded: the search of the desk, alike on both databases."""

    __tablename__ = "docket_word"
    word: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("docket.case_id", ondelete="CASCADE"), primary_key=True)

    __table_args__ = (Index("ix_docket_word_case", "case_id"),)


class ControlCase(Base):
    """A case whose right answer is known: served again, unmarked, to those who have not decided it."""

    __tablename__ = "control_case"
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), primary_key=True)
    decision: Mapped[str] = mapped_column(String(12))
    stance: Mapped[str] = mapped_column(String(12), default="")
    added_by: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class ControlAnswer(Base):
    """What a person answered on a control; it is no verdict and decides nothing."""

    __tablename__ = "control_answer"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"))
    answered_at: Mapped[datetime]
    decision: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(40))
    stance: Mapped[str] = mapped_column(String(12), default="")

    __table_args__ = (UniqueConstraint("case_id", "reviewer_id"),)


class Comment(Base):
    """A remark on a case, written after one's vote."""

    __tablename__ = "comment"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"))
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)


class SavedView(Base):
    """A search that a person keeps under a name."""

    __tablename__ = "saved_view"
    id: Mapped[int] = mapped_column(primary_key=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(600))
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("reviewer_id", "name"),)


class Sample(Base):
    """A random draw of a month, to bound what is missed: of dismissed cases, or of passages the machine let pass."""

    __tablename__ = "sample"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # dismissed | unflagged
    month: Mapped[str] = mapped_column(String(7))  # 2026-11
    drawn_at: Mapped[datetime]
    seed: Mapped[str] = mapped_column(String(32))
    population: Mapped[int]
    size: Mapped[int]

    __table_args__ = (UniqueConstraint("kind", "month"),)


class SampleItem(Base):
    """One passage of a draw."""

    __tablename__ = "sample_item"
    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    passage_id: Mapped[int] = mapped_column(ForeignKey("passage.id"))

    __table_args__ = (UniqueConstraint("sample_id", "passage_id"),)


class SampleAnswer(Base):
    """What one person read in it: `yes` is wording that should have been kept."""

    __tablename__ = "sample_answer"
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("sample_item.id"), unique=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"))
    at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(String(8))  # yes | no | doubt


class DossierRequest(Base):
    """An editor asks for the dossier of a confirmed case; `ledger.dossier_requests` says how it ends."""

    __tablename__ = "dossier_request"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), unique=True)
    requested_by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    answered_at: Mapped[datetime | None]  # None: it waits
    dossier_id: Mapped[int | None] = mapped_column(ForeignKey("dossier.id"))  # None once answered: refused
    gaps: Mapped[list[str]] = mapped_column(default=list)  # why it was refused, or is « à compléter », in French


class ReadMark(Base):
    """How far a person has read the inbox, and the hash of the key of their feed."""

    __tablename__ = "read_mark"
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"), primary_key=True)
    read_at: Mapped[datetime]
    feed_sha256: Mapped[str] = mapped_column(String(64), default="", index=True)
