"""Passages for the benchmarks: a realistic mix, the same each time."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from detection.corpus import load_split

SHARE_NAMED = 0.03
BENEFIT = re.compile(
    r"\b(c\.?m\.?u|c2s|acs|ame|compl[ée]mentaire sant[ée] solidaire|aide m[ée]dicale)\b", re.IGNORECASE
)
#: Functions whose harmless passages are ordinary page content; the others are composed to resemble a benefit.
ORDINARY = frozenset({"no_new_patients", "security_home_visits", "out_of_convention", "reviews", "long_page_harmless"})


#: Harmless passages quoted from real pages; they stand beside the project, not in it.
QUOTED = Path(__file__).parents[2] / "shared" / "corpus" / "real-passages.jsonl"


def mix(count: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """(text, field) pairs of 300 to 800 characters, three in a hundred of which name a benefit; the ordinary text is
    what authors composed to stand near a refusal."""
    plain = [one.text for one in load_split("train") if one.stance == "none" and one.function in ORDINARY]
    return _joined(count, seed, plain)


def quoted_mix(count: int, seed: int = 1) -> Iterator[tuple[str, str]] | None:
    """The same with ordinary text quoted from real pages that name no benefit; None where it is not at hand."""
    if not QUOTED.is_file():
        return None
    texts = [json.loads(line)["text"] for line in QUOTED.read_text("utf-8").splitlines()]
    plain = [text for text in texts if not BENEFIT.search(text)]
    return _joined(count, seed, plain)


def _joined(count: int, seed: int, plain: Sequence[str]) -> Iterator[tuple[str, str]]:
    dice = random.Random(seed)
    named = [one.text for one in load_split("dev") if one.benefits]
    for _ in range(count):
        length = dice.randint(300, 800)
        parts = [dice.choice(named)] if dice.random() < SHARE_NAMED else []
        while sum(map(len, parts)) + len(parts) < length:
            parts.append(dice.choice(plain))
        dice.shuffle(parts)
        yield " ".join(parts)[: max(300, length)] if len(parts) > 1 else parts[0], "presentation"
