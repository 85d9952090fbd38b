"""Compile the rules' small pattern language to spaCy token patterns; it must not know any rule.

One element per word, spaces between:
``TAG`` or ``TAG|TAG``  a token of that tag; ``word`` or ``word|word``  that folded word; ``!TAG``  any other token;
``?  *  +`` behind it as in regular expressions, ``{0,3}`` as in spaCy;
``...`` (or ``...5``)  at most eight (five) tokens of one clause: no benefit, predicate, exception, sentence end;
``~`` (or ``~5``)  at most eight tokens within the sentence;  ``>>``  at most twelve tokens, across one sentence end;
``< >``  around the elements that are meant, the others being context;
``FILL``  a little word that may stand inside a verb group;  ``^``  the start of the text or of a sentence.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from detection.tokens import Token

#: Tags that nearly every text holds: demanding one of them tells nothing.
COMMON = frozenset({"BEN", "DOT", "DET", "W", "COMMA", "BOS", "AUX", "PRON"})
CLAUSE_ENDS = [
    "BEN", "RECV", "RECVP", "REFU", "REFUP", "HRECV", "HREFU", "EXC", "BUT", "DOT", "QM", "NL", "SEMI", "BOS",
    "COND", "PAST", "NOBOOK",
]  # fmt: skip
SENTENCE_ENDS = ["DOT", "QM", "NL", "BOS"]
FILL = ["AUX", "ADV", "PRON", "DET", "W", "FOR"]
_ELEMENT = re.compile(r"(?P<not>!?)(?P<body>[^?*+{}]+)(?P<op>[?*+]|\{\d+(?:,\d+)?\})?$")
_GAP = re.compile(r"(?P<kind>\.\.\.|~|>>)(?P<count>\d*)$")


class BadPattern(ValueError):
    """A pattern that cannot be compiled; the loader adds the file and the line."""


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern; ``first`` and ``last`` are the indices of the meant elements."""

    source: str
    elements: tuple[dict[str, Any], ...]
    first: int
    last: int
    words: frozenset[str]
    tags: frozenset[str]

    def variants(self) -> list[list[dict[str, Any]]]:
        """The same pattern with its leading alternatives spelled out: spaCy compares a single value ten times faster
        than it asks for membership, and the first element is tried on every token."""
        attribute, wanted = next(iter(self.elements[0].items()))
        if len(self.elements[0]) > 1 or not isinstance(wanted, dict) or "IN" not in wanted:
            return [list(self.elements)]
        return [[{attribute: value}, *self.elements[1:]] for value in wanted["IN"]]

    def demands(self) -> frozenset[str]:
        """Tags of which a text must hold one for the pattern to have a chance; empty when nothing can be said."""
        best: frozenset[str] = frozenset()
        for element in self.elements:
            wanted = element.get("TAG")
            if wanted is None or element.get("OP", "")[:1] in {"?", "*", "{"}:
                continue
            tags = frozenset([wanted] if isinstance(wanted, str) else wanted.get("IN", ()))
            if tags and not tags & COMMON and (not best or len(tags) < len(best)):
                best = tags
        return best


class TagMatcher:
    """Many patterns, sorted by what they demand, so that a text only meets those that it can match."""

    def __init__(self, vocab: Vocab, patterns: Sequence[Pattern]) -> None:
        self._groups: dict[frozenset[str], Matcher] = {}
        self._places: dict[int, int] = {}
        self.patterns = tuple(patterns)
        for place, pattern in enumerate(patterns):
            name = f"p{place}"
            group = self._groups.setdefault(pattern.demands(), Matcher(vocab))
            group.add(name, pattern.variants())
            self._places[vocab.strings[name]] = place

    def spans(self, doc: Doc, tags: frozenset[str]) -> Iterator[tuple[int, int, int]]:
        """(place of the pattern, first, last) of the meant tokens of every match, counted without the BOS token."""
        for demanded, matcher in self._groups.items():
            if demanded and not demanded & tags:
                continue
            matches: Any = matcher(doc, with_alignments=True)  # the stubs know the shape without alignments only
            for key, start, _, alignment in matches:
                place = self._places[key]
                pattern = self.patterns[place]
                meant = [i for i, a in enumerate(alignment, start) if pattern.first <= a <= pattern.last and i > 0]
                if meant:
                    yield place, meant[0] - 1, meant[-1]


def _gap(kind: str, count: str) -> dict[str, Any]:
    if kind == "...":
        return {"TAG": {"NOT_IN": CLAUSE_ENDS}, "OP": f"{{0,{count or 8}}}"}
    if kind == "~":
        return {"TAG": {"NOT_IN": SENTENCE_ENDS}, "OP": f"{{0,{count or 8}}}"}
    return {"TAG": {"NOT_IN": ["BOS"]}, "OP": f"{{0,{count or 12}}}"}


def compile_pattern(source: str) -> Pattern:
    """Compile one pattern; raises :class:`BadPattern` with what is wrong."""
    elements: list[dict[str, Any]] = []
    words: set[str] = set()
    tags: set[str] = set()
    first, last = 0, -1
    for part in source.split():
        if part == "<":
            first = len(elements)
        elif part == ">":
            last = len(elements) - 1
        elif part == "^":
            elements.append({"TAG": {"IN": [*SENTENCE_ENDS, "SEMI"]}})
            first = first or len(elements)
        elif gap := _GAP.match(part):
            elements.append(_gap(gap["kind"], gap["count"]))
        else:
            elements.append(_element(part, words, tags))
    if not elements:
        raise BadPattern("empty pattern")
    if last < 0:
        last = len(elements) - 1
    if source.count("<") != source.count(" > ") + source.endswith(" >"):
        raise BadPattern(f"unbalanced < > in « {source} »")
    return Pattern(source, tuple(elements), first, last, frozenset(words), frozenset(tags))


def _element(part: str, words: set[str], tags: set[str]) -> dict[str, Any]:
    match = _ELEMENT.match(part)
    if match is None:
        raise BadPattern(f"« {part} » is no element")
    names = match["body"].split("|")
    operator = {"OP": match["op"]} if match["op"] else {}
    if all(name.isupper() for name in names):
        wanted = [tag for name in names for tag in (FILL if name == "FILL" else [name])]
        tags.update(wanted)
        if len(wanted) == 1 and not match["not"]:
            return {"TAG": wanted[0], **operator}
        return {"TAG": {"NOT_IN" if match["not"] else "IN": wanted}, **operator}
    if any(not name or name != name.lower() for name in names):
        raise BadPattern(f"« {part} » mixes tags and words")
    words.update(names)
    return {"ORTH": {"NOT_IN" if match["not"] else "IN": names}, **operator}


def make_doc(vocab: Vocab, tokens: Sequence[Token], known: frozenset[str]) -> Doc:
    """A spaCy document of the tokens' words and tags, opened by a BOS token; unknown words become one placeholder,
    so that the vocabulary of a process that reads for days does not grow."""
    words = ["^", *[token.text if token.text in known else "·" for token in tokens]]
    return Doc(vocab, words=words, tags=["BOS", *[token.tag for token in tokens]])
