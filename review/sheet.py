"""Gather what a person sees of one case. It writes nothing; what each may see is `review.standing`'s to say.

Until a person has decided, the sheet that leaves this module does not hold the machine's stance, confidence or version,
nor anybody's verdict, nor whether there is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ledger import cases, docket, dossier_requests
from ledger.desk import Ballot, Comment, ControlAnswer
from ledger.dossier_requests import RequestState
from ledger.models import Capture, Case, Finding, Listing, ListingView, Passage, Reviewer, Verdict
from review.pictures import Sealed, Visit, seal_of, visits_of
from review.standing import Standing, standing

_RULE = re.compile(r"\s*\((?:règle|aucune règle)[^)]*\)")
FOLDED = 60  # other passages shown at most
SEEN = 30  # captures listed at most in the history


@dataclass(frozen=True)
class Marked:
    """A passage cut in three around its trigger; `trigger` is empty when the span does not fit the text."""

    before: str
    trigger: str
    after: str


@dataclass(frozen=True)
class GivenVerdict:
    """One verdict, with the name of the person who gave it."""

    display_name: str
    mine: bool
    decision: str
    reason: str
    stance: str
    ground: str
    note: str
    decided_at: datetime
    words: str  # underlined instead of the machine's, or ""


@dataclass(frozen=True)
class Remark:
    """A comment, with the name of the person who wrote it."""

    display_name: str
    at: datetime
    text: str


@dataclass(frozen=True)
class Sibling:
    """Another listing that shows the same name."""

    display_name: str
    speciality: str
    city: str
    platform: str
    url: str


@dataclass(frozen=True)
class ModelReading:
    """What the machine read; shown to a person only when nothing more is asked of them."""

    stance: str
    benefits: tuple[str, ...]
    confidence: float
    version: str
    context: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """When this wording was seen: first, last, in how many captures (unchanged revisits included)."""

    first_seen: datetime
    last_seen: datetime
    count: int
    captures: tuple[tuple[int, datetime, bool], ...]  # (capture, time, wording there), newest first, at most `SEEN`
    change: str  # "" | gone | back
    changed_at: datetime | None


@dataclass(frozen=True)
class Sheet:
    """Everything one person may see of one case."""

    case: Case
    listing: Listing
    view: ListingView | None
    passage: Passage
    marked: Marked
    reasons: tuple[str, ...]
    favourable: tuple[tuple[Passage, Marked], ...]
    before: tuple[Passage, ...]  # the page's passages just before and just after
    after: tuple[Passage, ...]
    others: tuple[Passage, ...]
    others_count: int
    capture: Capture
    sealed: Sealed | None  # the seal over that capture
    visits: tuple[Visit, ...]  # of the page by a browser, newest first
    history: History
    siblings: tuple[Sibling, ...]
    standing: Standing
    status: cases.CaseStatus | None  # None while the person must not know it
    verdicts: tuple[GivenVerdict, ...]
    own: GivenVerdict | None
    comments: tuple[Remark, ...]
    model: ModelReading | None
    dossier: RequestState | None  # for editors

    @property
    def pictured(self) -> Visit | None:
        """The newest visit that left an image of the page."""
        return next((visit for visit in self.visits if visit.images), None)


def sheet_for(session: Session, case_id: int, reviewer_id: int) -> Sheet | None:
    """The sheet of that case for that person, or None when there is no such case."""
    case, stand = session.get(Case, case_id), standing(session, case_id, reviewer_id)
    if case is None or stand is None:
        return None
    listing = session.get_one(Listing, case.listing_id)
    finding = session.get_one(Finding, case.finding_id)
    passage = session.get_one(Passage, finding.passage_id)
    view = cases.latest_view(session, listing.id)
    verdicts = _verdicts(session, passage, case_id, reviewer_id)
    before, after, others, others_count = _around(session, passage)
    return Sheet(
        case=case,
        listing=listing,
        view=view,
        passage=passage,
        marked=mark(passage.text, finding),
        reasons=tuple(finding.reasons if stand.sighted else map(_without_rule, finding.reasons)),
        favourable=_favourable(session, listing.id),
        before=before,
        after=after,
        others=others,
        others_count=others_count,
        capture=session.get_one(Capture, passage.capture_id),
        sealed=seal_of(session, passage.capture_id),
        visits=visits_of(session, case_id, sighted=stand.sighted),
        history=_history(session, case, passage),
        siblings=_siblings(session, listing, view),
        standing=stand,
        status=cases.case_state([v.decision for v in verdicts]) if stand.sees_verdicts else None,
        verdicts=verdicts if stand.sees_verdicts else (),
        own=next((v for v in verdicts if v.mine), None) or _own(session, passage, case_id, reviewer_id),
        comments=_comments(session, case_id) if stand.may_comment or stand.third else (),
        model=_model(finding) if stand.sighted else None,
        dossier=dossier_requests.states(session, [case_id])[case_id] if stand.role == "editor" else None,
    )


def _without_rule(reason: str) -> str:
    """A reason without the name of its rule: « (règle dissuasion.frais) » says the machine's stance in one word."""
    return _RULE.sub("", reason)


def mark(text: str, finding: Finding) -> Marked:
    """Cut the text around the trigger of the finding; a span that does not fit is looked for, never guessed."""
    start, end = finding.start, finding.end
    if not (0 <= start < end <= len(text)) or (finding.trigger and text[start:end] != finding.trigger):
        start = text.find(finding.trigger) if finding.trigger else -1
        if start < 0:
            return Marked(text, "", "")
        end = start + len(finding.trigger)
    return Marked(text[:start], text[start:end], text[end:])


def _verdicts(session: Session, passage: Passage, case_id: int, reviewer_id: int) -> tuple[GivenVerdict, ...]:
    rows = session.execute(
        select(Verdict, Reviewer.display_name)
        .join(Reviewer, Reviewer.id == Verdict.reviewer_id)
        .where(Verdict.case_id == case_id)
        .order_by(Verdict.decided_at, Verdict.id)
    )
    return tuple(_given(v, name, v.reviewer_id == reviewer_id, v.decided_at, passage) for v, name in rows)


def _given(row: Verdict | Ballot, name: str, mine: bool, at: datetime, passage: Passage) -> GivenVerdict:
    span = passage.text[row.span_start : row.span_end] if row.span_start is not None else ""
    return GivenVerdict(name, mine, row.decision, row.reason, row.stance, row.ground, row.note, at, span)


def _own(session: Session, passage: Passage, case_id: int, reviewer_id: int) -> GivenVerdict | None:
    """The person's own decision that is no verdict: a live ballot, or the answer to a known case."""
    mine = select(Ballot).where(Ballot.case_id == case_id, Ballot.reviewer_id == reviewer_id)
    kept = mine.where(or_(Ballot.ended_at.is_(None), Ballot.ending == "control")).order_by(Ballot.id.desc())
    ballot = session.scalars(kept.limit(1)).first()
    if ballot is not None:
        return _given(ballot, "", True, ballot.cast_at, passage)
    answer = session.scalars(
        select(ControlAnswer).where(ControlAnswer.case_id == case_id, ControlAnswer.reviewer_id == reviewer_id)
    ).first()
    if answer is None:
        return None
    return GivenVerdict("", True, answer.decision, answer.reason, answer.stance, "", "", answer.answered_at, "")


def _comments(session: Session, case_id: int) -> tuple[Remark, ...]:
    rows = session.execute(
        select(Reviewer.display_name, Comment.at, Comment.text)
        .join(Reviewer, Reviewer.id == Comment.reviewer_id)
        .where(Comment.case_id == case_id)
        .order_by(Comment.id)
    )
    return tuple(Remark(*row) for row in rows)


def _siblings(session: Session, listing: Listing, view: ListingView | None) -> tuple[Sibling, ...]:
    """Other listings that show exactly the same name: perhaps the same person, never said to be."""
    if view is None or not view.display_name:
        return ()
    rows = session.execute(
        select(ListingView, Listing)
        .join(Listing, Listing.id == ListingView.listing_id)
        .where(ListingView.display_name == view.display_name, ListingView.listing_id != listing.id)
        .order_by(ListingView.id.desc())
        .limit(FOLDED)
    )
    found: dict[int, Sibling] = {}
    for other, place in rows:
        found.setdefault(place.id, Sibling(other.display_name, other.speciality, other.city, place.platform, place.url))
    return tuple(found.values())


def _model(finding: Finding) -> ModelReading:
    return ModelReading(
        finding.stance, tuple(finding.benefits), finding.confidence, finding.version, tuple(finding.context)
    )


def _favourable(session: Session, listing_id: int) -> tuple[tuple[Passage, Marked], ...]:
    """Acceptance wording on the same listing, as the newest finding of each passage reads it; each wording once."""
    newest = (
        select(func.max(Finding.id))
        .join(Passage, Passage.id == Finding.passage_id)
        .where(Passage.listing_id == listing_id)
        .group_by(Finding.passage_id)
    )
    rows = session.execute(
        select(Passage, Finding)
        .join(Finding, Finding.passage_id == Passage.id)
        .where(Finding.id.in_(newest), Finding.stance == "acceptance")
        .order_by(Passage.id.desc())
    )
    once: dict[str, tuple[Passage, Marked]] = {}
    for passage, finding in rows:
        once.setdefault(passage.text_key, (passage, mark(passage.text, finding)))
    return tuple(once.values())


def _around(
    session: Session, passage: Passage
) -> tuple[tuple[Passage, ...], tuple[Passage, ...], tuple[Passage, ...], int]:
    """The passages of the same page as it was read: the one before, the one after, all others, and how many."""
    query = select(Passage).where(
        Passage.capture_id == passage.capture_id,
        Passage.listing_id == passage.listing_id,
        Passage.parser_version == passage.parser_version,
        Passage.id != passage.id,
    )
    others = tuple(session.scalars(query.order_by(Passage.id).limit(FOLDED + 2)))
    count = len(others)
    if count > FOLDED:
        count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    before = tuple(other for other in others if other.id < passage.id)[-1:]
    after = tuple(other for other in others if other.id > passage.id)[:1]
    near = {other.id for other in before + after}
    rest = tuple(other for other in others if other.id not in near)
    return before, after, rest[:FOLDED], count - len(near)


def _history(session: Session, case: Case, passage: Passage) -> History:
    seen = docket.looks(session, [case.id]).get(case.id, [])
    there = [look for look in seen if look.there]
    if not there:  # the passage's own capture carries it, whatever was read since
        at = session.get_one(Capture, passage.capture_id).captured_at
        there = seen = [docket.Look(at, passage.capture_id, True)]
    change, changed_at = docket.change_of(seen)
    shown = tuple((look.capture_id, look.at, look.there) for look in reversed(seen[-SEEN:]))
    return History(there[0].at, there[-1].at, len(there), shown, change, changed_at)
