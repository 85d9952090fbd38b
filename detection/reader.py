"""Read a passage: what its wording does to patients who hold a protected benefit; it never judges a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detection.context import Contexts
from detection.lexicon import load_lexicon
from detection.normalise import Folded, fold, fold_fast
from detection.parse import Parser
from detection.patterns import SENTENCE_ENDS, TagMatcher, make_doc
from detection.prefilter import Prefilter
from detection.reading import BENEFITS, FLAGGED, SEVERITY, Reading
from detection.rules import Rule, RuleBook, load_rulebook
from detection.tokens import Token
from reference import load_reference

#: Raised by hand whenever the code reads a text differently; the digest of rules and words is added to it.
CODE_VERSION = "0.1.0"
_HERE = Path(__file__).parent
_CONFIDENCE = {"stable": 0.95, "test": 0.85, "experimental": 0.6}
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


class Reader:
    """The first reader: rules with scope. Thread-safe for reading once built."""

    def __init__(self, book: RuleBook, parser: Parser, prefilter: Prefilter, contexts: Contexts) -> None:
        self._parser, self._prefilter, self._contexts = parser, prefilter, contexts
        self.rules = book.rules
        self.version = f"rules-{CODE_VERSION}+{book.digest[:8]}"
        self._nones: dict[tuple[str, ...], Reading] = {}
        self._owners = [rule for rule in book.rules for _ in rule.patterns]
        self._matcher = TagMatcher(parser.nlp.vocab, [pattern for rule in book.rules for pattern in rule.patterns])

    def read(self, text: str, field: str) -> Reading:
        """Read one passage of a field of the annotation guide; any text yields a reading."""
        plain = fold_fast(text)
        context = self._contexts.of(plain)
        if not self._prefilter.may_mention(plain):
            return self._none(context)
        folded = fold(text)
        tokens = self._parser.parse(folded)
        if not tokens:
            return self._none(context)
        winners = self._resolve(tokens, self.candidates(tokens, field))
        return self._reading(folded, tokens, winners, field, context)

    def read_many(self, passages: Iterable[tuple[str, str]]) -> Iterator[Reading]:
        """Read (text, field) pairs one after the other, in order; nothing is kept in memory."""
        for text, field in passages:
            yield self.read(text, field)

    def parse(self, text: str) -> list[Token]:
        """The tokens the rules see: for explanations and for whoever writes a rule."""
        return self._parser.parse(fold(text))

    def candidates(self, tokens: Sequence[Token], field: str) -> list[Candidate]:
        """Every rule that matches, before any of them wins."""
        found: dict[tuple[str, int, int], Candidate] = {}
        doc = make_doc(self._parser.nlp.vocab, tokens, self._parser.known)
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

    def _reading(
        self,
        folded: Folded,
        tokens: Sequence[Token],
        winners: Mapping[int, Candidate | None],
        field: str,
        context: tuple[str, ...],
    ) -> Reading:
        stances = {place: c.rule.stance if c else "neutral" for place, c in winners.items()}
        stance = max(stances.values(), key=SEVERITY.__getitem__)
        places = [place for place, own in stances.items() if own == stance]
        best = min((c for p in places if (c := winners[p]) is not None), key=lambda c: c.start, default=None)
        if field == "review":
            stance = "neutral"
        named = {code for place in winners for code in tokens[place].benefits}
        concerned = {code for place in places for code in tokens[place].benefits} if stance in FLAGGED else named
        first, last = (
            _joined(tokens, best, [c for p in places if (c := winners[p])]) if best else (places[0], places[0] + 1)
        )
        if stance in {"restriction", "deterrence"}:
            last = _finish(tokens, last)
        start, end = _span(folded, tokens, first, last)
        rules = {c.rule.id: c.rule for p in places if (c := winners[p]) is not None}
        return Reading(
            stance=stance,
            flagged=stance in FLAGGED,
            benefits=tuple(code for code in BENEFITS if code in concerned),
            trigger=folded.original[start:end],
            start=start,
            end=end,
            confidence=max((_CONFIDENCE[rule.status] for rule in rules.values()), default=0.5),
            reasons=_reasons(rules.values(), field),
            context=context,
            version=self.version,
        )

    def _none(self, context: tuple[str, ...]) -> Reading:
        known = self._nones.get(context)
        if known is None:
            known = self._nones[context] = self._new_none(context)
        return known

    def _new_none(self, context: tuple[str, ...]) -> Reading:
        return Reading(
            "none", False, (), "", 0, 0, 0.99, ("Aucune prestation protégée n'est nommée.",), context, self.version
        )


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


def _joined(tokens: Sequence[Token], best: Candidate, winners: Sequence[Candidate]) -> tuple[int, int]:
    """The span of a winner together with those of like stance that follow it closely: « hors C2S et hors AME »."""
    first, last = best.start, best.end
    for other in sorted(winners, key=lambda c: c.start):
        if last <= other.start <= last + 2 and not any(t.tag in SENTENCE_ENDS for t in tokens[last : other.start]):
            last = max(last, other.end)
    return first, last


def _finish(tokens: Sequence[Token], last: int) -> int:
    """The end of the clause that ``last`` stands in, when it is near: what limits or hinders is often said there."""
    for place in range(last, min(last + 9, len(tokens))):
        if tokens[place].tag in _EDGES and tokens[place].tag != "ET":
            return place
    return last


def _span(folded: Folded, tokens: Sequence[Token], first: int, last: int) -> tuple[int, int]:
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
    return folded.span(min(token.start for token in chosen), max(token.end for token in chosen))


def _reasons(rules: Iterable[Rule], field: str) -> tuple[str, ...]:
    reasons = [f"{rule.reason} (règle {rule.id})" for rule in rules]
    if field == "review":
        reasons.append("Ce sont les mots d'un patient, non ceux du praticien (règle avis.parole-d-autrui).")
    return tuple(reasons) or ("Une prestation est nommée sans refus, restriction ni accueil exprès (aucune règle).",)


def load_reader(rules: Path | None = None) -> Reader:
    """A reader with the rules of a folder (those of this version by default); malformed files raise ``BadRules``."""
    folder = _HERE / "rules" if rules is None else rules
    names = {code: tuple(benefit.spellings) for code, benefit in load_reference().benefits.items()}
    lexicon = load_lexicon(_HERE / "lexicon", names)
    book = load_rulebook(folder, _HERE / "lexicon")
    spellings = [spelling for forms in names.values() for spelling in forms]
    return Reader(book, Parser(lexicon, book), Prefilter(spellings), Contexts(_HERE / "lexicon" / "context.yaml"))
