"""Cut a folded text into words and marks; it must not interpret them."""

import re
from dataclasses import dataclass
from itertools import product

from detection.normalise import CROSS, TICK

#: Tag of a word no lexicon knows.
WORD = "W"
_TOKEN = re.compile(r"[a-z]+|[^\W\d_a-z]+|\d+(?:[.,]\d+)?|\n[\s]*|[^\w\s]|_+")
_MARKS = {
    ",": "COMMA",
    ":": "COLON",
    "=": "COLON",
    ">": "COLON",
    "|": "COLON",
    ";": "SEMI",
    ".": "DOT",
    "!": "DOT",
    "?": "QM",
    "(": "OPEN",
    "[": "OPEN",
    ")": "CLOSE",
    "]": "CLOSE",
    "/": "SLASH",
    "\\": "SLASH",
    "+": "ET",
    "&": "ET",
    "•": "ITEM",
    "*": "ITEM",
    TICK: "TICK",
    CROSS: "CROSS",
    "€": "EUR",
    "؟": "QM",
    "。": "DOT",
}
_ABBREVIATIONS = frozenset({
    "dr", "drs", "pr", "mme", "mmes", "mlle", "st", "ste", "tel", "art", "etc", "cf", "no", "env", "av", "bd",
    "rdv", "consult", "ex",
})  # fmt: skip
#: Every tag a mark can have.
MARK_TAGS = frozenset({*_MARKS.values(), "NL", "DASH"})
#: Tags that end a sentence.
ENDS = frozenset({"DOT", "QM", "NL"})


@dataclass
class Token:
    """A word, a mark or a merged phrase: its folded text, its tag, its span in the folded text, its benefits."""

    text: str
    tag: str
    start: int
    end: int
    benefits: tuple[str, ...] = ()
    past: bool = False

    def __repr__(self) -> str:
        return f"{self.tag}<{self.text}>"


def _tag_of(text: str) -> str:
    if text[0] == "\n":
        return "NL"
    if text[0].isdigit():
        return "NUM"
    return _MARKS.get(text, WORD)


def tokenise(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Words, numbers and marks of ``text[start:end]``, in order; hyphens inside words and quotation marks vanish."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        piece = match.group()
        tag = _tag_of(piece)
        first, last = match.span()
        if tag == WORD and not piece[0].isalnum():
            if piece == "-" and _stands_alone(text, first, last):
                tokens.append(Token("-", "ITEM" if _opens_line(text, first) else "DASH", first, last))
            elif piece == "%":
                tokens.append(Token("%", WORD, first, last))
            continue
        if tag == "DOT" and piece == "." and _leads(text, first):
            tag = "COLON"
        elif tag == "DOT" and piece == "." and _inside(text, first, tokens):
            continue
        if tag in {"DOT", "COLON"} and tokens and tokens[-1].tag == "COLON" and tokens[-1].end == first:
            tokens[-1].end = last
            continue
        if tag in ENDS and tokens and tokens[-1].tag == tag:
            continue
        tokens.append(Token(piece if tag != "NL" else "\n", tag, first, last))
    return tokens


def _leads(text: str, place: int) -> bool:
    """Whether a row of full stops leads to a word, as in « CMU......non »."""
    end = place
    while end < len(text) and text[end] == ".":
        end += 1
    return end - place > 1 and text[end : end + 1].isalpha()


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return before.isspace() or (after.isspace() and not before.isalnum())


def _opens_line(text: str, place: int) -> bool:
    at = place - 1
    while at >= 0 and text[at] == " ":
        at -= 1
    return at < 0 or text[at] == "\n"


def _inside(text: str, place: int, tokens: list[Token]) -> bool:
    """Whether a full stop belongs to an abbreviation, an acronym or an address rather than ending a sentence."""
    before = tokens[-1].text if tokens and tokens[-1].end == place else ""
    after = text[place + 1 : place + 2]
    initial = len(before) == 1 and before.isalpha() and (len(tokens) < 2 or tokens[-2].tag != "NUM")
    return before in _ABBREVIATIONS or initial or after.isalnum()


_GROUP = re.compile(r"\(([^()]*)\)")


def expand(phrase: str) -> list[str]:
    """Every phrase a pattern like ``accept(e|ons)`` stands for."""
    parts = _GROUP.split(phrase)
    choices = [part.split("|") if index % 2 else [part] for index, part in enumerate(parts)]
    return [" ".join("".join(choice).split()) for choice in product(*choices)]
