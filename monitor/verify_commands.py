"""`vigie verify`: say, check by check, whether what lies at a path is what was written. It changes nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ledger.verifying.paths import verify_path
from monitor import console
from monitor.settings import load_settings

WORDS = {"passed": "conforme", "failed": "ÉCHEC", "not_applicable": "sans objet"}
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


def verify(
    path: Annotated[Path, typer.Argument(help="A home, an evidence store, a seal, a WACZ, a dossier or its ZIP.")],
    fingerprint: Annotated[str, typer.Option(help="The dossier's fingerprint, as received by another way.")] = "",
    signer: Annotated[str, typer.Option(help="SHA-256 of the organisation's certificate.")] = "",
    tsa_ca: Annotated[Path | None, typer.Option(help="Root certificate of the timestamp authority (PEM).")] = None,
    seal: Annotated[str, typer.Option(help="SHA-256 or root of a seal, known from elsewhere.")] = "",
    block: Annotated[str, typer.Option(help="Merkle root of a Bitcoin block, read elsewhere (OpenTimestamps).")] = "",
    json: JsonOption = False,
) -> None:
    """Verify what lies at PATH: each check passed, failed or not applicable; status 1 when one failed."""
    if tsa_ca is not None and not tsa_ca.is_file():
        raise typer.BadParameter(f"{tsa_ca}: there is no such file", param_hint="--tsa-ca")
    settings = load_settings()
    with console.progress("verify", json) as advance:
        found = verify_path(
            path,
            database_url=None if (path / "ledger.sqlite").is_file() else settings.database_url,
            advance=advance,
            fingerprint=_plain(fingerprint),
            signer=_plain(signer),
            tsa_ca=str(tsa_ca or ""),
            seal=_plain(seal),
            block=_plain(block),
        )
    for check in found.checks:
        if json:
            console.say_json(check._asdict())
        else:
            line = f"{WORDS[check.state]:10}  {check.title} : {check.detail}"
            console.out.print(line, markup=False, highlight=False, soft_wrap=True)
    if found.failed:
        raise SystemExit(1)


def _plain(text: str) -> str:
    """A fingerprint as evidence writes it, whatever separators and case it was copied with."""
    return re.sub(r"[\s:]", "", text).lower()
