"""The columns of the public extraction, found by name in whatever order and spelling they come. It reads no row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from identity.names import words
from identity.registry.errors import BadExtraction

DATA = Path(__file__).parent.parent / "data" / "columns.yaml"
SKILLS_ID = ("national_id",)  # what the skills file must have beside the skills


@dataclass(frozen=True)
class Column:
    """A column that is kept: our name for it and those of the files, the newest last."""

    code: str
    names: tuple[str, ...]
    skill: bool


@dataclass(frozen=True)
class Layout:
    """Where the columns stand in one file: `names` is every column in order, ours where it is kept, else a filler."""

    names: tuple[str, ...]
    has_skills: bool


@cache
def columns() -> tuple[Column, ...]:
    """The columns that are kept, in the order of `columns.yaml`."""
    entries = yaml.safe_load(DATA.read_text("utf-8"))["entries"]
    return tuple(Column(code, tuple(e["names"]), bool(e.get("skill"))) for code, e in entries.items())


TEXT = tuple(column.code for column in columns())


def read_layout(path: Path, *, skills_file: bool = False) -> Layout:
    """The layout of a file from its first line. Raises `BadExtraction` naming the column that is missing.

    The skills may all be absent from the activity file (`has_skills` is then False); some alone may not.
    """
    shown = _first_line(path)
    places: dict[str, int] = {}
    for at, name in enumerate(shown):
        places.setdefault(_key(name), at)
    found = {c.code: places[_key(name)] for c in columns() for name in c.names if _key(name) in places}
    skills = [c for c in columns() if c.skill]
    has_skills = any(c.code in found for c in skills)
    for column in columns():
        wanted = column.code in SKILLS_ID or column.skill if skills_file else not column.skill or has_skills
        if wanted and column.code not in found:
            raise BadExtraction(f"{path.name}: the column « {column.names[-1]} » is missing from the first line")
    names = [f"unused_{at}" for at in range(len(shown))]
    for code, at in found.items():
        names[at] = code
    return Layout(tuple(names), has_skills)


def _key(name: str) -> str:
    return " ".join(words(name))


def _first_line(path: Path) -> list[str]:
    try:
        with path.open("rb") as stream:
            line = stream.readline(65_536)
    except OSError as error:
        raise BadExtraction(f"{path}: {error.strerror}") from error
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadExtraction(f"{path.name}: the first line is not UTF-8") from error
    if "|" not in text:
        raise BadExtraction(f"{path.name}: the first line is not a header of columns parted by « | »")
    return text.rstrip("\r\n").split("|")
