"""The dossiers that editors ask for at the desk: asked, waiting, written or refused. It writes no dossier itself.

One request a case. It waits until a job answers it; a refused one may be made again, and the log keeps each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.desk import DossierRequest
from ledger.events import record
from ledger.models import Dossier
from ledger.sending_tables import DossierCase


class RequestStatus(StrEnum):
    """Where the dossier of a case stands."""

    NONE = "none"  # nobody asked, none was written
    WAITING = "waiting"
    REFUSED = "refused"
    WRITTEN = "written"


@dataclass(frozen=True)
class RequestState:
    """Where the dossier of one case stands, and since when; `gaps` say, in French, what it lacks."""

    status: RequestStatus
    at: datetime | None = None
    by: str = ""  # login of who asked; "" when nobody did
    name: str = ""  # of the dossier, once written
    complete: bool = False
    gaps: tuple[str, ...] = ()

    @property
    def may_ask(self) -> bool:
        """Whether an editor may ask (again)."""
        return self.status is not RequestStatus.WAITING


def ask(session: Session, case_id: int, login: str) -> bool:
    """Ask for the dossier of that case; False, and nothing changed, while an earlier request waits."""
    row = session.scalars(select(DossierRequest).where(DossierRequest.case_id == case_id)).first()
    if row is not None and row.answered_at is None:
        return False
    if row is None:
        row = DossierRequest(case_id=case_id, gaps=[])
        session.add(row)
    row.requested_by, row.at = login, datetime.now(UTC)
    row.answered_at, row.dossier_id, row.gaps = None, None, []
    session.flush()
    record(session, "dossier.requested", "case", case_id, login)
    return True


def waiting(session: Session) -> list[tuple[int, str]]:
    """The cases whose dossier is asked for and not answered, with who asked; the oldest first."""
    query = select(DossierRequest.case_id, DossierRequest.requested_by).where(DossierRequest.answered_at.is_(None))
    return [(case_id, login) for case_id, login in session.execute(query.order_by(DossierRequest.at))]


def answer_refused(session: Session, case_id: int, gaps: Sequence[str]) -> None:
    """The dossier could not be written; `gaps` say why."""
    row = _held(session, case_id)
    row.answered_at, row.dossier_id, row.gaps = datetime.now(UTC), None, list(gaps)
    record(session, "dossier.refused", "case", case_id, "vigie", gaps=list(gaps))


def answer_written(session: Session, cases: Iterable[int], manifest_sha256: str) -> None:
    """The dossier with that manifest was written: it answers the waiting requests of all its cases."""
    dossier = session.scalars(select(Dossier).where(Dossier.manifest_sha256 == manifest_sha256)).first()
    if dossier is None:
        raise ValueError("no dossier has that manifest")
    told = DossierRequest.case_id.in_(sorted(set(cases))), DossierRequest.answered_at.is_(None)
    for row in session.scalars(select(DossierRequest).where(*told)):
        row.answered_at, row.dossier_id, row.gaps = datetime.now(UTC), dossier.id, list(dossier.gaps)


def states(session: Session, ids: Iterable[int]) -> dict[int, RequestState]:
    """Where the dossiers of those cases stand; a dossier written by hand counts as one that was asked for."""
    wanted = sorted(set(ids))
    found = {number: RequestState(RequestStatus.NONE) for number in wanted}
    holding = select(DossierCase.case_id, Dossier).join(Dossier, Dossier.id == DossierCase.dossier_id)
    alone = select(Dossier.case_id, Dossier)  # of an older ledger, which named one case a dossier
    rows = [
        *session.execute(alone.where(Dossier.case_id.in_(wanted))),
        *session.execute(holding.where(DossierCase.case_id.in_(wanted))),
    ]
    for case_id, dossier in sorted(rows, key=lambda row: row[1].id):
        found[case_id] = RequestState(
            RequestStatus.WRITTEN, dossier.written_at, "", dossier.name, dossier.complete, tuple(dossier.gaps)
        )
    asked = select(DossierRequest).where(DossierRequest.case_id.in_(wanted), DossierRequest.dossier_id.is_(None))
    for row in session.scalars(asked):
        held = found[row.case_id]
        if row.answered_at is None:
            found[row.case_id] = RequestState(RequestStatus.WAITING, row.at, row.requested_by)
        elif held.at is None or held.at < row.answered_at:
            found[row.case_id] = RequestState(
                RequestStatus.REFUSED, row.answered_at, row.requested_by, gaps=tuple(row.gaps)
            )
    return found


def _held(session: Session, case_id: int) -> DossierRequest:
    return session.scalars(select(DossierRequest).where(DossierRequest.case_id == case_id)).one()
