"""Turn annotated passages into what the network learns from: windows with the stances each mention may have."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detection.corpus import Passage
from detection.learned.network import Window, encode
from detection.learned.windows import FIELDS, Mention, Word, find_mentions, see, window
from detection.lexicon import Lexicon
from detection.normalise import Folded, fold
from detection.reading import SEVERITY, STANCES

#: What the rules say of each mention, as ``Window.first``.
FirstReader = Callable[[Folded, str, Sequence[Mention]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Example:
    """One mention of one passage: its words, the stances it may have, which words are the trigger."""

    words: tuple[Word, ...]
    mentions: tuple[Mention, ...]
    target: int
    field: int
    allowed: tuple[bool, ...]
    marks: tuple[int, ...]
    first: int


def trigger_span(folded: Folded, passage: Passage) -> tuple[int, int]:
    """The trigger in the folded text."""
    start = passage.text.index(passage.trigger)
    end = start + len(passage.trigger)
    inside = [place for place, origin in enumerate(folded.offsets[:-1]) if start <= origin < end]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _only(stance: str) -> tuple[bool, ...]:
    return tuple(name == stance for name in STANCES)


def _at_most(stance: str, *, below: bool) -> tuple[bool, ...]:
    limit = SEVERITY[stance]
    return tuple(SEVERITY[name] < limit + (not below) for name in STANCES)


def allowed_stances(passage: Passage, mentions: Sequence[Mention], span: tuple[int, int]) -> list[tuple[bool, ...]]:
    """What the label of a passage says about each mention: rules 1 and 14 of the guide, read backwards."""
    if passage.stance == "none":
        return [_only("none")] * len(mentions)
    own = [bool(set(mention.codes) & set(passage.benefits)) for mention in mentions]
    inside = [m.start < span[1] and m.end > span[0] for m in mentions]
    if not any(a and b for a, b in zip(own, inside, strict=True)) and any(own):
        gaps = [max(m.start - span[1], span[0] - m.end) if a else 1 << 30 for m, a in zip(mentions, own, strict=True)]
        inside[gaps.index(min(gaps))] = True
    others = dict(passage.others)
    result = []
    for mention, mine, within in zip(mentions, own, inside, strict=True):
        other = next((others[code] for code in mention.codes if code in others), None)
        if mine and within:
            result.append(_only(passage.stance))
        elif mine:
            result.append(_at_most(passage.stance, below=False))
        elif other is not None:
            result.append(_only(other))
        else:
            result.append(_at_most(passage.stance, below=True))
    return result


def examples_of(passage: Passage, lexicon: Lexicon, rules: FirstReader) -> Iterator[Example]:
    """Every mention of a passage as an example; a review that names a benefit teaches nothing (rule 6 decides it)."""
    if passage.field == "review" and passage.stance != "none":
        return
    folded = fold(passage.text)
    mentions, tokens = find_mentions(folded, lexicon)
    if not mentions:
        return
    span = trigger_span(folded, passage) if passage.trigger else (0, 0)
    words = see(folded, mentions, tokens, lexicon)
    seen = {word.mention for word in words}
    firsts = rules(folded, passage.field, mentions)
    for place, allowed in enumerate(allowed_stances(passage, mentions, span)):
        if place not in seen:
            continue
        first, last, target = window(words, place)
        mine = words[first:last]
        marks = tuple(int(word.start < span[1] and word.end > span[0]) for word in mine)
        known = bool(passage.trigger) and sum(allowed) == 1 and allowed[SEVERITY[passage.stance]]
        yield Example(
            tuple(mine),
            tuple(mentions),
            target,
            FIELDS.index(passage.field),
            allowed,
            marks if known else (-1,) * len(mine),
            firsts[place],
        )


def misspell(word: str, dice: random.Random) -> str:
    place = dice.randrange(len(word))
    way = dice.randrange(3)
    if way == 0:
        return word[:place] + word[place + 1 :] or word
    if way == 1 and place + 1 < len(word):
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + word[place] + word[place:]


def _company(
    mentions: Sequence[Mention], fillers: Sequence[Sequence[Word]], others: Sequence["Example"], dice: random.Random
) -> tuple[list[Word], tuple[Mention, ...]]:
    """Words to stand beside an example, and all the mentions then: a sentence without a benefit, or another passage with
    its own, whose stance must not rub off."""
    if others and (not fillers or dice.random() < 0.4):
        other = dice.choice(others)
        moved = [replace(w, mention=w.mention + len(mentions)) if w.mention >= 0 else w for w in other.words]
        return moved, (*mentions, *other.mentions)
    return list(dice.choice(fillers)), tuple(mentions)


def vary(
    example: Example, fillers: Sequence[Sequence[Word]], others: Sequence["Example"], dice: random.Random
) -> Example:
    """The same example as another hand would have typed it: typos, case, lost marks, other sentences around it."""
    words: list[Word] = []
    marks: list[int] = []
    case = dice.random()
    target = example.target
    for place, (word, mark) in enumerate(zip(example.words, example.marks, strict=True)):
        if word.mention < 0:
            if word.shape == 5 and dice.random() < 0.06:
                target -= place < example.target
                continue
            text, tag = word.text, word.tag
            if word.shape < 4 and len(text) > 2 and dice.random() < 0.03:
                text, tag = misspell(text, dice), "W"
            elif dice.random() < 0.09:
                text = ""
            if dice.random() < 0.08:
                tag = "W"
            shape = word.shape
            if shape < 4:
                shape = 0 if case < 0.10 else 2 if case < 0.16 else shape
            word = replace(word, text=text, tag=tag, shape=shape)
        words.append(word)
        marks.append(mark)
    stop = Word(".", "DOT", 5, 0, 0)
    mentions = example.mentions
    if dice.random() < 0.2 and (fillers or others):
        more, mentions = _company(mentions, fillers, others, dice)
        before = [*more, stop][-40:]
        words, marks, target = [*before, *words], [min(0, marks[0])] * len(before) + marks, target + len(before)
    if dice.random() < 0.2 and (fillers or others):
        more, mentions = _company(mentions, fillers, others, dice)
        after = [stop, *more][:40]
        words, marks = [*words, *after], marks + [min(0, marks[0])] * len(after)
    first, last = max(0, target - 60), min(len(words), target + 61)
    if dice.random() < 0.2:
        example = replace(example, first=0)
    return replace(
        example,
        words=tuple(words[first:last]),
        mentions=mentions,
        target=target - first,
        marks=tuple(marks[first:last]),
    )


def as_window(example: Example, tags: Mapping[str, int]) -> Window:
    """What the network sees of an example."""
    return encode(example.words, example.mentions, example.target, example.field, tags, example.first)


def fillers_of(passages: Sequence[Passage], lexicon: Lexicon) -> list[list[Word]]:
    """Sentences that name no benefit, to stand beside others."""
    found = []
    for passage in passages:
        if passage.stance == "none":
            folded = fold(passage.text)
            mentions, tokens = find_mentions(folded, lexicon)
            if not mentions:
                found.append(see(folded, mentions, tokens, lexicon))
    return found


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded windows: ``pieces`` and ``vectors`` are of the batch's different words, which ``words`` (n, length) points
    to; the rest is (n, length) or (n,)."""

    pieces: NDArray[np.int32]
    vectors: NDArray[np.float32]
    words: NDArray[np.int32]
    tags: NDArray[np.int32]
    roles: NDArray[np.int32]
    shapes: NDArray[np.int32]
    distances: NDArray[np.int32]
    fields: NDArray[np.int32]
    targets: NDArray[np.int32]
    firsts: NDArray[np.int32]
    mask: NDArray[np.float32]
    allowed: NDArray[np.float32]
    marks: NDArray[np.float32]
    marked: NDArray[np.float32]
