"""Find cases by words and filters. What a voter has not decided is found by what the page shows, never by verdicts.

State, stance and benefit say what people or the machine think: for a voter those filters search only the cases that
the person has decided, and a state is told only once the case is closed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Row, Select, String, false, literal, select
from sqlalchemy.orm import Session

from ledger import docket
from ledger.cases import CaseStatus
from ledger.desk import DECIDED, Docket, DocketWord
from ledger.models import Verdict
from review.desk import Person
from review.queue import status_sql

PAGE = 50
EXPORTED = 10_000  # rows of a CSV file, at most
RARE = 2_000  # cases up to which a word is looked up as a list
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Search:
    """What a search form says; an empty value asks for nothing."""

    q: str = ""
    plateforme: str = ""
    departement: str = ""
    profession: str = ""
    etat: str = ""
    formule: str = ""
    prestation: str = ""
    depuis: str = ""
    jusque: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Search:
        """The search of a query string; unknown names and oversized values are dropped."""
        return cls(**{f.name: str(given.get(f.name, ""))[:200].strip().replace("\0", "") for f in fields(cls)})

    @property
    def query(self) -> str:
        """The search as a query string, for links and saved views."""
        return urlencode({name: value for name, value in vars(self).items() if value})

    @property
    def judging(self) -> bool:
        """Whether it asks for what people or the machine think."""
        return bool(self.etat or self.formule or self.prestation)


@dataclass(frozen=True)
class Found:
    """One case found, as the person may see it."""

    case_id: int
    display_name: str
    speciality: str
    city: str
    platform: str
    field: str
    excerpt: str
    status: CaseStatus | None
    own: str  # the person's own decision, or ""


def find(session: Session, search: Search, person: Person, before: int = 0, limit: int = PAGE) -> list[Found]:
    """The cases found, newest first, below case `before`."""
    own = Verdict.decision if person.votes else literal("", String)
    shown = Docket.case_id, Docket.display_name, Docket.speciality, Docket.city, Docket.platform, Docket.field
    query: Select[*tuple[Any, ...]] = select(
        *shown, Docket.excerpt, status_sql().label("status"), Docket.stage, own.label("own")
    )
    if person.votes:
        mine = (Verdict.case_id == Docket.case_id) & (Verdict.reviewer_id == person.id)
        query = query.join(Verdict, mine, isouter=not search.judging)
    query = _filtered(session, query, search)
    if person.votes and search.etat:  # before it is closed, a case has no state for its voters
        query = query.where(Docket.stage == DECIDED)
    if before:
        query = query.where(Docket.case_id < before)
    rows = session.execute(query.order_by(Docket.case_id.desc()).limit(limit))
    return [_found(row, person) for row in rows]


def matching(session: Session, search: Search, limit: int) -> list[int]:
    """The numbers of the cases found, for somebody who sees all."""
    query = _filtered(session, select(Docket.case_id), search)
    return list(session.scalars(query.order_by(Docket.case_id).limit(limit)))


def as_csv(rows: Iterable[Found]) -> str:
    """The rows as CSV for a spreadsheet: UTF-8 with its mark, semicolons, and no cell that begins a formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(
        ["cas", "nom affiché", "spécialité", "ville", "plateforme", "champ", "extrait", "état", "votre avis"]
    )
    for row in rows:
        cells = (row.case_id, row.display_name, row.speciality, row.city, row.platform, row.field, row.excerpt)
        writer.writerow([safe_cell(str(cell)) for cell in (*cells, row.status or "", row.own)])
    return "\ufeff" + out.getvalue()


def safe_cell(text: str) -> str:
    """The text as a spreadsheet shows it and never computes it: a leading apostrophe where a formula could begin."""
    bare = text.lstrip(" \u00a0\u200b\ufeff")
    return "'" + text if text.startswith(_FORMULA) or bare.startswith(_FORMULA) else text


def _found(row: Row[*tuple[Any, ...]], person: Person) -> Found:
    case_id, name, speciality, city, platform, field, excerpt, status, stage, own = row
    visible = not person.votes or (bool(own) and stage == DECIDED)
    told = CaseStatus(status) if visible else None
    return Found(case_id, name, speciality, city, platform, field, excerpt, told, own or "")


def _filtered(session: Session, query: Select[*tuple[Any, ...]], search: Search) -> Select[*tuple[Any, ...]]:
    for column, value in (
        (Docket.platform, search.plateforme),
        (Docket.department, search.departement),
        (Docket.profession, search.profession),
        (Docket.stance, search.formule),
    ):
        if value:
            query = query.where(column == value)
    if search.prestation:
        query = query.where(Docket.benefits.contains(f",{search.prestation},", autoescape=True))
    if search.etat:
        query = query.where(status_sql() == search.etat)
    since, until = _day(search.depuis), _day(search.jusque)
    if since:
        query = query.where(Docket.opened_at >= since)
    if until:
        query = query.where(Docket.opened_at < until + timedelta(days=1))
    for word in docket.words_of(search.q):
        query = _with_word(session, query, word)
    return query


def _with_word(session: Session, query: Select[*tuple[Any, ...]], word: str) -> Select[*tuple[Any, ...]]:
    """Cases with that word, or, when no case has it, with a word that begins so."""
    exact = select(DocketWord.case_id).where(DocketWord.word == word)
    ids = list(session.scalars(exact.limit(RARE + 1)))
    if not ids:
        begins = DocketWord.word >= word, DocketWord.word < word + "\U0010fffd"
        ids = list(session.scalars(select(DocketWord.case_id).where(*begins).limit(RARE)))
    if not ids:
        return query.where(false())
    if len(ids) <= RARE:
        return query.where(Docket.case_id.in_(set(ids)))
    return query.where(exact.where(DocketWord.case_id == Docket.case_id).exists())


def _day(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        return None
