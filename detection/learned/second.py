"""Read a text with the trained networks: for each mention of a benefit, how likely each stance is, and which words say so."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection.learned.network import Network, Window, encode
from detection.learned.vectors import load_vectors
from detection.learned.windows import FIELDS, MOST_MENTIONS, Mention, Word, find_mentions, see, window
from detection.lexicon import Lexicon
from detection.normalise import Folded
from detection.reading import STANCES
from reference.errors import VigieError

MODEL = Path(__file__).parents[1] / "model"
#: Probability from which a word counts as part of the trigger.
_IN_TRIGGER = 0.5
#: Chance from which the first network is believed without the others.
_SURE_ALONE = 0.985
#: Doubtful mentions of one text that the third reader is asked about: no text takes longer than a large page.
_MOST_ASKED = 12
#: Words that may stand inside a trigger without being part of what decides.
_GAP = 2


class BadModel(VigieError):
    """The trained model is missing or does not fit this version."""


@dataclass(frozen=True)
class Judged:
    """One mention with its chances, in the order of ``STANCES``, and the span of the folded text that decides."""

    mention: Mention
    chances: NDArray[np.float32]
    start: int
    end: int

    @property
    def stance(self) -> str:
        """The likeliest stance."""
        return STANCES[int(self.chances.argmax())]


@dataclass(frozen=True)
class Trained:
    """A trained model: networks that vote with equal weight, the tags they know, the temperature that calibrates the
    chances, the chance from which a mention is flagged (a paraphrase: ``cue_from``), the confidence below which a reading
    abstains, the chance below which the networks' view of a mention is doubtful, and the third reader's share in what is
    made of it then."""

    networks: tuple[Network, ...]
    tags: Mapping[str, int]
    temperature: float
    flag_from: float
    cue_from: float
    abstain_below: float
    version: str
    doubt_below: float = 0.0
    third_share: float = 0.0


#: Asks the third reader: (text, start, end, field) to the chances of the six stances.
Third = Callable[[str, int, int, str], NDArray[np.float32]]


class SecondReader:
    """Reads with a committee of networks, and asks the third reader where they doubt. Pure: the same text gives the same
    answer, whatever was read before."""

    def __init__(self, trained: Trained, lexicon: Lexicon, third: Third) -> None:
        self._trained, self._lexicon, self._third = trained, lexicon, third
        self.version = trained.version

    def judge(self, folded: Folded, field: str, rules: Callable[[Sequence[Mention]], Sequence[int]]) -> list[Judged]:
        """Every mention of the text, judged; at most ``MOST_MENTIONS``, spread over the text's length."""
        mentions, tokens = find_mentions(folded, self._lexicon)
        if not mentions:
            return []
        words = see(folded, mentions, tokens, self._lexicon)
        places = [place for place, word in enumerate(words) if word.mention >= 0]
        if len(places) > MOST_MENTIONS:
            places = places[:: -(-len(places) // MOST_MENTIONS)]
        firsts = rules(mentions)
        known = FIELDS.index(field) if field in FIELDS else 0
        judged = [
            self._one(words, mentions, words[place].mention, known, firsts[words[place].mention]) for place in places
        ]
        doubtful = [place for place, one in enumerate(judged) if float(one.chances.max()) < self._trained.doubt_below]
        asked = frozenset(doubtful[:_MOST_ASKED])
        return [self._settled(folded, field, one, ask=place in asked) for place, one in enumerate(judged)]

    def _settled(self, folded: Folded, field: str, one: Judged, *, ask: bool) -> Judged:
        """The same mention with its calibrated chances, the third reader's among them where it is asked."""
        trained, chances = self._trained, one.chances
        if ask:
            start, end = folded.span(one.mention.start, one.mention.end)
            chances = mixed(chances, self._third(folded.original, start, end, field), trained.third_share)
        return replace(one, chances=warm(chances, trained.temperature))

    def _one(self, words: Sequence[Word], mentions: Sequence[Mention], mention: int, field: int, rule: int) -> Judged:
        first, last, target = window(words, mention)
        seen = words[first:last]
        view = encode(seen, mentions, target, field, self._trained.tags, rule)
        votes = self._vote(view)
        chances = np.mean([vote[0] for vote in votes], axis=0)
        marks = np.mean([vote[1] for vote in votes], axis=0)
        left, right = _stretch(marks, target)
        return Judged(mentions[mention], chances, seen[left].start, max(seen[right].end, seen[target].end))

    def _vote(self, view: Window) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """The networks' answers, in order; the first is asked alone where it has hardly a doubt."""
        first, *others = self._trained.networks
        votes = [first(view)]
        if float(votes[0][0].max()) < _SURE_ALONE:
            votes += [network(view) for network in others]
        return votes


def warm(chances: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Chances with their logarithms divided by a temperature: below 1 sharper, above 1 flatter."""
    raised: NDArray[np.float32] = np.maximum(chances, 1e-12) ** np.float32(1 / temperature)
    result: NDArray[np.float32] = raised / raised.sum()
    return result


def mixed(
    chances: NDArray[np.float32], others: NDArray[np.float32], share: float | NDArray[np.float64]
) -> NDArray[np.float32]:
    """Two readers' chances as one, their logarithms weighted: ``share`` is that of ``others``. Rows along the last axis."""
    raised = np.maximum(chances, 1e-6) ** (1 - share) * np.maximum(others, 1e-6) ** share
    result: NDArray[np.float32] = (raised / raised.sum(-1, keepdims=True)).astype(np.float32)
    return result


def _stretch(marks: NDArray[np.float32], target: int) -> tuple[int, int]:
    """First and last word of the run of likely trigger words that holds the mention; small gaps are bridged."""
    left = right = target
    for step in (-1, 1):
        place, missed = target + step, 0
        while 0 <= place < len(marks) and missed <= _GAP:
            if marks[place] >= _IN_TRIGGER:
                missed = 0
                left, right = min(left, place), max(right, place)
            else:
                missed += 1
            place += step
    return left, right


@lru_cache(maxsize=1)
def load_trained(folder: Path = MODEL) -> Trained:
    """The model shipped with the project; raises :class:`BadModel` when a part is missing or of another version."""
    try:
        about = json.loads((folder / "model.json").read_text("utf-8"))
        networks = []
        for name in about["networks"]:
            with np.load(folder / name) as weights:
                networks.append(Network({key: weights[key] for key in weights.files}, load_vectors()))
        tags = {tag: place for place, tag in enumerate(about["tags"])}
        return Trained(
            tuple(networks),
            tags,
            temperature=float(about["temperature"]),
            flag_from=float(about["flag_from"]),
            cue_from=float(about["cue_from"]),
            abstain_below=float(about["abstain_below"]),
            version=str(about["version"]),
            doubt_below=float(about["doubt_below"]),
            third_share=float(about["third_share"]),
        )
    except (OSError, KeyError, ValueError) as error:
        raise BadModel(f"{folder}: the trained model cannot be read: {error}") from error
