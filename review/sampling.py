"""A random draw each month, read by people, to bound what is missed. It draws and counts; it changes no verdict.

598 passages without a miss bound the share of misses under 0.5 % with 95 % certainty (`agreement.upper_bound`).
"""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, func, insert, not_, select
from sqlalchemy.orm import Session

from ledger import events
from ledger.desk import Docket, Sample, SampleAnswer, SampleItem
from ledger.models import Case, Finding, Passage
from ledger.text import ERASED
from reference.errors import VigieError
from review.agreement import upper_bound

SIZE = 598
KINDS = ("dismissed", "unflagged")
ANSWERS = ("yes", "no", "doubt")


class DrawRefused(VigieError):
    """Nothing can be drawn, or this month's draw exists."""


@dataclass(frozen=True)
class Result:
    """What one draw says so far. A doubt counts as a miss: the bound must hold."""

    kind: str
    month: str
    population: int
    size: int
    read: int
    missed: int
    doubts: int

    @property
    def bound(self) -> float:
        """The share of misses that is exceeded with 5 % probability at most, from what was read."""
        return upper_bound(self.missed + self.doubts, self.read)


def draw(session: Session, kind: str, actor: str, size: int = SIZE, at: datetime | None = None) -> Sample:
    """Draw this month's sample of that kind. Raises `DrawRefused`. The seed is kept: the draw can be made again."""
    now = at or datetime.now(UTC)
    month = f"{now:%Y-%m}"
    if kind not in KINDS:
        raise DrawRefused(f"Tirage inconnu : {kind}.")
    if session.scalar(select(Sample.id).where(Sample.kind == kind, Sample.month == month)) is not None:
        raise DrawRefused("Le tirage de ce mois est déjà fait.")
    population = list(session.scalars(_population(kind)))
    if not population:
        raise DrawRefused("Il n’y a encore rien à tirer.")
    seed = secrets.token_hex(16)
    chosen = random.Random(seed).sample(population, min(size, len(population)))
    sample = Sample(kind=kind, month=month, drawn_at=now, seed=seed, population=len(population), size=len(chosen))
    session.add(sample)
    session.flush()
    session.execute(insert(SampleItem), [{"sample_id": sample.id, "passage_id": number} for number in chosen])
    events.record(session, "sample.drawn", "sample", sample.id, actor, drawn=kind, month=month, seed=seed)
    return sample


def next_item(session: Session, reviewer_id: int) -> tuple[SampleItem, Passage] | None:
    """A passage of the draws that nobody has read yet; people start at different places."""
    read = select(SampleAnswer.id).where(SampleAnswer.item_id == SampleItem.id).exists()
    query = select(SampleItem, Passage).join(Passage, Passage.id == SampleItem.passage_id).where(not_(read))
    place = (SampleItem.id * 7919 + reviewer_id * 104_729) % 1009
    row = session.execute(query.order_by(place, SampleItem.id).limit(1)).one_or_none()
    return None if row is None else (row[0], row[1])


def answer(session: Session, item_id: int, reviewer_id: int, said: str, actor: str) -> None:
    """Write down what was read in one passage. Raises `DrawRefused` when it is answered or unknown."""
    if said not in ANSWERS:
        raise DrawRefused("Répondez oui, non ou doute.")
    if session.get(SampleItem, item_id) is None:
        raise DrawRefused("Ce passage ne fait partie d’aucun tirage.")
    if session.scalar(select(SampleAnswer.id).where(SampleAnswer.item_id == item_id)) is not None:
        raise DrawRefused("Ce passage a déjà été lu.")
    session.add(SampleAnswer(item_id=item_id, reviewer_id=reviewer_id, at=datetime.now(UTC), answer=said))
    session.flush()
    events.record(session, "sample.answered", "sample_item", item_id, actor)


def results(session: Session, months: int = 12) -> list[Result]:
    """The draws of the last months, newest first."""
    counts = (
        select(SampleItem.sample_id, SampleAnswer.answer, func.count())
        .join(SampleAnswer, SampleAnswer.item_id == SampleItem.id)
        .group_by(SampleItem.sample_id, SampleAnswer.answer)
    )
    said: dict[int, dict[str, int]] = {}
    for sample_id, what, count in session.execute(counts):
        said.setdefault(sample_id, {})[what] = count
    rows = session.scalars(select(Sample).order_by(Sample.month.desc(), Sample.kind).limit(months * len(KINDS)))
    return [
        Result(
            row.kind,
            row.month,
            row.population,
            row.size,
            sum(said.get(row.id, {}).values()),
            said.get(row.id, {}).get("yes", 0),
            said.get(row.id, {}).get("doubt", 0),
        )
        for row in rows
    ]


def _population(kind: str) -> Select[int]:
    if kind == "dismissed":
        return (
            select(Finding.passage_id)
            .join(Case, Case.finding_id == Finding.id)
            .join(Docket, Docket.case_id == Case.id)
            .where(Docket.dismisses >= 2)
            .order_by(Finding.passage_id)
        )
    flagged = select(Finding.id).where(Finding.passage_id == Passage.id, Finding.flagged).exists()
    read = select(Finding.id).where(Finding.passage_id == Passage.id).exists()
    standing = Passage.text.not_like(f"{ERASED}%")  # an erased text can be read by nobody
    return select(Passage.id).where(read, not_(flagged), standing).order_by(Passage.id)
