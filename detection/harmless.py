"""Passages that accuse nobody, composed from frames written by hand: for counting false alarms; it must not read them."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from detection.corpus import CORPUS, BadCorpus

FRAMES = CORPUS / "harmless.frames"
_LINE = re.compile(r"([ONA]) (\w+) \| (.+)")
_CHOICE = re.compile(r"\{([^{}]*)\}")
_STANCES = {"O": "none", "N": "neutral", "A": "acceptance"}


@dataclass(frozen=True, slots=True)
class Harmless:
    """A passage that must not be flagged."""

    text: str
    field: str
    stance: str
    frame: int


def load_frames(path: Path = FRAMES) -> list[tuple[str, str, str, int]]:
    """(stance, field, frame, line) of every frame; a bad line raises :class:`BadCorpus`."""
    frames = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise BadCorpus(f"{path}:{number}: wanted « O|N|A field | text »")
        frames.append((_STANCES[match[1]], match[2], match[3].replace("⏎", "\n"), number))
    return frames


def harmless_passages(count: int, seed: int = 1, path: Path = FRAMES) -> Iterator[Harmless]:
    """``count`` passages, each frame in turn with choices drawn by the seed, none given twice as long as frames allow."""
    dice = random.Random(seed)
    frames = load_frames(path)
    given: set[str] = set()
    for place in range(count):
        stance, field, frame, number = frames[place % len(frames)]
        text = frame
        for _ in range(25):
            text = _CHOICE.sub(lambda match: dice.choice(match[1].split("|")), frame)
            if text not in given:
                break
        given.add(text)
        yield Harmless(text, field, stance, number)
