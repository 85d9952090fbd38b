"""Turn a folded text into the short sequence of tagged tokens the rules are tried on; it must not judge stances."""

from collections.abc import Iterator, Sequence

from spacy.vocab import Vocab

from detection.lexicon import Lexicon
from detection.mentions import chunk, doubtful, merge, name_benefits, tag_words, take_followers
from detection.normalise import Folded
from detection.patterns import TagMatcher, make_doc
from detection.questions import answer_questions
from detection.rules import Rewrite, RuleBook
from detection.tokens import ENDS, WORD, Token, tokenise

#: Tokens read around a mention, and in all: more is cut, so that no text takes longer than a large page.
AROUND, AT_MOST = 70, 900
_SOFT_BEFORE = frozenset(
    {"DET", "HOLD", "LINK", "NE", "AUX", "COMMA", "ET", "OU", "PRON", "RECV", "EXC", "PAS", "FOR", "QUE"}
)
_CLITICS = frozenset({"la", "les", "l", "le", "leur", "leurs"})
_ACUTE = "éÉ"


class Layer:
    """One layer of rewrites as a spaCy matcher."""

    def __init__(self, vocab: Vocab, rewrites: Sequence[Rewrite]) -> None:
        self.vocab, self.rewrites = vocab, tuple(rewrites)
        self.matcher = TagMatcher(vocab, [rewrite.pattern for rewrite in rewrites])

    def apply(self, tokens: list[Token], known: frozenset[str]) -> list[Token]:
        """The tokens with every match rewritten: the longest first, then the rewrite that is listed first."""
        spans = []
        doc = make_doc(self.vocab, tokens, known)
        for place, start, end in self.matcher.spans(doc, frozenset(token.tag for token in tokens)):
            tag = self.rewrites[place].tag
            if tag == "NBEN" or all(token.tag != "BEN" for token in tokens[start:end]):
                spans.append((start - end, place, start, end, tag))
        if not spans:
            return tokens
        taken = [False] * len(tokens)
        chosen = []
        for _, _, start, end, tag in sorted(spans):
            if not any(taken[start:end]):
                taken[start:end] = [True] * (end - start)
                chosen.append((start, end, tag))
        return list(_replace(tokens, sorted(chosen)))


def _replace(tokens: list[Token], chosen: Sequence[tuple[int, int, str]]) -> Iterator[Token]:
    place = 0
    for start, end, tag in chosen:
        yield from tokens[place:start]
        if tag != "-":
            yield merge(tokens, start, end, tag)
        place = end
    yield from tokens[place:]


class Parser:
    """Reads with one lexicon and one book of rewrites."""

    def __init__(self, lexicon: Lexicon, book: RuleBook) -> None:
        # The vocabulary alone: spaCy's French tokeniser takes a second to build, and the tokens here are our own.
        self.vocab = Vocab()
        self.lexicon = lexicon
        self.known = book.words
        self.layers = [Layer(self.vocab, layer) for layer in book.layers]

    def parse(self, folded: Folded) -> list[Token]:
        """Tagged tokens; empty when no benefit is named."""
        tokens = name_benefits(folded, tokenise(folded.text), self.lexicon)
        if not any(token.tag == "BEN" for token in tokens):
            return []
        tokens = tag_words(_window(tokens), self.lexicon)
        for place, token in enumerate(tokens):
            if token.tag == "BEN" and doubtful(tokens, place, folded):
                token.tag, token.benefits = WORD, ()
        if not any(token.tag == "BEN" for token in tokens):
            return []
        _participles(folded, tokens)
        _marks(tokens)
        end = len(folded.text)
        tokens = [*_resolve(take_followers(chunk(_lines(folded, tokens)))), Token("", "DOT", end, end)]
        for layer in self.layers:
            tokens = layer.apply(tokens, self.known)
        return answer_questions(tokens)


def _window(tokens: list[Token]) -> list[Token]:
    if len(tokens) <= AT_MOST // 2:
        return tokens
    kept: list[Token] = []
    last = 0
    for place, token in enumerate(tokens):
        if token.tag == "BEN":
            start = max(last, place - AROUND)
            if start > last and kept:
                kept.append(Token(".", "DOT", tokens[start].start, tokens[start].start))
            last = max(last, min(len(tokens), place + AROUND))
            kept.extend(tokens[start:last])
            if len(kept) >= AT_MOST:
                break
    return kept[:AT_MOST]


def _participles(folded: Folded, tokens: list[Token]) -> None:
    """« accepté » is no « accepte »: the accent that folding took away decides between participle and verb."""
    for token in tokens:
        if token.tag in {"RECV", "REFU"} and token.text.endswith(("e", "es")):
            original = folded.original[slice(*folded.span(token.start, token.end))]
            original = original.rstrip("sS")
            if original[-1:] in _ACUTE or original.endswith("\u0301"):
                token.tag += "P"


def _marks(tokens: Sequence[Token]) -> None:
    """In a line that opens with a tick or a cross, each mark judges what follows it, not what precedes it."""
    prefixed = False
    for place, token in enumerate(tokens):
        if token.tag in {"TICK", "CROSS"}:
            if place == 0 or tokens[place - 1].tag in {"NL", "ITEM", "COLON"}:
                prefixed = True
            if prefixed:
                token.tag = "PRE" + token.tag
        elif token.tag == "NL":
            prefixed = False


def _lines(folded: Folded, tokens: list[Token]) -> list[Token]:
    """Drop the line ends that only wrap a sentence; those of a list under a heading become commas."""
    kept: list[Token] = []
    heading = False
    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        if token.tag == "NL":
            item = after is not None and after.tag == "ITEM"
            if kept and kept[-1].tag == "COLON":
                heading = item
                continue
            if item and heading:
                kept.append(Token(",", "COMMA", token.start, token.end))
                continue
            heading = False
            if kept and after is not None and _wraps(folded, kept[-1], after):
                continue
        elif token.tag == "ITEM":
            if kept and kept[-1].tag not in {"NL", "COMMA", "COLON", "DOT"}:
                kept.append(Token(",", "COMMA", token.start, token.end))
            continue
        kept.append(token)
    return kept


def _wraps(folded: Folded, before: Token, after: Token) -> bool:
    if before.tag in ENDS or before.tag == "SEMI" or after.tag == "ITEM":
        return False
    first = folded.original[folded.offsets[after.start]]
    return before.tag in _SOFT_BEFORE or (first.islower() and before.tag not in {"RECVP", "REFUP", "OUI", "NON"})


def _resolve(tokens: list[Token]) -> list[Token]:
    """Pronouns and « ces patients » stand for the benefit named last, at most two sentences before."""
    resolved: list[Token] = []
    last: tuple[str, ...] = ()
    age = 0
    for place, token in enumerate(tokens):
        if token.tag == "BEN":
            last, age = token.benefits, 0
        elif token.tag in ENDS:
            age += 1
        elif token.tag == "ANA":
            token = Token(token.text, "BEN" if last and age <= 2 else WORD, token.start, token.end, last)
        elif last and age <= 2 and _is_clitic(tokens, place, resolved):
            clitic = Token(token.text, "BEN", token.start, token.end, last)
            resolved[-1:] = [clitic, resolved[-1]] if resolved[-1].tag in {"NE", "PRON"} else [resolved[-1], clitic]
            continue
        resolved.append(token)
    return resolved


def _is_clitic(tokens: Sequence[Token], place: int, resolved: Sequence[Token]) -> bool:
    token = tokens[place]
    if token.text not in _CLITICS or not resolved or place + 1 >= len(tokens):
        return False
    if resolved[-1].tag not in {"NE", "PRON"}:
        return tokens[place + 1].tag in {"RECV", "REFU"} and " " not in tokens[place + 1].text
    return tokens[place + 1].tag in {"RECV", "REFU", "AUX", "GOTO", "ADVISE", "NVERB", "RECVP", "REFUP", "PRAC"}
