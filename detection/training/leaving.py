"""Train without some functions and read them: what the reader makes of wording nobody showed it."""

import json
from collections import defaultdict
from pathlib import Path

from detection.corpus import CORPUS, load_split
from detection.learned.second import MODEL
from detection.reader import load_reader
from detection.reading import FLAGGED
from detection.training.build import Job, committee, train_one
from detection.training.fit import Plan


def function_names(corpus: Path = CORPUS) -> list[str]:
    """The functions of the corpus, in order."""
    return sorted({one.function for one in load_split("train", corpus) if one.function})


def leave_out(fold: int, folds: int, plan: Plan, corpus: Path = CORPUS) -> dict[str, float]:
    """Recall of the flag on every ``folds``-th function, read by one network that was trained without them all."""
    left = frozenset(function_names(corpus)[fold::folds])
    reader = load_reader(trained=committee([train_one(Job(seed=fold + 1, plan=plan, folder=corpus, leave_out=left))]))
    found: dict[str, list[bool]] = defaultdict(list)
    for split in ("dev", "test"):
        for one in load_split(split, corpus):
            if one.function in left and one.stance in FLAGGED:
                found[one.function].append(reader.read(one.text, one.field).flagged)
    return {name: sum(hits) / len(hits) for name, hits in sorted(found.items())}


def save(recall: dict[str, float], model: Path = MODEL) -> None:
    """Add the figures to those of other folds, for the model card."""
    path = model / "left-out.json"
    known = json.loads(path.read_text("utf-8"))["recall"] if path.exists() else {}
    path.write_text(json.dumps({"recall": dict(sorted((known | recall).items()))}, indent=1) + "\n", "utf-8")
