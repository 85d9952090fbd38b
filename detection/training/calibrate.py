"""Choose the limits of a trained model on the development passages: temperature, the third reader's share, thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.corpus import Passage
from detection.learned.second import SecondReader, Third, Trained, mixed, warm
from detection.learned.windows import CUE, Mention
from detection.normalise import fold
from detection.reader import ask_third, what_rules_say
from detection.reading import FLAGGED, SEVERITY
from detection.rulereader import RuleReader, load_rule_reader

#: Share of the passages with a mention that may abstain.
_ABSTAIN = 0.03
#: Thresholds whose F1 is no farther than this from the best are as good.
_AS_GOOD = 0.003
#: The third reader is spared where that costs no more of the likelihood than this.
_LITTLE = 1.05
_FIRST_FLAGGED = min(SEVERITY[stance] for stance in FLAGGED)
_SHARES = np.arange(0.0, 1.01, 0.1)
_TEMPERATURES = np.arange(0.5, 2.55, 0.1)
_DOUBTS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.995, 1.01)


@dataclass(frozen=True)
class Opinions:
    """What two readers think of every mention of the passages: rows of six chances, the passage each row is of, whether
    it is a paraphrase; and for each passage whether it is flagged by its label."""

    second: NDArray[Any]
    third: NDArray[Any]
    passage: NDArray[np.int64]
    cue: NDArray[np.bool_]
    flagged: NDArray[np.bool_]


def gather(trained: Trained, passages: Sequence[Passage], rules: RuleReader, third: Third = ask_third) -> Opinions:
    """Both readers' opinions of every mention; passages without one, and reviews, which a rule decides, are left out."""
    reader = SecondReader(replace(trained, temperature=1.0, doubt_below=0.0), rules.lexicon, third)
    second, others, places, cues = [], [], [], []
    labels: list[bool] = []
    for passage in passages:
        if passage.field == "review":
            continue
        folded = fold(passage.text)

        def ask(mentions: Sequence[Mention], folded: Any = folded, field: str = passage.field) -> list[int]:
            return what_rules_say(rules.judge(folded, field), mentions)

        judged = reader.judge(folded, passage.field, ask)
        for one in judged:
            second.append(one.chances)
            others.append(third(passage.text, *folded.span(one.mention.start, one.mention.end), passage.field))
            places.append(len(labels))
            cues.append(one.mention.kind == CUE)
        if judged:
            labels.append(passage.stance in FLAGGED)
    return Opinions(np.array(second), np.array(others), np.array(places), np.array(cues), np.array(labels))


def flag_chances(known: Opinions, share: float, temperature: float, doubt: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """(names, cues): of each passage, the chance that its likeliest name, and its likeliest paraphrase, is flagged; 0 for none."""
    ours = np.where((known.second.max(-1) < doubt)[:, None], mixed(known.second, known.third, share), known.second)
    flags = np.array([float(warm(row, temperature)[_FIRST_FLAGGED:].sum()) for row in ours])
    names, cues = np.zeros(len(known.flagged)), np.zeros(len(known.flagged))
    np.maximum.at(names, known.passage[~known.cue], flags[~known.cue])
    np.maximum.at(cues, known.passage[known.cue], flags[known.cue])
    return names, cues


def _score(known: Opinions, names: NDArray[Any], cues: NDArray[Any], flag_from: float, cue_from: float) -> float:
    said = (names >= flag_from) | (cues >= cue_from)
    return float(2 * (said & known.flagged).sum() / max(1, said.sum() + known.flagged.sum()))


def _cost(known: Opinions, share: float, temperature: float, doubt: float) -> float:
    chances = np.clip(np.maximum(*flag_chances(known, share, temperature, doubt)), 1e-4, 1 - 1e-4)
    return -float(np.log(np.where(known.flagged, chances, 1 - chances)).mean())


def choose(trained: Trained, known: Opinions) -> Trained:
    """Share and temperature by likelihood, the flag's threshold by F1, the least doubt that costs nothing, abstention by
    share; a false flag accuses an innocent person, so of thresholds that are as good the most careful is taken."""
    _, share, temperature = min(
        (_cost(known, float(share), float(t), 1.01), float(share), float(t)) for share in _SHARES for t in _TEMPERATURES
    )
    doubt = next(
        one
        for one in _DOUBTS
        if _cost(known, share, temperature, one) <= _LITTLE * _cost(known, share, temperature, 1.01)
    )
    names, cues = flag_chances(known, share, temperature, doubt)
    scores = {
        float(round(at, 2)): _score(known, names, cues, at, trained.cue_from) for at in np.arange(0.3, 0.81, 0.02)
    }
    flag_from = max(at for at, score in scores.items() if score >= max(scores.values()) - _AS_GOOD)
    chances = np.maximum(names, cues)
    sure = np.sort(np.where((names >= flag_from) | (cues >= trained.cue_from), chances, 1 - chances))
    return replace(
        trained,
        third_share=round(share, 2),
        temperature=round(temperature, 2),
        doubt_below=doubt,
        flag_from=flag_from,
        abstain_below=round(float(sure[int(_ABSTAIN * len(sure))]), 4),
    )


def calibrate(trained: Trained, passages: Sequence[Passage], third: Third = ask_third) -> Trained:
    """The model with its limits chosen on passages nobody trained on."""
    return choose(trained, gather(trained, passages, load_rule_reader(), third))
