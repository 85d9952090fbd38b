"""Gather from the ledger what a bundle shows about its captures. It writes no file and makes no seal."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from ledger.bundle.evidence import CapturedFile, Evidence
from ledger.bundle.folder import PAYLOAD, Staging
from ledger.database import Ledger
from ledger.models import Capture

UNSEALED = "pas encore sous scellé"


def gather_evidence(ledger: Ledger, files: Mapping[int, str], stage: Staging) -> Evidence:
    """The captures, by number, with the staged file (name under `data/`) that holds the bytes of each."""
    with ledger.session() as session:
        rows = {row.id: row for row in session.scalars(select(Capture).where(Capture.id.in_(sorted(files))))}
    captures = tuple(
        CapturedFile(
            "capture",
            number,
            rows[number].url,
            rows[number].captured_at,
            files[number],
            stage.files[PAYLOAD + files[number]][1],
            revisit_of=rows[number].revisit_of_id,
            reason=UNSEALED,
        )
        for number in sorted(files)
    )
    return Evidence(captures)
