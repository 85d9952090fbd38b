"""Read a passage: what its wording does to patients who hold a protected benefit; it never judges a person.

Three readers look at a mention of a benefit. The rules say what they see in words; the trained networks, which also see
what the rules said, give each stance its chance; where they doubt, an adapted language model reads the whole text and has
its share in the chances. The likelier side decides; where the chances are close the reading abstains, and a person reads
the passage whatever it says.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection.context import Contexts
from detection.deep.third import load_third
from detection.learned.second import Judged, SecondReader, Third, Trained, load_trained
from detection.learned.windows import CUE, Mention, trim
from detection.normalise import Folded, fold, fold_fast
from detection.prefilter import Prefilter
from detection.reading import BENEFITS, FLAGGED, SEVERITY, STANCES, Reading
from detection.rulereader import Ruled, RuleReader, load_rule_reader
from reference import load_reference

_HERE = Path(__file__).parent
_FIRST_FLAGGED = min(SEVERITY[stance] for stance in FLAGGED)
#: Folded characters between two triggers of one stance that are read as one.
_NEAR = 12
#: How the learned reading is named beside the rules' ids.
_LEARNED = {
    "refusal": "apprise.refus",
    "restriction": "apprise.restriction",
    "deterrence": "apprise.dissuasion",
    "acceptance": "apprise.accueil",
    "neutral": "apprise.mention",
}
_NOT_NAMED = "Aucune prestation protégée n'est nommée."


class Reader:
    """The readers behind a prefilter. Thread-safe for reading once built."""

    def __init__(
        self, rules: RuleReader, trained: Trained, prefilter: Prefilter, contexts: Contexts, third: Third
    ) -> None:
        self.rules, self.trained = rules, trained
        self._second = SecondReader(trained, rules.lexicon, third)
        self._prefilter, self._contexts = prefilter, contexts
        self.version = f"{rules.version}+{trained.version}"
        self._nones: dict[tuple[str, ...], Reading] = {}

    def read(self, text: str, field: str) -> Reading:
        """Read one passage of a field of the annotation guide; any text yields a reading."""
        plain = fold_fast(text)
        context = self._contexts.of(plain)
        if not self._prefilter.may_mention(plain):
            return self._none(context)
        folded = fold(text)
        ruled: list[Ruled] = []

        def ask(mentions: Sequence[Mention]) -> list[int]:
            ruled.extend(self.rules.judge(folded, field))
            return what_rules_say(ruled, mentions)

        judged = self._second.judge(folded, field, ask)
        if not judged:
            return self._none(context)
        return self._decide(folded, field, ruled, judged, context)

    def read_many(self, passages: Iterable[tuple[str, str]]) -> Iterator[Reading]:
        """Read (text, field) pairs one after the other, in order; nothing is kept in memory."""
        for text, field in passages:
            yield self.read(text, field)

    def _decide(
        self, folded: Folded, field: str, ruled: Sequence[Ruled], judged: Sequence[Judged], context: tuple[str, ...]
    ) -> Reading:
        stances = [self._stance(one) for one in judged]
        stance = max(stances, key=SEVERITY.__getitem__)
        if stance == "none":
            return self._none(context)
        places = [place for place, own in enumerate(stances) if own == stance]
        start, end = _joined([judged[place] for place in places])
        named = {code for one, own in zip(judged, stances, strict=True) if own != "none" for code in one.mention.codes}
        concerned = {code for place in places for code in judged[place].mention.codes}
        sure = self._sure(judged, places, stance)
        reasons = _reasons(folded, stance, start, end, ruled)
        if field == "review":
            stance = "neutral"
            reasons = ("Ce sont les mots d'un patient, non ceux du praticien (règle avis.parole-d-autrui).",)
        first, last = folded.span(*trim(folded, start, end))
        return Reading(
            stance=stance,
            flagged=stance in FLAGGED,
            benefits=tuple(code for code in BENEFITS if code in (concerned if stance in FLAGGED else named)),
            trigger=folded.original[first:last],
            start=first,
            end=last,
            confidence=round(sure, 4),
            reasons=reasons,
            context=context,
            version=self.version,
            abstained=field != "review" and sure < self.trained.abstain_below,
        )

    def _stance(self, one: Judged) -> str:
        least = self.trained.cue_from if one.mention.kind == CUE else self.trained.flag_from
        flagged = float(one.chances[_FIRST_FLAGGED:].sum()) >= least
        part = slice(_FIRST_FLAGGED, None) if flagged else slice(0, _FIRST_FLAGGED)
        return STANCES[int(one.chances[part].argmax()) + (part.start or 0)]

    def _sure(self, judged: Sequence[Judged], places: Sequence[int], stance: str) -> float:
        """The chance that the flag, or its absence, is right."""
        flags = [float(one.chances[_FIRST_FLAGGED:].sum()) for one in judged]
        return max(flags[place] for place in places) if stance in FLAGGED else 1 - max(flags)

    def _none(self, context: tuple[str, ...]) -> Reading:
        known = self._nones.get(context)
        if known is None:
            known = self._nones[context] = Reading(
                "none", False, (), "", 0, 0, 0.99, (_NOT_NAMED,), context, self.version, False
            )
        return known


def what_rules_say(ruled: Sequence[Ruled], mentions: Sequence[Mention]) -> list[int]:
    """What the rules say of each mention, as the networks are told: 1 for nothing, else 1 + the stance's place."""
    return [
        1 + max((SEVERITY[r.stance] for r in ruled if r.rule and r.start <= mention.start < r.end), default=0)
        for mention in mentions
    ]


def _joined(judged: Sequence[Judged]) -> tuple[int, int]:
    """The span of the likeliest mention's trigger, with those that touch it: « hors C2S et hors AME »."""
    best = max(judged, key=lambda one: float(one.chances.max()))
    start, end = best.start, best.end
    for one in sorted(judged, key=lambda one: one.start):
        if one.start <= end + _NEAR and one.end >= start - _NEAR:
            start, end = min(start, one.start), max(end, one.end)
    return start, end


def _reasons(folded: Folded, stance: str, start: int, end: int, ruled: Sequence[Ruled]) -> tuple[str, ...]:
    rules = {r.rule.id: r.rule for r in ruled if r.rule and r.stance == stance and r.start < end and r.end > start}
    if rules:
        return tuple(f"{rule.reason} (règle {rule.id})" for rule in rules.values())
    first, last = folded.span(*trim(folded, start, end))
    words = " ".join(folded.original[first:last].split())
    return (f"Les mots « {words} » emportent la lecture (règle {_LEARNED[stance]}).",)


def ask_third(text: str, start: int, end: int, field: str) -> NDArray[np.float32]:
    """The shipped third reader's chances; it is loaded when it is first asked."""
    return load_third()(text, start, end, field)


def load_reader(rules: Path | None = None, trained: Trained | None = None, third: Third = ask_third) -> Reader:
    """A reader with the rules of a folder and a trained model, those of this version by default.

    Raises ``BadRules`` for malformed rules and ``BadModel`` for a missing or unfit model."""
    first = load_rule_reader(rules)
    spellings = [spelling for benefit in load_reference().benefits.values() for spelling in benefit.spellings]
    return Reader(
        first,
        trained or load_trained(),
        Prefilter(spellings, first.lexicon.cues),
        Contexts(_HERE / "lexicon" / "context.yaml"),
        third,
    )
