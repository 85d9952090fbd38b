"""What came back or changed since a person last looked: wording gone or back, cases decided, remarks.

A voter hears of the cases they have decided and of no other. The feed and the digest name no practitioner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from xml.sax.saxutils import escape

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.cases import CaseStatus
from ledger.desk import DECIDED, Comment, Docket, ReadMark
from ledger.models import Reviewer, Verdict
from review import rights, words
from review.queue import status_sql

SHOWN = 100
_TEMPLATES = Path(__file__).parent / "templates"
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
CHANGES = {"gone": "La formule a été retirée", "back": "La formule est revenue"}


@dataclass(frozen=True)
class News:
    """One thing that happened to a case; `display_name` stays on the desk."""

    at: datetime
    case_id: int
    display_name: str
    said: str
    new: bool


def news(session: Session, reviewer_id: int, role: str, limit: int = SHOWN) -> list[News]:
    """What happened, newest first; `new` since the person's read mark."""
    mark = read_mark(session, reviewer_id)
    mine = select(Verdict.case_id).where(Verdict.reviewer_id == reviewer_id)
    votes = role in rights.VOTING
    found: list[News] = []
    changed = select(Docket.changed_at, Docket.case_id, Docket.display_name, Docket.change).where(Docket.change != "")
    decided = select(Docket.last_verdict_at, Docket.case_id, Docket.display_name, status_sql())
    decided = decided.where(Docket.last_verdict_at.is_not(None), Docket.stage == DECIDED)
    said = (
        select(Comment.at, Comment.case_id, Docket.display_name, Reviewer.display_name)
        .join(Docket, Docket.case_id == Comment.case_id)
        .join(Reviewer, Reviewer.id == Comment.reviewer_id)
        .where(Comment.reviewer_id != reviewer_id)
    )
    if votes:
        changed = changed.where(Docket.case_id.in_(mine))
        decided = decided.where(Docket.case_id.in_(mine))
        said = said.where(Comment.case_id.in_(mine))
    for at, case_id, name, change in session.execute(changed.order_by(Docket.changed_at.desc()).limit(limit)):
        if at is not None:
            found.append(News(at, case_id, name, CHANGES.get(change, change), at > mark))
    for at, case_id, name, status in session.execute(decided.order_by(Docket.last_verdict_at.desc()).limit(limit)):
        if at is not None:
            found.append(News(at, case_id, name, words.status(CaseStatus(status)), at > mark))
    for at, case_id, name, who in session.execute(said.order_by(Comment.id.desc()).limit(limit)):
        found.append(News(at, case_id, name, f"Remarque de {who}", at > mark))
    return sorted(found, key=lambda one: (one.at, one.case_id), reverse=True)[:limit]


def read_mark(session: Session, reviewer_id: int) -> datetime:
    """How far the person has read."""
    held = session.get(ReadMark, reviewer_id)
    return held.read_at if held is not None else _BEGINNING


def mark_read(session: Session, reviewer_id: int, at: datetime) -> None:
    """Everything up to `at` is read."""
    held = session.get(ReadMark, reviewer_id)
    if held is None:
        session.add(ReadMark(reviewer_id=reviewer_id, read_at=at))
    else:
        held.read_at = at


def atom(told: list[News], address: str, key_id: str) -> str:
    """The news as an Atom feed (RFC 4287). It tells case numbers, no name: feed readers keep what they read."""
    updated = words.utc(told[0].at if told else _BEGINNING)
    entries = "".join(
        f"<entry><id>urn:vigie:{key_id}:{one.case_id}:{int(one.at.timestamp())}</id>"
        f"<title>{escape(f'Cas nº {one.case_id} : {_public(one)}')}</title><updated>{words.utc(one.at)}</updated>"
        f'<link href="{escape(address)}cas/{one.case_id}"/><author><name>Vigie</name></author></entry>'
        for one in told
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>urn:vigie:{key_id}</id><title>Vigie : nouveautés</title><updated>{updated}</updated>{entries}</feed>\n"
    )


@dataclass(frozen=True)
class Digest:
    """An e-mail to one person, in French, as text and as HTML; it names no practitioner and loads nothing."""

    subject: str
    text: str
    html: str

    def message(self, sender: str, to: str) -> EmailMessage:
        """The e-mail itself, its HTML beside the text (multipart/alternative). Raises `ValueError` for an address
        that holds a line break."""
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = self.subject, sender, to
        mail["Auto-Submitted"] = "auto-generated"  # no holiday message answers it
        mail.set_content(self.text, cte="quoted-printable")
        mail.add_alternative(self.html, subtype="html", cte="quoted-printable")
        return mail


def digest(told: list[News], display_name: str, waiting: int, address: str) -> Digest:
    """What is new for a person, and how many cases wait for them; links go to the desk at `address`."""
    address = address.rstrip("/")
    fresh = [replace(one, said=_public(one)) for one in told if one.new]
    count = words.count(len(fresh), "nouveauté", "nouveautés") if fresh else "rien de nouveau"
    subject = f"Vigie : {count}"
    lines = [f"Bonjour {display_name},", ""]
    if waiting:
        lines += [words.count(waiting, "cas vous est confié", "cas vous sont confiés") + " sur le bureau de Vigie.", ""]
    lines += ["Depuis votre dernière lecture :"] if fresh else ["Rien de nouveau depuis votre dernière lecture."]
    lines += [f"- cas nº {one.case_id} : {words.lower_first(one.said)} ({words.day(one.at)})" for one in fresh]
    lines += ["", f"{address}/", "", "Ce message ne contient volontairement aucun nom de praticien.", ""]
    env = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    env.filters.update(day=words.day, lower_first=words.lower_first)
    html = env.get_template("digest.html").render(
        subject=subject, display_name=display_name, waiting=waiting, fresh=fresh, address=address, words=words
    )
    return Digest(subject, "\n".join(lines), html)


def _public(one: News) -> str:
    return "nouvelle remarque" if one.said.startswith("Remarque") else one.said
