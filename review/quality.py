"""How the reviewing goes: agreement, known cases, haste. It reads decisions and writes none; no voter may see it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger.desk import Ballot, ControlAnswer, ControlCase
from ledger.models import Reviewer, Verdict
from review import agreement
from review.agreement import Estimate
from review.rights import VOTING

RECENT = 20_000  # verdicts that agreement is measured on, the newest
LAST = 50  # decisions of a person that haste is judged on
HASTY_SECONDS = 3.0  # nobody reads a passage in less
HASTY_SHARE = 0.3
LONG_RUN = 25  # equal decisions in a row
FEWEST_CONTROLS = 10
GOOD_CONTROLS = 0.9
FEWEST_COMMON = 10  # cases that two people must share for a κ


@dataclass(frozen=True)
class PersonQuality:
    """One voter's figures. `warnings` are in French, for the administrator to talk about with the person."""

    login: str
    display_name: str
    decisions: int
    median_seconds: float | None
    controls: int
    right: int
    low: float
    high: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Two people and their κ."""

    first: str
    second: str
    cases: int
    kappa: float


@dataclass(frozen=True)
class Quality:
    """The whole picture."""

    alpha: Estimate
    ac1: Estimate
    pairs: tuple[Pair, ...]
    people: tuple[PersonQuality, ...]
    controls: int


def quality(session: Session) -> Quality:
    """Measure on the newest blind verdicts: the first two of each case; the third one is not blind."""
    blind = _blind(session)
    units = [tuple(decision for _, decision in given) for given in blind.values()]
    voters = list(session.scalars(select(Reviewer).where(Reviewer.role.in_(VOTING)).order_by(Reviewer.login)))
    names = {voter.id: voter.login for voter in voters}
    return Quality(
        alpha=agreement.estimate(units, agreement.krippendorff),
        ac1=agreement.estimate(units, lambda kinds, counts: agreement.gwet(kinds, counts, categories=3)),
        pairs=_pairs(blind, names),
        people=tuple(_person(session, voter) for voter in voters if voter.disabled_at is None),
        controls=session.scalar(select(func.count()).where(ControlCase.retired_at.is_(None))) or 0,
    )


def _blind(session: Session) -> dict[int, list[tuple[int, str]]]:
    rows = session.execute(
        select(Verdict.case_id, Verdict.reviewer_id, Verdict.decision).order_by(Verdict.id.desc()).limit(RECENT)
    ).all()
    given: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for case_id, reviewer_id, decision in reversed(rows):
        if len(given[case_id]) < 2:
            given[case_id].append((reviewer_id, decision))
    return given


def _pairs(blind: dict[int, list[tuple[int, str]]], names: dict[int, str]) -> tuple[Pair, ...]:
    common: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    for given in blind.values():
        if len(given) == 2:
            (a, first), (b, second) = sorted(given)
            common[a, b].append((first, second))
    found = []
    for (a, b), labels in common.items():
        kappa = agreement.cohen(labels) if len(labels) >= FEWEST_COMMON else None
        if kappa is not None:
            found.append(Pair(names.get(a, "?"), names.get(b, "?"), len(labels), kappa))
    return tuple(sorted(found, key=lambda pair: pair.kappa))


def _person(session: Session, voter: Reviewer) -> PersonQuality:
    last = session.execute(
        select(Ballot.decision, Ballot.seconds)
        .where(Ballot.reviewer_id == voter.id, Ballot.ending.in_(("verdict", "control")))
        .order_by(Ballot.id.desc())
        .limit(LAST)
    ).all()
    seconds = [row.seconds for row in last if row.seconds is not None]
    right, asked = _controls(session, voter.id)
    low, high = agreement.wilson(right, asked)
    warnings = []
    if len(seconds) >= 10 and sum(one < HASTY_SECONDS for one in seconds) / len(seconds) > HASTY_SHARE:
        warnings.append("Décide souvent en moins de trois secondes.")
    longest = max((len(list(run)) for _, run in groupby(row.decision for row in last)), default=0)
    if longest >= LONG_RUN:
        warnings.append(f"{longest} décisions identiques de suite.")
    if asked >= FEWEST_CONTROLS and high < GOOD_CONTROLS:
        warnings.append("Se trompe trop souvent sur les cas connus.")
    decisions = session.scalar(select(func.count()).where(Verdict.reviewer_id == voter.id)) or 0
    middle = median(seconds) if seconds else None
    return PersonQuality(voter.login, voter.display_name, decisions, middle, asked, right, low, high, tuple(warnings))


def _controls(session: Session, reviewer_id: int) -> tuple[int, int]:
    """Right answers and answers on known cases: those served as such, and verdicts given before the case was known."""
    right = asked = 0
    for table in (ControlAnswer, Verdict):
        rows = session.execute(
            select(table.decision, table.stance, ControlCase.decision, ControlCase.stance)
            .join(ControlCase, ControlCase.case_id == table.case_id)
            .where(table.reviewer_id == reviewer_id)
        )
        for said, stance, known, known_stance in rows:
            asked += 1
            right += said == known and (not known_stance or said != "confirm" or stance == known_stance)
    return right, asked
