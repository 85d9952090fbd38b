"""Compare readings with gold annotations and give the figures; pure, and it must not read a passage itself."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from detection.corpus import Passage
from detection.reading import FLAGGED, STANCES, Reading

Pair = tuple[Passage, Reading]
#: Width of a step of the calibration curve.
_BINS = 10


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1 are those of the flag; ``flags_right``, ``stance_right`` and ``benefits_exact`` are shares
    of all passages; ``overlapping`` and ``trigger_iou`` (intersection over union, in characters) are of the rightly
    flagged passages. A share of nothing is 1."""

    passages: int
    precision: float
    recall: float
    f1: float
    flags_right: float
    stance_right: float
    benefits_exact: float
    overlapping: float
    trigger_iou: float
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


def share(part: float, whole: float) -> float:
    """A part of a whole; 1 where there is nothing to share."""
    return part / whole if whole else 1.0


def overlap(gold: Passage, reading: Reading) -> float:
    """Intersection over union of the gold trigger and the one read, in characters of the text; best occurrence."""
    best, start = 0.0, gold.text.find(gold.trigger)
    while gold.trigger and start >= 0:
        end = start + len(gold.trigger)
        common = max(0, min(end, reading.end) - max(start, reading.start))
        union = (end - start) + (reading.end - reading.start) - common
        best = max(best, share(common, union))
        start = gold.text.find(gold.trigger, start + 1)
    return best


def pair_up(golds: Sequence[Passage], readings: Iterable[Reading]) -> list[Pair]:
    """Golds with their readings; a length that differs is a programming error."""
    return list(zip(golds, readings, strict=True))


def score(pairs: Sequence[Pair]) -> Scores:
    """The scores of readings."""
    both = [(g, r) for g, r in pairs if g.stance in FLAGGED and r.flagged]
    read = sum(r.flagged for _, r in pairs)
    true = sum(g.stance in FLAGGED for g, _ in pairs)
    precision, recall = share(len(both), read), share(len(both), true)
    marked = [overlap(g, r) for g, r in both if g.trigger]
    confusion = Counter((g.stance, r.stance) for g, r in pairs)
    return Scores(
        passages=len(pairs),
        precision=precision,
        recall=recall,
        f1=share(2 * precision * recall, precision + recall) if precision + recall else 0.0,
        flags_right=share(sum((g.stance in FLAGGED) == r.flagged for g, r in pairs), len(pairs)),
        stance_right=share(sum(g.stance == r.stance for g, r in pairs), len(pairs)),
        benefits_exact=share(sum(set(g.benefits) == set(r.benefits) for g, r in pairs), len(pairs)),
        overlapping=share(sum(value > 0 for value in marked), len(marked)),
        trigger_iou=share(sum(marked), len(marked)),
        confusion=tuple((gold, got, number) for (gold, got), number in sorted(confusion.items())),
        wrong=tuple(g.id for g, r in pairs if g.stance != r.stance),
    )


def score_by(pairs: Sequence[Pair], key: Callable[[Passage], str]) -> Mapping[str, Scores]:
    """Scores of the passages that share a key, in the order of the keys."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for gold, reading in pairs:
        groups[key(gold)].append((gold, reading))
    return {name: score(groups[name]) for name in sorted(groups)}


def pairs_right(pairs: Sequence[Pair]) -> tuple[int, int]:
    """(minimal pairs of which every member has the right stance, minimal pairs)."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for gold, reading in pairs:
        if gold.pair:
            groups[gold.pair].append(gold.stance == reading.stance)
    whole = [group for group in groups.values() if len(group) > 1]
    return sum(all(group) for group in whole), len(whole)


def calibration(pairs: Sequence[Pair]) -> tuple[float, tuple[tuple[float, float, int], ...]]:
    """Expected calibration error of the flag, and the curve: (chance said, share right, passages) a step.

    Guo et al. 2017, with ten steps of equal width over the chance that a passage is flagged; only passages that name a
    benefit and are no patient's words count, the others being certain by rule."""
    steps: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for gold, reading in pairs:
        if reading.stance == "none" or gold.field == "review":
            continue
        chance = reading.confidence if reading.flagged else 1 - reading.confidence
        steps[min(_BINS - 1, int(chance * _BINS))].append((chance, gold.stance in FLAGGED))
    total = sum(len(step) for step in steps.values())
    curve, error = [], 0.0
    for place in sorted(steps):
        step = steps[place]
        said, right = sum(c for c, _ in step) / len(step), sum(y for _, y in step) / len(step)
        error += abs(said - right) * share(len(step), total)
        curve.append((said, right, len(step)))
    return error, tuple(curve)


def abstentions(pairs: Sequence[Pair]) -> float:
    """Share of the passages read as naming a benefit whose reading abstains."""
    named = [reading for _, reading in pairs if reading.stance != "none"]
    return sum(reading.abstained for reading in named) / max(1, len(named))
