"""The first reader: rules with scope over tagged words; it must not know of any model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detection.lexicon import load_lexicon
from detection.normalise import Folded, fold
from detection.parse import Parser
from detection.patterns import SENTENCE_ENDS, TagMatcher, make_doc
from detection.reading import SEVERITY
from detection.rules import Rule, RuleBook, load_rulebook
from detection.tokens import Token
from reference import load_reference

#: Raised by hand whenever the code reads a text differently; the digest of rules and words is added to it.
CODE_VERSION = "0.1.0"
_HERE = Path(__file__).parent
#: The tags of a named benefit: itself, and « non CMU ».
MENTIONS = frozenset({"BEN", "NBEN"})
_VERBS = frozenset({"RECV", "REFU", "NE", "NPRAC", "NOTP", "PRON", "AUX"})
_SUBJECTS = frozenset({"PRON", "DET", "AUX"})
_EDGES = frozenset({"COMMA", "DOT", "NL", "SEMI", "COLON", "OPEN", "CLOSE", "DASH", "ET", "BUT"})


@dataclass(frozen=True)
class Candidate:
    """A rule that matched: the span of tokens, and the mentions in it."""

    rule: Rule
    start: int
    end: int
    mentions: tuple[int, ...]

    @property
    def rank(self) -> tuple[int, int, int]:
        """Weight first, then severity, then brevity."""
        return self.rule.weight, SEVERITY[self.rule.stance], self.start - self.end


@dataclass(frozen=True)
class Ruled:
    """One mention as the rules read it: its span in the folded text, the rule that won, the span that rule underlines."""

    start: int
    end: int
    benefits: tuple[str, ...]
    rule: Rule | None
    trigger: tuple[int, int]

    @property
    def stance(self) -> str:
        """The rule's stance, ``neutral`` when no rule says anything."""
        return self.rule.stance if self.rule else "neutral"


class RuleReader:
    """The first reader: rules with scope. Thread-safe for reading once built."""

    def __init__(self, book: RuleBook, parser: Parser) -> None:
        self.parser = parser
        self.lexicon = parser.lexicon
        self.rules = tuple(rule for rule in book.rules if rule.status != "deprecated")
        self.version = f"rules-{CODE_VERSION}+{book.digest[:8]}"
        self._owners = [rule for rule in self.rules for _ in rule.patterns]
        self._matcher = TagMatcher(parser.vocab, [pattern for rule in self.rules for pattern in rule.patterns])

    def judge(self, folded: Folded, field: str) -> list[Ruled]:
        """Every mention that the rules see, in order; empty when no benefit is named."""
        tokens = self.parser.parse(folded)
        if not tokens:
            return []
        return [
            Ruled(
                tokens[place].start,
                tokens[place].end,
                tokens[place].benefits,
                winner.rule if winner else None,
                _underlined(tokens, winner) if winner else (tokens[place].start, tokens[place].end),
            )
            for place, winner in sorted(self._resolve(tokens, self.candidates(tokens, field)).items())
        ]

    def parse(self, text: str) -> list[Token]:
        """The tokens the rules see: for explanations and for whoever writes a rule."""
        return self.parser.parse(fold(text))

    def candidates(self, tokens: Sequence[Token], field: str) -> list[Candidate]:
        """Every rule that matches, before any of them wins."""
        found: dict[tuple[str, int, int], Candidate] = {}
        doc = make_doc(self.parser.vocab, tokens, self.parser.known)
        for place, first, last in self._matcher.spans(doc, frozenset(token.tag for token in tokens)):
            rule = self._owners[place]
            if rule.fields and field not in rule.fields:
                continue
            mentions = tuple(i for i in range(first, last) if tokens[i].tag in MENTIONS)
            if not mentions or not _allowed(rule, tokens, first, last):
                continue
            found.setdefault((rule.id, first, last), Candidate(rule, first, last, mentions))
        return list(found.values())

    def _resolve(self, tokens: Sequence[Token], candidates: Sequence[Candidate]) -> dict[int, Candidate | None]:
        winners: dict[int, Candidate | None] = {i: None for i, token in enumerate(tokens) if token.tag in MENTIONS}
        for candidate in candidates:
            for mention in candidate.mentions:
                best = winners[mention]
                if best is None or candidate.rank > best.rank:
                    winners[mention] = candidate
        return winners


def _sentence(tokens: Sequence[Token], first: int, last: int) -> tuple[int, int]:
    start = first
    while start and tokens[start - 1].tag not in SENTENCE_ENDS:
        start -= 1
    end = last
    while end < len(tokens) and tokens[end].tag not in SENTENCE_ENDS:
        end += 1
    return start, end


def _allowed(rule: Rule, tokens: Sequence[Token], first: int, last: int) -> bool:
    if not rule.unless and not rule.needs:
        return True
    start, end = _sentence(tokens, first, last)
    tags = {token.tag for token in tokens[start:end]}
    return not (rule.unless & tags) and (not rule.needs or bool(rule.needs & tags))


def _finish(tokens: Sequence[Token], last: int) -> int:
    """The end of the clause that ``last`` stands in, when it is near: what limits or hinders is often said there."""
    for place in range(last, min(last + 9, len(tokens))):
        if tokens[place].tag in _EDGES and tokens[place].tag != "ET":
            return place
    return last


def _underlined(tokens: Sequence[Token], winner: Candidate) -> tuple[int, int]:
    """The span in the folded text that a winning rule underlines."""
    first, last = winner.start, winner.end
    if winner.rule.stance in {"restriction", "deterrence"}:
        last = _finish(tokens, last)
    while last - first > 1 and tokens[last - 1].tag in _EDGES:
        last -= 1
    while last - first > 1 and tokens[first].tag in _EDGES:
        first += 1
    while first and tokens[first].tag in _VERBS and tokens[first - 1].tag in _SUBJECTS:
        first -= 1
    for place in range(last, min(last + 3, len(tokens))):
        if tokens[place].tag == "ANSWER":
            last = place + 1
            break
    chosen = tokens[first:last]
    return min(token.start for token in chosen), max(token.end for token in chosen)


def load_rule_reader(rules: Path | None = None) -> RuleReader:
    """The first reader with the rules of a folder (those of this version by default); bad files raise ``BadRules``."""
    names = {code: tuple(benefit.spellings) for code, benefit in load_reference().benefits.items()}
    lexicon = load_lexicon(_HERE / "lexicon", names)
    book = load_rulebook(_HERE / "rules" if rules is None else rules, _HERE / "lexicon")
    return RuleReader(book, Parser(lexicon, book))
