"""`vigie doctor`: does this installation have what it needs, and is the evidence what it was? It repairs nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from sqlalchemy import select

from ledger import Ledger
from ledger.models import Capture
from monitor.settings import Settings
from reference import load_reference
from reference.errors import VigieError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOW_DISK = 2 * 1024**3  # bytes; below this a crawl may not finish its week


@dataclass(frozen=True)
class Check:
    """One finding about the installation: `state` is passed, absent or failed."""

    name: str
    state: str
    detail: str


def _evidence(ledger: Ledger) -> Check:
    """Re-hash every stored capture."""
    bad: list[str] = []
    seen = 0
    with ledger.session() as session:
        addresses = select(Capture.warc_sha256).where(Capture.warc_sha256.is_not(None)).distinct()
        for address in session.scalars(addresses.execution_options(yield_per=500)):
            seen += 1
            try:
                ledger.store.read(str(address))
            except VigieError as error:
                bad.append(str(error))
    if bad:
        return Check("evidence", "failed", f"{len(bad)} of {seen} captures: {bad[0]}")
    return Check("evidence", "passed", f"{seen} captures re-hashed")


def examine(settings: Settings) -> list[Check]:
    """All checks, in the order an administrator would make them."""
    checks = []
    reference = load_reference()
    checks.append(
        Check("reference", "passed", f"{len(reference.platforms)} platforms, {len(reference.articles)} articles")
    )
    try:
        ledger = Ledger.open(settings.home, settings.database_url, create=False)
    except VigieError as error:
        checks.append(Check("ledger", "failed", str(error)))
    else:
        checks.append(Check("ledger", "passed", ledger.engine.dialect.name))
        checks.append(_evidence(ledger))
        ledger.close()
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    checks.append(
        Check("browser", "passed" if browser else "absent", browser or "no Chromium: captures stay « absent »")
    )
    folder = settings.home if settings.home.exists() else settings.home.absolute().parent
    free = shutil.disk_usage(folder).free if folder.exists() else 0
    checks.append(Check("disk", "passed" if free > LOW_DISK else "failed", f"{free / 1024**3:.1f} GiB free"))
    return checks
