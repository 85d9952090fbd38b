"""Read the register: who stands under a key, and what was said of them on a day. It judges no likeness.

Everything is mapped from the files, so that opening costs nothing and the memory is the system's to take back.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from identity.registry import files
from identity.registry.columns import TEXT
from identity.registry.errors import NoRegistry
from identity.registry.keys import hashed

MOST_PERSONS = 2_000  # persons looked at for one key: beyond, the key tells nobody apart
CACHED = 20_000


class Activity(NamedTuple):
    """One row of the register with its days (`until` "" while it holds); see `columns.yaml` for the fields."""

    pid: int
    since: str
    until: str
    family_n: int
    given_n: int
    fields: Mapping[str, str]


@dataclass(frozen=True)
class State:
    """One loaded extraction: the day it shows, its file and how many people it names."""

    day: str
    kind: str
    file: str
    sha256: str
    rows: int
    persons: int


class Registry:
    """The register of one home, as it stood when it was opened."""

    def __init__(self, registry: Path) -> None:
        """Open the register in the folder `registry`. Raises `NoRegistry`."""
        folder = files.current(registry)
        if folder is None:
            raise NoRegistry(f"{registry}: no register is loaded; `vigie registry load FILE` loads one")
        meta = files.read_meta(folder)
        self.states = tuple(State(**{name: s[name] for name in State.__dataclass_fields__}) for s in meta["states"])
        self.towns: Mapping[str, list[str]] = meta["towns"]
        self._places: Mapping[str, int] = meta["places"]
        self._skills: Mapping[str, int] = meta["skills"]
        self._days = [state.day for state in self.states]
        self._trades: dict[tuple[str, str], int] = {}
        for code, prefix, count in meta["trades"]:
            for at in ((code, prefix), (code, ""), ("", prefix), ("", "")):
                self._trades[at] = self._trades.get(at, 0) + count
        try:
            self._pids, self._offsets, self._keys, self._owners, self._names, self._bearers = (
                np.load(folder / f"{name}.npy", mmap_mode="r")
                for name in ("pids", "offsets", "keys", "owners", "names", "bearers")
            )
            with (folder / "rows.txt").open("rb") as stream:
                self._rows = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise NoRegistry(f"{folder}: the register is damaged ({error}); load it anew") from error
        self.person = lru_cache(maxsize=CACHED)(self._person)

    @classmethod
    def of_home(cls, home: Path) -> Registry | None:
        """The register of a home; None where none was loaded."""
        return cls(home / files.FOLDER) if (home / files.FOLDER / "current").exists() else None

    @property
    def persons(self) -> int:
        """How many people the last state names."""
        return self.states[-1].persons

    def state_on(self, day: date | None) -> tuple[State, bool]:
        """(the state in force on a day, whether it is later than that day). No day means today's."""
        if day is None:
            return self.states[-1], False
        at = bisect_right(self._days, day.isoformat())
        return self.states[max(0, at - 1)], at == 0

    def find(self, keys: Iterable[str]) -> list[int]:
        """The persons (first rows, sorted) that stand under any of these texts of `identity.registry.keys`."""
        wanted = np.fromiter({hashed(key) for key in keys}, np.uint64)
        first = np.searchsorted(self._keys, wanted, "left")
        last = np.searchsorted(self._keys, wanted, "right")
        found: set[int] = set()
        for a, b in zip(first.tolist(), last.tolist(), strict=True):
            if a < b:
                found.update(self._owners[a : min(b, a + MOST_PERSONS)].tolist())
        return sorted(found)

    def number(self, rpps: str) -> int | None:
        """The person of a register number of eleven digits; None when the register never knew it."""
        pid = int("8" + rpps)
        at = int(np.searchsorted(self._pids, pid))
        return at if at < len(self._pids) and int(self._pids[at]) == pid else None

    def bearers(self, name: str) -> int:
        """How many people bear a family name, in one word (`identity.names.squash`)."""
        key = np.uint64(hashed(name))
        at = int(np.searchsorted(self._names, key))
        return int(self._bearers[at]) if at < len(self._names) and self._names[at] == key else 0

    def practising(self, profession_code: str = "", prefix: str = "") -> int:
        """How many people practise a profession (any when "") in a department (the country when "")."""
        return self._trades.get((profession_code, prefix), 0)

    def practising_at(self, postcode: str) -> int:
        """How many people practise under a postcode."""
        return self._places.get(postcode, 0)

    def skilled(self, labels: Iterable[str]) -> int:
        """How many people have one of these skills, as the register writes them."""
        return sum(self._skills.get(label, 0) for label in set(labels))

    def _person(self, first: int) -> tuple[Activity, ...]:
        """Every row ever said of the person whose first row this is."""
        last, pid = first, self._pids[first]
        while last < len(self._pids) and self._pids[last] == pid:
            last += 1
        text = self._rows[int(self._offsets[first]) : int(self._offsets[last])].decode("utf-8")
        return tuple(_activity(line) for line in text.splitlines())


def _activity(line: str) -> Activity:
    pid, since, until, family_n, given_n, *texts = line.split("|")
    return Activity(int(pid), since, until, int(family_n or 0), int(given_n or 0), dict(zip(TEXT, texts, strict=True)))


def holds(activity: Activity, state: State) -> bool:
    """Whether the register said this in a state."""
    return activity.since <= state.day and (not activity.until or activity.until > state.day)


def as_json(state: State) -> dict[str, Any]:
    """A state for machines."""
    return {name: getattr(state, name) for name in State.__dataclass_fields__}
