"""Gather what a reviewer sees of one case. It decides what each person may see; it writes nothing.

The rule of blindness lives here and nowhere else: until a person has voted, the sheet that leaves this module does not
hold the model's stance, confidence or version, nor anybody's verdict, nor whether there is one. The one exception is
the third person called to a split, who reads both verdicts (`Sheet.verdicts`) but still not the model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ledger import cases
from ledger.models import Capture, Case, Finding, Listing, ListingView, Passage, Reviewer, Verdict

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
    note: str
    decided_at: datetime


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
    captures: tuple[tuple[int, datetime], ...]  # (capture id, time), newest first, at most `SEEN`


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
    others: tuple[Passage, ...]
    others_count: int
    capture: Capture
    history: History
    may_vote: bool
    third: bool  # called to settle a split
    status: cases.CaseStatus | None  # None while the person must stay blind
    verdicts: tuple[GivenVerdict, ...]
    model: ModelReading | None


def sheet_for(session: Session, case_id: int, reviewer_id: int) -> Sheet | None:
    """The sheet of that case for that person, or None when there is no such case."""
    case = session.get(Case, case_id)
    if case is None:
        return None
    listing = session.get_one(Listing, case.listing_id)
    finding = session.get_one(Finding, case.finding_id)
    passage = session.get_one(Passage, finding.passage_id)
    others, others_count = _others(session, passage)
    verdicts = _verdicts(session, case_id, reviewer_id)
    voted = any(verdict.mine for verdict in verdicts)
    status = cases.case_state([verdict.decision for verdict in verdicts])
    over = status in cases.DECIDED
    third = not voted and status is cases.CaseStatus.SPLIT
    sighted = voted or over
    return Sheet(
        case=case,
        listing=listing,
        view=cases.latest_view(session, listing.id),
        passage=passage,
        marked=mark(passage.text, finding),
        reasons=tuple(finding.reasons if sighted else map(_without_rule, finding.reasons)),
        favourable=_favourable(session, listing.id),
        others=others,
        others_count=others_count,
        capture=session.get_one(Capture, passage.capture_id),
        history=_history(session, case, passage),
        may_vote=not voted and not over,
        third=third,
        status=status if sighted or third else None,
        verdicts=verdicts if sighted or third else (),
        model=_model(finding) if sighted else None,
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


def _verdicts(session: Session, case_id: int, reviewer_id: int) -> tuple[GivenVerdict, ...]:
    rows = session.execute(
        select(Verdict, Reviewer.display_name)
        .join(Reviewer, Reviewer.id == Verdict.reviewer_id)
        .where(Verdict.case_id == case_id)
        .order_by(Verdict.decided_at, Verdict.id)
    )
    return tuple(
        GivenVerdict(name, v.reviewer_id == reviewer_id, v.decision, v.reason, v.stance, v.note, v.decided_at)
        for v, name in rows
    )


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


def _others(session: Session, passage: Passage) -> tuple[tuple[Passage, ...], int]:
    """The other passages that the same reading of the same capture found on the same listing."""
    query = select(Passage).where(
        Passage.capture_id == passage.capture_id,
        Passage.listing_id == passage.listing_id,
        Passage.parser_version == passage.parser_version,
        Passage.id != passage.id,
    )
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return tuple(session.scalars(query.order_by(Passage.id).limit(FOLDED))), count


def _history(session: Session, case: Case, passage: Passage) -> History:
    held: Sequence[int] = [seen.capture_id for seen in cases.passages_of(session, case)] or [passage.capture_id]
    same = or_(Capture.id.in_(held), Capture.revisit_of_id.in_(held))
    count, first, last = session.execute(
        select(func.count(), func.min(Capture.captured_at), func.max(Capture.captured_at)).where(same)
    ).one()
    rows = session.execute(
        select(Capture.id, Capture.captured_at).where(same).order_by(Capture.captured_at.desc()).limit(SEEN)
    )
    return History(first, last, count, tuple((row.id, row.captured_at) for row in rows))
