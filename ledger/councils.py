"""Keep what an Order answered about a practitioner's registration. It decides nothing and names no council itself."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.events import record
from ledger.models import Case, Identification
from ledger.sending_tables import CouncilAnswer


def confirm_council(
    session: Session, case_id: int, *, council: str, practice: str, answered_on: date, how: str, actor: str
) -> CouncilAnswer:
    """Add the answer for a case, and for the person when the listing is linked to a number; with its event.

    Raises `KeyError` for a case that does not exist.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise KeyError(case_id)
    query = (
        select(Identification).where(Identification.listing_id == case.listing_id).order_by(Identification.id.desc())
    )
    newest = session.scalars(query.limit(1)).first()
    answer = CouncilAnswer(
        case_id=case_id,
        rpps=newest.rpps if newest is not None and newest.status == "linked" else "",
        council=council,
        practice=practice,
        answered_on=answered_on,
        how=how,
        actor=actor,
        recorded_at=datetime.now(UTC),
    )
    session.add(answer)
    record(session, "council_confirmed", "case", case_id, actor, council=council, practice=practice, how=how)
    return answer
