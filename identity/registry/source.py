"""Find the files of one extraction: a text file, its skills file beside it, or both in a zip. It reads no row."""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from identity.registry.errors import BadExtraction

ACTIVITY, SKILLS = "personne_activite", "savoirfaire"
LARGEST = 8 << 30  # bytes a member of the zip may unpack to; the real one has about one billion
_STAMP = re.compile(r"(?<!\d)(20\d\d)(\d\d)(\d\d)(?:\d{4})?(?!\d)")


@dataclass(frozen=True)
class Source:
    """The files of one extraction and the day it says it was made."""

    name: str
    activity: Path
    skills: Path | None
    day: date


@contextmanager
def open_source(file: Path, skills: Path | None, day: date | None, scratch: Path) -> Iterator[Source]:
    """The files to read; those of a zip are unpacked under `scratch` and removed at the end.

    The day is that of the file's name (AAAAMMJJ) unless it is given. Raises `BadExtraction`.
    """
    if not file.is_file():
        raise BadExtraction(f"{file}: there is no such file")
    if not zipfile.is_zipfile(file):
        beside = skills or _beside(file)
        yield Source(file.name, file, beside, day or _day(file.name, file.name))
        return
    with TemporaryDirectory(prefix="registry-", dir=scratch) as folder:
        try:
            with zipfile.ZipFile(file) as bag:
                activity = _unpack(bag, ACTIVITY, Path(folder), file)
                inside = skills or _unpack(bag, SKILLS, Path(folder), file)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise BadExtraction(f"{file.name}: the zip cannot be unpacked ({error})") from error
        if activity is None:
            raise BadExtraction(f"{file.name}: the zip holds no PS_LibreAcces_Personne_activite_*.txt")
        yield Source(file.name, activity, inside, day or _day(activity.name, file.name))


def _beside(file: Path) -> Path | None:
    """The skills file of the same extraction in the same folder."""
    name = re.sub("personne_activite", "SavoirFaire", file.name, flags=re.IGNORECASE)
    other = file.with_name(name)
    return other if name != file.name and other.is_file() else None


def _unpack(bag: zipfile.ZipFile, kind: str, folder: Path, file: Path) -> Path | None:
    for member in bag.infolist():
        name = PurePosixPath(member.filename).name
        if kind in name.lower() and name.lower().endswith((".txt", ".csv")):
            if member.file_size > LARGEST:
                raise BadExtraction(f"{file.name}: {name} would unpack to {member.file_size} bytes")
            path = folder / name
            with bag.open(member) as packed, path.open("wb") as sink:
                shutil.copyfileobj(packed, sink, 1 << 20)
            return path
    return None


def _day(*names: str) -> date:
    for name in names:
        if found := _STAMP.search(name):
            try:
                return date(*map(int, found.groups()[:3]))
            except ValueError:
                continue
    raise BadExtraction(f"{names[-1]}: the name holds no date (AAAAMMJJ); say which day it shows with --date")
