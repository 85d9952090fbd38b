"""Compile the rules' small pattern language to spaCy token patterns; it must not know any rule.

One element per word, spaces between:
``TAG`` or ``TAG|TAG``  a token of that tag; ``word`` or ``word|word``  that folded word; ``!TAG``  any other token;
``?  *  +`` behind it as in regular expressions, ``{0,3}`` as in spaCy;
``...`` (or ``...5``)  at most eight (five) tokens within one clause: no other benefit, predicate, exception or sentence end;
``~`` (or ``~5``)  at most eight tokens within the sentence;  ``>>``  at most twelve tokens, across one sentence end;
``< >``  around the elements that are meant, the others being context;
``FILL``  a little word that may stand inside a verb group;  ``^``  the start of the text or of a sentence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from detection.tokens import Token

CLAUSE_ENDS = [
    "BEN", "RECV", "RECVP", "REFU", "REFUP", "HRECV", "HREFU", "EXC", "BUT", "DOT", "QM", "NL", "SEMI", "BOS", "COND", "PAST",
    "NOBOOK",
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
