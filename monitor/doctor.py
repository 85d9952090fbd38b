"""`vigie doctor`: does this installation have what it needs, and is the evidence what it was? It repairs nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from crawler.browser import find_chromium
from ledger import Ledger, fixity
from ledger.custody import check_chain
from ledger.sealing.check import check_seals
from monitor.authorities import authorities_of
from monitor.settings import Settings
from reference import load_reference
from reference.errors import VigieError

LOW_DISK = 2 * 1024**3  # bytes; below this a crawl may not finish its week


@dataclass(frozen=True)
class Check:
    """One finding about the installation: `state` is passed, absent or failed."""

    name: str
    state: str
    detail: str


def _evidence(ledger: Ledger) -> Check:
    """Hash again all evidence that should be there."""
    report = fixity.examine(ledger)
    if report.damages:
        first = report.damages[0]
        told = f"{len(report.damages)} of {report.files} files: {first.kind} {first.number}: {first.reason}"
        return Check("evidence", "failed", told)
    return Check("evidence", "passed", f"{report.files} files hashed again")


def _custody(ledger: Ledger) -> Check:
    """Walk the custody log and the seals."""
    chain, seals = check_chain(ledger), check_seals(ledger)
    faults = [f"event {fault.sequence}: {fault.what}" for fault in chain.faults] + list(seals.faults)
    if faults:
        return Check("custody", "failed", f"{len(faults)} faults: {faults[0]}")
    return Check("custody", "passed", f"{chain.events} events, {seals.seals} seals")


def _authorities(settings: Settings) -> Check:
    """Enough authorities for the tokens that are wanted, and the means to check what they answer."""
    try:
        count = len(authorities_of(settings))
    except VigieError as error:
        return Check("authorities", "failed", str(error))
    if shutil.which("openssl") is None:
        return Check("authorities", "absent", "no openssl: tokens cannot be checked, so none is kept")
    if count < settings.stamps_wanted:
        return Check("authorities", "absent", f"{count} set up, {settings.stamps_wanted} wanted: seals stay unstamped")
    return Check("authorities", "passed", f"{count} set up")


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
        checks.append(_custody(ledger))
        ledger.close()
    checks.append(_authorities(settings))
    browser = find_chromium()
    told = str(browser) if browser else "no Chromium: clean captures stay « absent »"
    checks.append(Check("browser", "passed" if browser else "absent", told))
    folder = settings.home if settings.home.exists() else settings.home.absolute().parent
    free = shutil.disk_usage(folder).free if folder.exists() else 0
    checks.append(Check("disk", "passed" if free > LOW_DISK else "failed", f"{free / 1024**3:.1f} GiB free"))
    return checks
