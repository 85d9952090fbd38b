"""What decided cases teach the reader, and which open cases would teach it most. It decides nothing about a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from detection.corpus import Passage
from ledger import Ledger
from ledger.cases import CaseStatus, passages_by_case, statuses
from ledger.models import Case, Finding, Verdict

#: The stance a dismissal's reason means; reasons that are not here say nothing about the wording.
DISMISSED_AS = {
    "welcomes_beneficiaries": "acceptance",
    "neutral_information": "neutral",
    "legal_notice": "neutral",
    "applies_to_everyone": "neutral",
    "no_longer_holds": "acceptance",
    "false_friend": "none",
}
AUTHOR = "verdicts"


def taught(ledger: Ledger) -> Iterator[Passage]:
    """The wording of every confirmed or dismissed case as an annotated passage, in the order of the cases.

    The stance is the one most of the agreeing reviewers gave; where they gave none of use, the case is left out."""
    with ledger.session() as session:
        for case_id, status in sorted(statuses(session).items()):
            if status in {CaseStatus.CONFIRMED, CaseStatus.DISMISSED}:
                passage = _passage(session, case_id, confirmed=status is CaseStatus.CONFIRMED)
                if passage is not None:
                    yield passage


def _passage(session: Session, case_id: int, *, confirmed: bool) -> Passage | None:
    case = session.get_one(Case, case_id)
    finding = session.get_one(Finding, case.finding_id)
    votes = session.scalars(select(Verdict).where(Verdict.case_id == case_id).order_by(Verdict.id)).all()
    said = [vote.stance for vote in votes if vote.decision == "confirm" and vote.stance] if confirmed else [
        DISMISSED_AS[vote.reason] for vote in votes if vote.decision == "dismiss" and vote.reason in DISMISSED_AS
    ]  # fmt: skip
    pages = passages_by_case(session, [case_id]).get(case_id, [])
    if not said or not pages or finding.trigger not in pages[0].text:
        return None
    stance = Counter(said).most_common(1)[0][0]
    named = stance != "none"
    return Passage(
        id=f"{AUTHOR}-{case_id}",
        text=pages[0].text,
        field=pages[0].field,
        stance=stance,
        benefits=tuple(finding.benefits) if named else (),
        trigger=finding.trigger if named else "",
        author=AUTHOR,
        function="",
        pair="",
        others=(),
    )


def most_instructive(ledger: Ledger) -> list[tuple[int, float]]:
    """(case, confidence) of the open cases, the least sure reading first: what people say of those teaches most.

    For the administrator alone: reviewers keep the order of arrival, which tells them nothing of the machine."""
    with ledger.session() as session:
        waiting = [case for case, status in statuses(session).items() if status is CaseStatus.OPEN]
        rows = session.execute(
            select(Case.id, Finding.confidence).join(Finding, Finding.id == Case.finding_id).where(Case.id.in_(waiting))
        )
        return sorted(((case, sure) for case, sure in rows), key=lambda row: (row[1], row[0]))
