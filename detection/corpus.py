"""Read the annotated corpus: passages by split, author and function; it must not judge a passage."""

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from detection.reading import BENEFITS, STANCES
from reference.errors import VigieError

CORPUS = Path(__file__).parent / "corpus"
SPLITS = ("train", "dev", "test")


class BadCorpus(VigieError):
    """A line of the corpus cannot be used: says which line of which file, and why."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One annotated passage, as a line of the annotation guide's record with its author, function and minimal pair;
    ``others`` are the stances of benefits named beside those of the label."""

    id: str
    text: str
    field: str
    stance: str
    benefits: tuple[str, ...]
    trigger: str
    author: str
    function: str
    pair: str
    others: tuple[tuple[str, str], ...]


def _passage(row: dict[str, object], author: str) -> Passage:
    text, stance, trigger = str(row["text"]), str(row["stance"]), str(row["trigger"])
    benefits = row["benefits"]
    if stance not in STANCES:
        raise ValueError(f"unknown stance « {stance} »")
    if not isinstance(benefits, list) or not set(benefits) <= set(BENEFITS):
        raise ValueError(f"unknown benefits {benefits!r}")
    if bool(benefits) != (stance != "none"):
        raise ValueError("benefits are named for every stance but none")
    if trigger not in text:
        raise ValueError("the trigger is no substring of the text")
    others = row.get("others") or {}
    if not isinstance(others, dict):
        raise ValueError("others is a mapping of benefit to stance")
    return Passage(
        id=str(row["id"]),
        text=text,
        field=str(row["field"]),
        stance=stance,
        benefits=tuple(benefits),
        trigger=trigger,
        author=author,
        function=str(row.get("function", "")),
        pair=str(row.get("pair", "")),
        others=tuple(others.items()),
    )


def load_file(path: Path) -> Iterator[Passage]:
    """The passages of one author's file; a bad line raises :class:`BadCorpus` with path and line."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield _passage(json.loads(line), path.stem)
            except (ValueError, KeyError, TypeError) as error:
                raise BadCorpus(f"{path}:{number}: {error}") from error


def load_split(split: str, folder: Path = CORPUS) -> list[Passage]:
    """Every passage of a split, by author, in the order of the files."""
    return [passage for path in sorted((folder / split).glob("*.jsonl")) for passage in load_file(path)]


def corpus_hash(split: str, folder: Path = CORPUS, authors: Collection[str] | None = None) -> str:
    """SHA-256 of the names and bytes of a split's files, or of those of some authors."""
    digest = hashlib.sha256()
    for path in sorted((folder / split).glob("*.jsonl")):
        if authors is None or path.stem in authors:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
