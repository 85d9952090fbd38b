"""Cut a text into what the network sees: one window of words around each name of a benefit; it must not judge."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from detection.lexicon import Lexicon
from detection.mentions import doubtful, name_benefits, tag_words
from detection.normalise import Folded
from detection.tokens import WORD, Token, tokenise

#: Words on each side of a mention that the network sees, and mentions read in one text.
SIDE, MOST_MENTIONS = 60, 48
#: Words after a paraphrase in which another cue is the same paraphrase going on.
_APART = 8
#: Rows of the table of word pieces; row 0 pads.
BUCKETS = 1 << 15
MOST_PIECES = 12
FIELDS = ("presentation", "instructions", "motive", "payment", "faq", "hours", "banner", "review")
SHAPES = ("lower", "title", "upper", "accented_e", "digit", "mark", "break")
#: How a mention is written: by a name nobody mistakes, by an acronym that has other meanings, or by a paraphrase.
NAMED, AMBIGUOUS, CUE = 1, 2, 3
_PIECE = re.compile(r"[a-z]+|[^\W\d_a-z]+|\d+(?:[.,]\d+)*|\n\s*|[^\w\s]|_+")
_AMBIGUOUS = frozenset({"css", "acs", "ame"})
_EDGES = frozenset("«»\"'’“”()[]-–—")


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of the folded text that names a benefit, or may."""

    start: int
    end: int
    codes: tuple[str, ...]
    kind: int


@dataclass(frozen=True, slots=True)
class Word:
    """One word, mark or mention as the network sees it; the span is in the folded text."""

    text: str
    tag: str
    shape: int
    start: int
    end: int
    mention: int = -1


@lru_cache(maxsize=65_536)
def pieces(word: str) -> tuple[int, ...]:
    """Rows of the word itself and of its runs of three and four letters, edges marked: a misspelt word keeps most."""
    edged = f"<{word}>"
    runs = [edged]
    if len(word) > 2 and word[0].isalpha():
        runs += [edged[i : i + n] for n in (3, 4) for i in range(len(edged) - n + 1)]
    return tuple(1 + crc32(run.encode()) % (BUCKETS - 1) for run in runs[:MOST_PIECES])


def find_mentions(folded: Folded, lexicon: Lexicon) -> tuple[list[Mention], list[Token]]:
    """Every name of a benefit, else every paraphrase, in order, with the text's tagged tokens."""
    tokens = name_benefits(folded, tokenise(folded.text), lexicon)
    named = [place for place, token in enumerate(tokens) if token.tag == "BEN"]
    if named:
        doubts = {id(tokens[place]) for place in named if doubtful(tokens, place, folded)}
        found = [
            Mention(t.start, t.end, t.benefits, AMBIGUOUS if t.text in _AMBIGUOUS and id(t) in doubts else NAMED)
            for t in (tokens[place] for place in named)
        ]
        explicit = [mention for mention in found if mention.codes != ("generic",)]
        if explicit:
            return explicit, tokens
    cues = list(_cues(tokens, lexicon))
    return cues, tokens


def _cues(tokens: Sequence[Token], lexicon: Lexicon) -> list[Mention]:
    found: list[Mention] = []
    place, free = 0, 0
    while place < len(tokens):
        token = tokens[place]
        hit = lexicon.cues.at(tokens, place) if token.tag in {WORD, "NUM"} else None
        length = hit[0] if hit else int(token.tag == "BEN")
        if length and place >= free:
            free = place + length + _APART
            found.append(Mention(token.start, tokens[place + length - 1].end, ("generic",), CUE))
        place += max(1, length)
    return found


def _shape(folded: Folded, match: "re.Match[str]") -> int:
    text = match.group()
    if text[0] == "\n":
        return 6
    if text[0].isdigit():
        return 4
    if not text[0].isalpha():
        return 5
    original = folded.original[folded.offsets[match.start()] : folded.offsets[match.end() - 1] + 1]
    if original.isupper() and len(original) > 1:
        return 2
    if original[:1].isupper():
        return 1
    return 3 if original.rstrip("s")[-1:] == "é" else 0


def see(folded: Folded, mentions: Sequence[Mention], tokens: Sequence[Token], lexicon: Lexicon) -> list[Word]:
    """The text as words, each mention one word, each word with the tag the lexicon gives its phrase."""
    tags: dict[int, tuple[int, str]] = {}
    for token in tag_words(list(tokens), lexicon):
        if token.tag not in {WORD, "BEN"}:
            tags[token.start] = (token.end, token.tag)
    words: list[Word] = []
    place, tag_end, tag = 0, -1, WORD
    for match in _PIECE.finditer(folded.text):
        start, end = match.span()
        while place < len(mentions) and start >= mentions[place].end:
            place += 1
        if place < len(mentions) and start >= mentions[place].start:
            if not words or words[-1].mention != place:
                words.append(Word("¤", "BEN", 0, mentions[place].start, mentions[place].end, place))
            continue
        if start in tags:
            tag_end, tag = tags[start]
        elif start >= tag_end:
            tag = WORD
        text = match.group()
        if text[0].isdigit():
            text = "0" * min(len(text), 5)
        elif text[0] == "\n":
            text = "\n"
        words.append(Word(text, tag, _shape(folded, match), start, end))
    return words


def window(words: Sequence[Word], mention: int) -> tuple[int, int, int]:
    """(first, last, target): the words around a mention, and its place among them."""
    target = next(place for place, word in enumerate(words) if word.mention == mention)
    first, last = max(0, target - SIDE), min(len(words), target + SIDE + 1)
    return first, last, target - first


def trim(folded: Folded, start: int, end: int) -> tuple[int, int]:
    """The span without spaces and edge marks, still inside the folded text."""
    while start < end and (folded.text[start].isspace() or folded.text[start] in ".,;:!?)|>•·-"):
        start += 1
    while end > start and (folded.text[end - 1].isspace() or folded.text[end - 1] in ".,;:(|>•·-"):
        end -= 1
    return start, end
