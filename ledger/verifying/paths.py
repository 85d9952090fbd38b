"""Tell what lies at a path, and verify it with the checks of its kind. It knows no check itself."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.verifying.calendars import check_calendars
from ledger.verifying.home import verify_home, verify_store
from ledger.verifying.pdf import signed_pdfs
from ledger.verifying.seal import verify_seal
from ledger.verifying.verify import FAILED, Bundle, Check
from ledger.verifying.wacz import verify_wacz
from reference.errors import VigieError

SEAL = re.compile(r"\d{6,}\.json")
Advance = Callable[[int, int | None], None]


class NothingToVerify(VigieError):
    """What lies at the path is none of the things that can be verified."""


@dataclass(frozen=True)
class Verified:
    """What was found at a path, and every check of it."""

    path: Path
    kind: str  # bundle | wacz | seal | home | store
    checks: tuple[Check, ...]

    @property
    def failed(self) -> bool:
        """Whether one check failed."""
        return any(check.state == FAILED for check in self.checks)


def kind_of(path: Path) -> str:
    """What lies there. Raises `NothingToVerify`, in one line."""
    if path.is_dir():
        if (path / "bagit.txt").is_file() or (path / "closing.json").is_file():
            return "bundle"
        if (path / "ledger.sqlite").is_file() or (path / "evidence").is_dir():
            return "home"
        if path.name == "evidence" or any(re.fullmatch(r"[0-9a-f]{2}", one.name) for one in path.iterdir()):
            return "store"
        raise NothingToVerify(f"{path}: neither a bundle, nor a home, nor an evidence store")
    if not path.is_file():
        raise NothingToVerify(f"{path}: there is nothing")
    if SEAL.fullmatch(path.name):
        return "seal"
    with path.open("rb") as file:
        head = file.read(4)
    if path.suffix == ".wacz":
        return "wacz"
    if head == b"PK\x03\x04" or path.suffix == ".zip":
        return "wacz" if _is_wacz(path) else "bundle"
    raise NothingToVerify(f"{path}: neither a bundle, nor a WACZ, nor a seal")


def _is_wacz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "datapackage.json" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def verify_path(
    path: Path, *, database_url: str | None = None, quick: bool = False, advance: Advance | None = None, **anchors: str
) -> Verified:
    """Every check of what lies at the path; with `quick`, up to the first that failed.

    `anchors` is what is known from elsewhere (`ledger.verifying.verify.ANCHORS`). `database_url` is the PostgreSQL
    of a home that has one. Raises `NothingToVerify` or `NoLedger`.
    """
    kind = kind_of(path)
    if kind == "bundle":
        checks = verify_bundle(path, quick, **anchors)
    elif kind == "wacz":
        checks = verify_wacz(path.read_bytes(), quick, **anchors)
    elif kind == "seal":
        checks = verify_seal(path, quick, **anchors)
    elif kind == "home":
        checks = verify_home(path, database_url, quick, advance, **anchors)
    else:
        checks = verify_store(path, quick, **anchors)
    return Verified(path, kind, tuple(checks))


def verify_bundle(path: Path, quick: bool = False, **anchors: str) -> list[Check]:
    """The checks of `verify.py`, then those that need more than Python alone: the WACZ and the PDF inside."""
    bundle = Bundle(str(path), **anchors)
    checks = bundle.run(quick=quick)
    if any(check.state == FAILED and (quick or check.name == "zip") for check in checks):
        return checks
    for name in bundle.under("data/", ".wacz"):
        for check in verify_wacz(bundle.get(name), quick):
            if check.name in ("zip", "package", "warc", "index"):
                checks.append(check._replace(name=f"wacz_{check.name}", title=f"{name[5:]} : {check.title}"))
    if bundle.under("data/seals/", ".ots"):
        checks.extend(check_calendars(bundle, quick, anchors.get("block", "")))
    checks.extend(signed_pdfs({name: bundle.get(name) for name in bundle.under("data/", ".pdf")}))
    return checks


def as_json(check: Check) -> str:
    """One check as one line for machines."""
    return json.dumps(check._asdict(), ensure_ascii=False)
