"""The tables of the ledger: what was seen, read, decided and told. They hold facts and no behaviour.

Rows point only backwards in time: Crawl → Capture → Listing → Passage → Finding → Case → Verdict → Dossier → Sending.
`INSERT_ONLY` names the evidence tables; the migrations put triggers on them that refuse UPDATE and DELETE.
The status of a case is never a column: `ledger.cases` computes it from verdicts and events.
Times are aware UTC; every hash is SHA-256 in lower-case hex.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

Json = dict[str, Any]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant, on databases that keep the zone (PostgreSQL) and on those that drop it (SQLite).

    A naive datetime raises `ValueError`: a capture time without a zone proves nothing.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a ledger time needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: UtcDateTime, Json: JSON, list[str]: JSON}  # noqa: RUF012


class Crawl(Base):
    """One run of collection: a live crawl, an import of files, or a replay of what is stored."""

    __tablename__ = "crawl"
    id: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(12))  # live | import | replay
    started_at: Mapped[datetime]
    software: Mapped[str] = mapped_column(String(80))  # "vigie 0.1.0"
    user_agent: Mapped[str] = mapped_column(String(300), default="")
    settings: Mapped[Json] = mapped_column(default=dict)


class Capture(Base):
    """One exchange with a server, or one imported file: what was asked, what came back, where the bytes are."""

    __tablename__ = "capture"
    id: Mapped[int] = mapped_column(primary_key=True)
    crawl_id: Mapped[int] = mapped_column(ForeignKey("crawl.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(String(8), default="GET")
    captured_at: Mapped[datetime]
    status: Mapped[int | None]  # None when no answer came
    outcome: Mapped[str] = mapped_column(String(20), index=True)  # crawler.outcomes.Outcome
    reason: Mapped[str] = mapped_column(Text, default="")  # why that outcome, in words
    content_type: Mapped[str] = mapped_column(String(120), default="")
    body_sha256: Mapped[str | None] = mapped_column(String(64), index=True)  # body as received (still compressed)
    body_size: Mapped[int] = mapped_column(default=0)
    warc_sha256: Mapped[str | None] = mapped_column(String(64))  # address in the evidence store; None: no bytes came
    warc_size: Mapped[int] = mapped_column(default=0)
    ip_address: Mapped[str] = mapped_column(String(45), default="")
    revisit_of_id: Mapped[int | None] = mapped_column(ForeignKey("capture.id"))  # unchanged since that capture
    provenance: Mapped[str] = mapped_column(Text, default="live")  # "live", or "import:<file name>"

    __table_args__ = (Index("ix_capture_url", "url"),)


class Listing(Base):
    """A practitioner's (or practice's) place on a platform, known by the platform's own stable key."""

    __tablename__ = "listing"
    id: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(300))  # stable on the platform: the slug, or the site's address
    url: Mapped[str] = mapped_column(Text)  # the public page a person would open
    first_capture_id: Mapped[int] = mapped_column(ForeignKey("capture.id"))

    __table_args__ = (UniqueConstraint("platform", "key"),)


class ListingView(Base):
    """The practitioner as one capture shows them. Empty string: the page does not show it."""

    __tablename__ = "listing_view"
    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    capture_id: Mapped[int] = mapped_column(ForeignKey("capture.id"), index=True)
    parser_version: Mapped[str] = mapped_column(String(40))
    display_name: Mapped[str] = mapped_column(String(300), default="")
    is_organisation: Mapped[bool] = mapped_column(default=False)
    profession: Mapped[str] = mapped_column(String(120), default="")  # reference profession code, or ""
    speciality: Mapped[str] = mapped_column(String(200), default="")  # as shown
    street: Mapped[str] = mapped_column(String(300), default="")
    postcode: Mapped[str] = mapped_column(String(10), default="")
    city: Mapped[str] = mapped_column(String(120), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    rpps: Mapped[str] = mapped_column(String(20), default="")  # as shown, unchecked
    adeli: Mapped[str] = mapped_column(String(20), default="")
    signals: Mapped[Json] = mapped_column(default=dict)  # structured flags: sector, third-party payer, new patients…

    __table_args__ = (
        UniqueConstraint("listing_id", "capture_id", "parser_version"),
        Index("ix_listing_view_name", "display_name"),
    )


class Passage(Base):
    """The text of one field of a listing, as one capture holds it."""

    __tablename__ = "passage"
    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    capture_id: Mapped[int] = mapped_column(ForeignKey("capture.id"), index=True)
    parser_version: Mapped[str] = mapped_column(String(40))
    field: Mapped[str] = mapped_column(String(20))  # the guide's field names
    locator: Mapped[str] = mapped_column(Text)  # JSON Pointer, or a CSS path, into the decoded body
    text: Mapped[str] = mapped_column(Text)
    text_key: Mapped[str] = mapped_column(String(64))  # ledger.text_key(text): case, spaces and accents folded

    __table_args__ = (
        UniqueConstraint("capture_id", "listing_id", "locator", "parser_version"),
        Index("ix_passage_case", "listing_id", "text_key"),
    )


class Finding(Base):
    """What one version of the reader says of one passage."""

    __tablename__ = "finding"
    id: Mapped[int] = mapped_column(primary_key=True)
    passage_id: Mapped[int] = mapped_column(ForeignKey("passage.id"), index=True)
    version: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    stance: Mapped[str] = mapped_column(String(12), index=True)
    flagged: Mapped[bool]
    benefits: Mapped[list[str]] = mapped_column(default=list)
    trigger: Mapped[str] = mapped_column(Text, default="")
    start: Mapped[int] = mapped_column(default=0)
    end: Mapped[int] = mapped_column(default=0)
    confidence: Mapped[float] = mapped_column(default=0.0)
    reasons: Mapped[list[str]] = mapped_column(default=list)
    context: Mapped[list[str]] = mapped_column(default=list)

    __table_args__ = (UniqueConstraint("passage_id", "version"),)


class Case(Base):
    """A wording on a listing to be decided by people: keyed by listing and folded text, never by page hash."""

    __tablename__ = "case"
    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    text_key: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime]
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"))  # the finding that opened it

    __table_args__ = (UniqueConstraint("listing_id", "text_key"),)


class Reviewer(Base):
    """A person who may sign in to the desk."""

    __tablename__ = "reviewer"
    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    display_name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20), default="reviewer")
    password_hash: Mapped[str] = mapped_column(String(200))  # Argon2id
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class Verdict(Base):
    """One person's decision on one case. A person votes once a case."""

    __tablename__ = "verdict"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"))
    decided_at: Mapped[datetime]
    decision: Mapped[str] = mapped_column(String(12))  # confirm | dismiss | doubt
    reason: Mapped[str] = mapped_column(String(40))  # reference reason code
    stance: Mapped[str] = mapped_column(String(12), default="")  # the reviewer's own reading, when confirming
    ground: Mapped[str] = mapped_column(String(20), default="")  # reference legal-ground code, when confirming
    span_start: Mapped[int | None]  # the words the reviewer underlines, in characters of the passage; None: as proposed
    span_end: Mapped[int | None]
    note: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (UniqueConstraint("case_id", "reviewer_id"), Index("ix_verdict_person", "reviewer_id", "id"))


class Identification(Base):
    """Who the listing is, as one version of the matcher says it, or why it abstains."""

    __tablename__ = "identification"
    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    view_id: Mapped[int] = mapped_column(ForeignKey("listing_view.id"))
    version: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(16))  # linked | ambiguous | none | organisation | no_order
    rpps: Mapped[str] = mapped_column(String(11), default="")
    reasons: Mapped[list[str]] = mapped_column(default=list)

    __table_args__ = (UniqueConstraint("view_id", "version"),)


class Dossier(Base):
    """A dossier that was written: where, of what bytes, and whether it was fit to leave."""

    __tablename__ = "dossier"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    written_at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(120))
    complete: Mapped[bool]
    gaps: Mapped[list[str]] = mapped_column(default=list)  # why it is « à compléter »
    manifest_sha256: Mapped[str] = mapped_column(String(64))


class Event(Base):
    """Something that happened to a row: a crawl ended, a proof is absent, a page was viewed, a dossier exported."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40), index=True)
    actor: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(20))  # the table
    subject_id: Mapped[int]
    detail: Mapped[Json] = mapped_column(default=dict)

    __table_args__ = (Index("ix_event_subject", "subject", "subject_id"),)


INSERT_ONLY = ("crawl", "capture", "listing_view", "passage", "verdict", "event")
