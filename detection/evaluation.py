"""Compare readings with gold annotations and give the figures; pure, and it must not read a passage itself."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detection.reading import FLAGGED, STANCES, Reading


@dataclass(frozen=True)
class Gold:
    """One annotated passage, as a line of the annotation guide's record."""

    id: str
    text: str
    field: str
    stance: str
    benefits: tuple[str, ...]
    trigger: str


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1 are those of the flag; accuracy, benefits and overlap are shares of all, of all, and of
    the rightly flagged passages that have a gold trigger. A share of nothing is 1."""

    passages: int
    precision: float
    recall: float
    f1: float
    stance_accuracy: float
    benefits_exact: float
    trigger_overlap: float
    confusion: tuple[tuple[str, str, int], ...]
    wrong: tuple[str, ...]

    def table(self) -> str:
        """The confusion table as text: a row per gold stance, a column per stance read."""
        counts = {(gold, read): number for gold, read, number in self.confusion}
        lines = ["".join(f"{name:>13}" for name in ("", *STANCES))]
        lines += [
            "".join(f"{cell:>13}" for cell in (gold, *[counts.get((gold, read), 0) for read in STANCES]))
            for gold in STANCES
        ]
        return "\n".join(lines)


def load_gold(path: Path) -> Iterator[Gold]:
    """The annotated passages of a JSONL file, streamed."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                row = json.loads(line)
                yield Gold(row["id"], row["text"], row["field"], row["stance"], tuple(row["benefits"]), row["trigger"])


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def overlap(gold: Gold, reading: Reading) -> float:
    """Intersection over union of the gold trigger and the one read, in characters of the text; best occurrence."""
    best, start = 0.0, gold.text.find(gold.trigger)
    while gold.trigger and start >= 0:
        end = start + len(gold.trigger)
        common = max(0, min(end, reading.end) - max(start, reading.start))
        union = (end - start) + (reading.end - reading.start) - common
        best = max(best, _share(common, union))
        start = gold.text.find(gold.trigger, start + 1)
    return best


def evaluate(golds: Sequence[Gold], readings: Iterable[Reading]) -> Scores:
    """Scores of readings given in the order of the golds; a length that differs is a programming error."""
    pairs = list(zip(golds, readings, strict=True))
    both = [(g, r) for g, r in pairs if g.stance in FLAGGED and r.flagged]
    read = sum(r.flagged for _, r in pairs)
    true = sum(g.stance in FLAGGED for g, _ in pairs)
    precision, recall = _share(len(both), read), _share(len(both), true)
    right = sum(g.stance == r.stance for g, r in pairs)
    exact = sum(set(g.benefits) == set(r.benefits) for g, r in pairs)
    marked = [overlap(g, r) for g, r in both if g.trigger]
    confusion = Counter((g.stance, r.stance) for g, r in pairs)
    return Scores(
        passages=len(pairs),
        precision=precision,
        recall=recall,
        f1=_share(2 * precision * recall, precision + recall) if precision + recall else 0.0,
        stance_accuracy=_share(right, len(pairs)),
        benefits_exact=_share(exact, len(pairs)),
        trigger_overlap=_share(sum(marked), len(marked)),
        confusion=tuple((gold, got, number) for (gold, got), number in sorted(confusion.items())),
        wrong=tuple(g.id for g, r in pairs if g.stance != r.stance),
    )
