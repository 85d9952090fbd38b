"""Describe the cases of the docket: who, where, which words, whether the wording is still there. It decides nothing.

The rows themselves are entered and counted by triggers of the database, whichever program writes a case or a verdict;
what costs reading is filled in here, in portions, by whoever passes first.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from ledger import cases, events
from ledger.desk import Docket, DocketWord
from ledger.models import Capture, Case, Event, Finding, Listing, ListingView, Passage
from reference import Reference
from reference.text import fold

EXCERPT = 160  # characters of the passage shown in the queue
LEAD = 50  # of them, before the words in question
WORDS = 80  # words of a case that the search knows, at most
SHORTEST_WORD, LONGEST_WORD = 2, 40
PORTION = 500


@dataclass(frozen=True)
class Look:
    """One time the page was looked at, and whether the wording stood there."""

    at: datetime
    capture_id: int
    there: bool


def describe(session: Session, reference: Reference, limit: int = PORTION) -> int:
    """Describe up to `limit` cases that are not yet; gives how many were."""
    waiting = select(Docket.case_id).where(Docket.described.is_(False)).order_by(Docket.case_id).limit(limit)
    ids = list(session.scalars(waiting))
    if ids:
        _describe(session, reference, ids)
    return len(ids)


def refresh(session: Session, reference: Reference, ids: Iterable[int]) -> None:
    """Describe those cases again: their listing was captured anew."""
    wanted = list(ids)
    for start in range(0, len(wanted), PORTION):
        _describe(session, reference, wanted[start : start + PORTION])


def captured_since_described(session: Session) -> list[int]:
    """The cases whose listing was captured after it was last described; they are noted as known from now on."""
    newest = session.scalar(select(func.max(Capture.id))) or 0
    last = session.scalars(
        select(Event).where(Event.kind == "docket.refreshed").order_by(Event.id.desc()).limit(1)
    ).first()
    known = int(last.detail.get("capture", 0)) if last is not None else 0
    if newest <= known:
        return []
    events.record(session, "docket.refreshed", "capture", newest, "vigie", capture=newest)
    first = aliased(Capture)
    fresh = select(ListingView.listing_id).where(ListingView.capture_id > known)
    again = (
        select(ListingView.listing_id)
        .join(first, first.revisit_of_id == ListingView.capture_id)
        .where(first.id > known)
    )
    query = select(Docket.case_id).where(Docket.listing_id.in_(fresh) | Docket.listing_id.in_(again))
    return list(session.scalars(query.order_by(Docket.case_id)))


def looks(session: Session, ids: Sequence[int]) -> dict[int, list[Look]]:
    """Every look at the pages that carry the wording of those cases, oldest first, by case id.

    A page found unchanged counts as a look that saw what the page it repeats had shown.
    """
    held: dict[int, set[int]] = defaultdict(set)
    urls: dict[int, set[str]] = defaultdict(set)
    listing_of: dict[int, int] = {}
    carrying = (
        select(Case.id, Case.listing_id, Capture.id, Capture.url)
        .join(Passage, (Passage.listing_id == Case.listing_id) & (Passage.text_key == Case.text_key))
        .join(Capture, Capture.id == Passage.capture_id)
        .where(Case.id.in_(ids))
    )
    for case_id, listing_id, capture_id, url in session.execute(carrying):
        held[case_id].add(capture_id)
        urls[case_id].add(url)
        listing_of[case_id] = listing_id
    pages: dict[int, list[tuple[int, str]]] = defaultdict(list)
    shown = (
        select(ListingView.listing_id, Capture.id, Capture.url)
        .join(Capture, Capture.id == ListingView.capture_id)
        .where(ListingView.listing_id.in_(set(listing_of.values())))
        .distinct()
    )
    for listing_id, capture_id, url in session.execute(shown):
        pages[listing_id].append((capture_id, url))
    known = {capture for captures in pages.values() for capture, _ in captures} | set().union(*held.values(), set())
    again = aliased(Capture)
    times: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for capture_id, at in session.execute(select(Capture.id, Capture.captured_at).where(Capture.id.in_(known))):
        times[capture_id].append((at, capture_id))
    repeats = select(again.revisit_of_id, again.captured_at, again.id).where(again.revisit_of_id.in_(known))
    for source, at, capture_id in session.execute(repeats):
        if source is not None:
            times[source].append((at, capture_id))
    found: dict[int, list[Look]] = {}
    for case_id, captures in held.items():
        same = {c for c, url in pages[listing_of[case_id]] if url in urls[case_id]} | captures
        found[case_id] = sorted(
            (Look(at, capture, source in captures) for source in same for at, capture in times[source]),
            key=lambda look: (look.at, look.capture_id),
        )
    return found


def change_of(seen: Sequence[Look]) -> tuple[str, datetime | None]:
    """Whether the wording has gone or come back since it was first seen, and when that was first noticed."""
    change, when, there = "", None, True
    begun = False
    for look in seen:
        begun = begun or look.there
        if begun and look.there is not there:
            there, when = look.there, look.at
            change = "back" if there else "gone"
    return change, when


def _describe(session: Session, reference: Reference, ids: list[int]) -> None:
    rows = session.execute(
        select(Case.id, Case.listing_id, Listing.platform, Passage.field, Passage.text, Finding)
        .join(Listing, Listing.id == Case.listing_id)
        .join(Finding, Finding.id == Case.finding_id)
        .join(Passage, Passage.id == Finding.passage_id)
        .where(Case.id.in_(ids))
    ).all()
    views = cases.latest_views(session, {row.listing_id for row in rows})
    seen = looks(session, ids)
    words: list[dict[str, Any]] = []
    described: list[dict[str, Any]] = []
    for row in rows:
        view, finding = views.get(row.listing_id), row.Finding
        change, when = change_of(seen.get(row.id, ()))
        department = reference.department_of(view.postcode) if view else None
        name = view.display_name if view else ""
        told = {
            "platform": row.platform,
            "department": department.code if department else "",
            "profession": view.profession if view else "",
            "field": row.field,
            "stance": finding.stance,
            "benefits": "," + ",".join(finding.benefits) + "," if finding.benefits else "",
            "display_name": name,
            "name_key": fold(name)[:120],
            "speciality": view.speciality if view else "",
            "city": view.city if view else "",
            "excerpt": _shorten(row.text, finding.start),
            "change": change,
            "changed_at": when,
            "described": True,
        }
        described.append({"case_id": row.id, **told})
        place = (view.postcode, view.city, view.speciality) if view else ()
        text = " ".join((name, *place, row.platform, row.text))
        words += [{"word": word, "case_id": row.id} for word in words_of(text)]
    if described:
        session.execute(update(Docket), described)
    session.execute(delete(DocketWord).where(DocketWord.case_id.in_(ids)))
    if words:
        session.execute(insert(DocketWord), words)


def words_of(text: str) -> list[str]:
    """The words of a text as the search knows them: folded, each once, in order, at most `WORDS`."""
    found = dict.fromkeys(word[:LONGEST_WORD] for word in fold(text).split() if len(word) >= SHORTEST_WORD)
    return list(found)[:WORDS]


def _shorten(text: str, start: int) -> str:
    """The words around offset `start`, on one line: the wording in question is seldom the first of its passage."""
    before, after = " ".join(text[:start].split()), " ".join(text[start:].split())
    if len(before) + len(after) < EXCERPT:
        return re.sub(r"\s+", " ", f"{before} {after}").strip()
    if len(before) > LEAD:
        before = "…" + before[-LEAD:].partition(" ")[2]
    joined = f"{before} {after}".strip()
    return joined if len(joined) <= EXCERPT else joined[: EXCERPT - 1].rstrip() + "…"
