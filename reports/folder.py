"""Write a set of files so that it appears whole or not at all: a hidden folder beside, then renames."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ledger import StoreFull
from reference.errors import VigieError

PARTIAL = ".partial-"
MANIFEST = "SHA256SUMS"
FULL = (errno.ENOSPC, errno.EDQUOT)
STORED_SUFFIXES = (".gz", ".pdf")


class CannotWrite(VigieError):
    """The place for the dossier cannot be written to, or already holds one of the same name."""


@dataclass
class Staging:
    """A folder being built, out of sight, and what it holds so far: name to (size, SHA-256)."""

    folder: Path
    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    def write(self, name: str, data: bytes) -> str:
        """Keep one file for good; its SHA-256."""
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        path.chmod(0o600)
        digest = hashlib.sha256(data).hexdigest()
        self.files[name] = (len(data), digest)
        return digest

    def seal(self) -> str:
        """Write the manifest that `sha256sum -c` reads, over every file so far; the manifest's own SHA-256."""
        lines = [f"{digest}  {name}\n" for name, (_, digest) in sorted(self.files.items())]
        return self.write(MANIFEST, "".join(lines).encode())

    def pack(self, target: Path, name: str, at: datetime) -> None:
        """Write the same files under the folder `name` as a ZIP, of the same bytes every time."""
        with target.open("xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for inner in sorted(self.files):
                    entry = zipfile.ZipInfo(f"{name}/{inner}", at.astimezone(UTC).timetuple()[:6])
                    stored = inner.endswith(STORED_SUFFIXES)
                    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                    entry.external_attr = 0o100600 << 16
                    archive.writestr(entry, (self.folder / inner).read_bytes())
            file.flush()
            os.fsync(file.fileno())
        target.chmod(0o600)


@contextmanager
def told(out: Path) -> Iterator[None]:
    """Turn the system's ways of refusing into one clear line: `StoreFull` for a full disk, else `CannotWrite`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StoreFull(f"{out} : le disque est plein ; aucun dossier n’a été écrit") from error
        raise CannotWrite(f"{out} : impossible d’y écrire un dossier ({error.strerror or error})") from error


@contextmanager
def staging(out: Path) -> Iterator[Staging]:
    """A hidden folder in `out`, removed at the end whatever happens, unless `publish` has taken it away."""
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=out))
    try:
        yield Staging(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def published(stage: Staging, out: Path, name: str, at: datetime) -> Iterator[tuple[Path, Path]]:
    """Give the folder and its ZIP their names; when the block fails (the ledger refused), both disappear again."""
    folder, archive = out / name, out / f"{name}.zip"
    packed = out / f"{stage.folder.name}.zip"
    placed: list[Path] = []
    kept = False
    try:
        stage.pack(packed, name, at)
        for inner in (stage.folder, *(path for path in stage.folder.rglob("*") if path.is_dir())):
            _sync(inner)
        if folder.exists() or archive.exists():
            raise CannotWrite(f"{folder} : un dossier de ce nom vient d’être écrit ; recommencez")
        packed.rename(archive)
        placed.append(archive)
        stage.folder.rename(folder)
        placed.append(folder)
        _sync(out)
        yield folder, archive
        kept = True
    finally:
        packed.unlink(missing_ok=True)
        for path in () if kept else placed:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def free_name(out: Path, base: str) -> str:
    """`base`, or the first of `base-2`, `base-3`… that names nothing in `out`: a dossier is never written over."""
    number, name = 1, base
    while (out / name).exists() or (out / f"{name}.zip").exists():
        number += 1
        name = f"{base}-{number}"
    return name


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
