"""Verify one seal, or a folder of seals: form, chain, tokens. It asks no ledger what stands under them."""

from __future__ import annotations

import json
from pathlib import Path

from ledger.verifying.calendars import check_calendars
from ledger.verifying.verify import Bundle, Check


class Seals(Bundle):
    """The seals of a folder as a bundle that announces exactly those; one seal alone when `only` names it."""

    def __init__(self, folder: Path, only: str = "", **anchors: str) -> None:
        """Read the names; the files are read when a check needs them."""
        super().__init__(str(folder), **anchors)
        for path in sorted(folder.iterdir()):
            if path.is_file() and (not only or path.name.partition(".")[0] == only):
                self.files[f"data/seals/{path.name}"] = path
        seals = [int(name[11:-5]) for name in self.under("data/seals/", ".json")]
        tokens, proofs = ([name[11:] for name in self.under("data/seals/", suffix)] for suffix in (".tsr", ".ots"))
        announced = {
            "format": "vigie-evidence/1",
            "captures": [],
            "seals": seals,
            "tokens": tokens,
            "calendars": proofs,
            "custody": {"lines": 0, "withheld": 0, "reason": ""},
        }
        text = json.dumps(announced, sort_keys=True, separators=(",", ":")) + "\n"
        self.files["data/evidence.json"] = text.encode("ascii")


def verify_seal(path: Path, quick: bool = False, **anchors: str) -> list[Check]:
    """The checks of the seal in that file, with the tokens beside it; the rest of the chain is left alone."""
    found = Seals(path.parent, path.name.partition(".")[0], **anchors)
    checks = found.run("chain seal_stamps", quick)
    if found.under("data/seals/", ".ots"):
        checks += check_calendars(found, quick, anchors.get("block", ""))
    return checks
