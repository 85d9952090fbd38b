"""What this version reads right on a frozen set of passages, so that the next one can say what it gained and lost."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from detection.corpus import CORPUS, Passage, load_split
from detection.learned.second import MODEL
from detection.normalise import fold
from detection.reader import Reader
from detection.reading import FLAGGED

FROZEN = MODEL / "frozen.jsonl"
_EVERY = 20


@dataclass(frozen=True)
class Kept:
    """A passage as read by a version: whether its flag was right, and the stable rules that said so."""

    id: str
    right: bool
    stable: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What a version gained and lost; ``broken`` are the losses that a stable rule had right."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    broken: tuple[str, ...]


def frozen_passages(corpus: Path = CORPUS) -> list[Passage]:
    """The development passages and every twentieth training passage."""
    return [*load_split("dev", corpus), *load_split("train", corpus)[::_EVERY]]


def keep(reader: Reader, passages: Iterable[Passage]) -> list[Kept]:
    """What this reader reads right."""
    kept = []
    for passage in passages:
        reading = reader.read(passage.text, passage.field)
        right = reading.flagged == (passage.stance in FLAGGED)
        stable = {
            one.rule.id
            for one in reader.rules.judge(fold(passage.text), passage.field)
            if one.rule and one.rule.status == "stable" and one.stance == passage.stance
        }
        kept.append(Kept(passage.id, right, tuple(sorted(stable))))
    return kept


def save(kept: Sequence[Kept], path: Path = FROZEN) -> None:
    """Write one line a passage."""
    lines = (json.dumps({"id": one.id, "right": one.right, "stable": one.stable}) for one in kept)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def load(path: Path = FROZEN) -> dict[str, Kept]:
    """What the last version read right, by passage."""
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return {row["id"]: Kept(row["id"], row["right"], tuple(row["stable"])) for row in rows}


def compare(before: dict[str, Kept], now: Sequence[Kept]) -> Change:
    """Passages gained and lost; one that was not kept before counts neither way."""
    pairs = [(before[one.id], one) for one in now if one.id in before]
    lost = [(old, new) for old, new in pairs if old.right and not new.right]
    return Change(
        gained=tuple(new.id for old, new in pairs if new.right and not old.right),
        lost=tuple(new.id for _, new in lost),
        broken=tuple(new.id for old, new in lost if old.stable and not new.stable),
    )
