"""Passages for the benchmarks: a realistic mix, the same each time."""

from __future__ import annotations

import random
from collections.abc import Iterator

from detection.corpus import load_split

SHARE_NAMED = 0.03
#: Functions whose harmless passages are ordinary page content; the others are composed to resemble a benefit.
ORDINARY = frozenset({"no_new_patients", "security_home_visits", "out_of_convention", "reviews", "long_page_harmless"})


def mix(count: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """(text, field) pairs of 300 to 800 characters, three in a hundred of which name a benefit."""
    dice = random.Random(seed)
    named = [one.text for one in load_split("dev") if one.benefits]
    plain = [one.text for one in load_split("train") if one.stance == "none" and one.function in ORDINARY]
    for _ in range(count):
        length = dice.randint(300, 800)
        parts = [dice.choice(named)] if dice.random() < SHARE_NAMED else []
        while sum(map(len, parts)) + len(parts) < length:
            parts.append(dice.choice(plain))
        dice.shuffle(parts)
        yield " ".join(parts)[: max(300, length)] if len(parts) > 1 else parts[0], "presentation"
