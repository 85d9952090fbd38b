"""Write the dossiers that editors asked for at the desk. It decides nothing: what may not leave is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger import Ledger
from ledger.dossier_requests import answer_refused, answer_written, waiting
from ledger.lock import exclusive
from monitor import evidence
from monitor.settings import Settings
from monitor.signing import means_of

FOLDER = "dossiers"  # in the home, where no other was named


@dataclass
class Answered:
    """What one pass did: the folders written, and the cases refused with their gaps."""

    written: list[str] = field(default_factory=list)
    refused: dict[int, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"written": self.written, "refused": {str(number): gaps for number, gaps in self.refused.items()}}


def write_requested(ledger: Ledger, settings: Settings, out: Path | None = None) -> Answered:
    """Answer every request that waits, oldest first: a complete dossier in `out`, or the reasons why there is none.

    A dossier tells all confirmed cases of one person and answers the requests of them all. Raises what the disk and
    the database raise (`StoreFull`, `LedgerUnavailable`, `CannotWrite`): what was not answered waits.
    """
    from reports import DossierRefused, write_dossier
    from review.decide import settle_due

    done = Answered()
    with ledger.session() as session:
        if not waiting(session):
            return done  # without asking for the home, which a crawl may hold for hours
    with exclusive(settings.home, "dossier"):
        with ledger.session() as session:
            settle_due(session)
            asked = waiting(session)
        evidence.seal_and_stamp(ledger, settings)  # what leaves is sealed first
        means, folder = means_of(settings), out or settings.home / FOLDER
        for case_id, login in asked:
            with ledger.session() as session:
                if case_id not in {number for number, _ in waiting(session)}:
                    continue  # the dossier of another case of the same person answered it
            try:
                written = write_dossier(ledger, case_id, folder, actor=login, means=means)
            except DossierRefused as refusal:
                with ledger.session() as session:
                    answer_refused(session, case_id, refusal.gaps)
                done.refused[case_id] = list(refusal.gaps)
                continue
            with ledger.session() as session:
                answer_written(session, {case_id, *written.cases}, written.manifest_sha256)
            done.written.append(str(written.path))
    return done
