"""Write files so that they appear whole or not at all: a hidden folder beside, then renames. It knows no case."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ledger.bundle.zipping import Content, write_zip
from ledger.errors import StoreFull
from reference.errors import VigieError

PARTIAL = ".partial-"
PAYLOAD = "data/"
FULL = (errno.ENOSPC, errno.EDQUOT)


class CannotWrite(VigieError):
    """The place for the bundle cannot be written to, or already holds one of the same name."""


@dataclass
class Staging:
    """A folder being built, out of sight, and what it holds so far: name to (size, SHA-256).

    What is written goes to `data/`, the bag's payload; `write_tag` is for the bag's own files.
    """

    folder: Path
    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    def write(self, name: str, data: bytes) -> str:
        """Keep one file of the payload for good; its SHA-256."""
        return self.write_tag(PAYLOAD + name, data)

    def write_tag(self, name: str, data: bytes) -> str:
        """Keep one file at the top of the bag; its SHA-256."""
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

    def read(self, name: str) -> bytes:
        """The bytes of a file already written, named from the top of the bag."""
        return (self.folder / name).read_bytes()

    def pack(self, target: Path, name: str) -> None:
        """Write the same files under the folder `name` as the one ZIP they can give."""
        members: dict[str, Content] = {f"{name}/{inner}": self.folder / inner for inner in self.files}
        with target.open("xb") as file:
            write_zip(file, members)
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
    """A hidden folder in `out`, removed at the end whatever happens, unless `published` has taken it away.

    What a killed process left half-made in `out` is removed first; what another one is making is left alone.
    """
    out.mkdir(parents=True, exist_ok=True)
    tidy(out)
    folder = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=out))
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # the system lets it go when this process dies: that is how `tidy` knows
        yield Staging(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def tidy(out: Path) -> None:
    """Remove hidden leftovers of processes that died while they wrote into `out`."""
    for path in sorted(out.glob(f"{PARTIAL}*")):
        owner = path.with_suffix("") if path.suffix == ".zip" else path
        if owner.exists() and _held(owner):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _held(path: Path) -> bool:
    """Whether a living process is making it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def published(stage: Staging, out: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """Give the ZIP and the folder their names once the block, which records that they leave, has ended well.

    The record comes first: a process killed between leaves a line too many in the log, never a bundle that it does not
    know. When the block fails nothing appears; when a name cannot be given, what was named before disappears again.
    """
    folder, archive = out / name, out / f"{name}.zip"
    packed = out / f"{stage.folder.name}.zip"
    placed: list[Path] = []
    kept = False
    try:
        stage.pack(packed, name)
        for inner in (stage.folder, *(path for path in stage.folder.rglob("*") if path.is_dir())):
            _sync(inner)
        if folder.exists() or archive.exists():
            raise CannotWrite(f"{folder} : un dossier de ce nom vient d’être écrit ; recommencez")
        yield folder, archive
        packed.rename(archive)
        placed.append(archive)
        stage.folder.rename(folder)
        placed.append(folder)
        _sync(out)
        kept = True
    finally:
        packed.unlink(missing_ok=True)
        for path in () if kept else placed:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def free_name(out: Path, base: str) -> str:
    """`base`, or the first of `base-2`, `base-3`… that names nothing in `out`: a bundle is never written over."""
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
