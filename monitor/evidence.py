"""The jobs of the evidence: seal and stamp, check fixity, erase what has had its time. Each may run at any time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from crawler.settings import SOFTWARE
from ledger import Ledger
from ledger.erasure import ErasedReport, erase, finish_erasures, outdated
from ledger.fixity import FixityReport, check_fixity, is_due
from ledger.sealing.calendar_passes import CalendarReport, calendars_due
from ledger.sealing.files import FilesReport, write_files
from ledger.sealing.seals import SealMade, make_seals
from ledger.sealing.stamping import StampReport, stamp_due
from ledger.sealing.tokens import Transport
from ledger.working import forget_working_copies
from monitor.authorities import authorities_of, calendar_over_http, calendars_of, over_http
from monitor.settings import Settings

OUT_OF_TIME = "durée de conservation écoulée"


@dataclass(frozen=True)
class SealReport:
    """What one pass did: seals made, tokens received, files written."""

    made: tuple[SealMade, ...]
    stamps: StampReport
    calendars: CalendarReport
    files: FilesReport

    def as_json(self) -> dict[str, Any]:
        """The report as one object for machines."""
        return {
            "seals": [asdict(seal) for seal in self.made],
            "stamped": self.stamps.stamped,
            "waiting": self.stamps.waiting,
            "authorities": self.stamps.authorities,
            "failed": self.stamps.failed,
            "calendars": asdict(self.calendars),
            "files_written": self.files.written,
            "files_differing": list(self.files.differing),
        }


def seal_and_stamp(
    ledger: Ledger, settings: Settings, *, everything: bool = False, ask: Transport | None = None
) -> SealReport:
    """Seal what is not sealed, ask for the stamps that are due (or all that are missing), write the files.

    An authority that fails is a recorded state. Raises `BadSettings` or `BadCertificates` for the configuration, and
    what the ledger raises for a disk or a database that fails.
    """
    authorities = authorities_of(settings)
    made = make_seals(ledger, SOFTWARE)
    stamps = stamp_due(
        ledger,
        authorities,
        ask or over_http(settings.stamp_seconds),
        wanted=settings.stamps_wanted,
        everything=everything,
    )
    reach = calendar_over_http(settings.stamp_seconds)
    calendars = calendars_due(ledger, calendars_of(settings), reach, everything=everything)
    return SealReport(tuple(made), stamps, calendars, write_files(ledger))


def fixity_if_due(ledger: Ledger, settings: Settings) -> FixityReport | None:
    """Check the store when its last check is `fixity_days` old; `None` when it is not."""
    if not is_due(ledger, timedelta(days=settings.fixity_days)):
        return None
    return check_fixity(ledger)


def purge(ledger: Ledger, settings: Settings, actor: str = "vigie") -> ErasedReport:
    """Erase captures older than `keep_days` that no case needs, finish erasures cut short, drop working copies.

    Without `keep_days` nothing is out of time.
    """
    forget_working_copies(ledger)
    if settings.keep_days is None:
        return finish_erasures(ledger)
    before = datetime.now(UTC) - timedelta(days=settings.keep_days)
    return erase(ledger, outdated(ledger, before), reason=OUT_OF_TIME, actor=actor)
