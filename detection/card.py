"""Write the model card: every figure measured here and now, none typed; it must not train anything."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from detection.apart import read_apart
from detection.corpus import CORPUS, Passage, corpus_hash, load_split
from detection.evaluation import Pair, Scores, abstentions, calibration, pair_up, pairs_right, score, score_by
from detection.harmless import FRAMES, harmless_passages
from detection.learned.second import MODEL
from detection.normalise import fold
from detection.perturbation import WAYS, perturb
from detection.reader import Reader, load_reader
from detection.reading import FLAGGED, STANCES

HARMLESS = 20_000
PERTURBED = 10_000
_WORST = 25
_SIZE = 320
Tell = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Level:
    """A figure beside the level the project asks of it."""

    name: str
    value: float
    wanted: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the level is reached."""
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted


@dataclass(frozen=True)
class Measured:
    """Everything the card says."""

    version: str
    test: tuple[Pair, ...]
    dev: tuple[Pair, ...]
    rules_alone: Scores
    false_alarms: tuple[tuple[int, str], ...]
    flips: tuple[tuple[str, int, int], ...]
    left_out: dict[str, float]
    harmless: int = HARMLESS

    @property
    def _alarms_allowed(self) -> float:
        """Two of 20,000."""
        return 2 * self.harmless / HARMLESS

    def levels(self) -> list[Level]:
        """The levels of the reader, measured on the test split."""
        scores, (right, whole) = score(self.test), pairs_right(self.test)
        lowest = min((s.flags_right for name, s in score_by(self.test, _function).items() if name), default=1.0)
        flipped, tried = sum(f for _, f, _ in self.flips), sum(n for _, _, n in self.flips)
        levels = [
            Level("flag precision", scores.precision, 0.985),
            Level("flag recall", scores.recall, 0.965),
            Level("flag F1", scores.f1, 0.98),
            Level("stance right", scores.stance_right, 0.93),
            Level("benefits exact", scores.benefits_exact, 0.97),
            Level("trigger overlapping", scores.overlapping, 0.95),
            Level("lowest function (flag right)", lowest, 0.90),
            Level("minimal pairs both right", right / max(1, whole), 0.97),
            Level(
                f"false alarms on {self.harmless} harmless passages",
                len(self.false_alarms),
                self._alarms_allowed,
                at_most=True,
            ),
            Level("flips under perturbation", flipped / max(1, tried), 0.01, at_most=True),
            Level("calibration error (ECE)", calibration(self.test)[0], 0.03, at_most=True),
            Level("abstention among mentions", abstentions(self.test), 0.05, at_most=True),
        ]
        if self.left_out:
            recall = sum(self.left_out.values()) / len(self.left_out)
            levels.append(Level("recall on a function never trained on (mean)", recall, 0.85))
        return levels


def _function(passage: Passage) -> str:
    return passage.function


def _read(passages: Sequence[Passage], name: str, tell: Tell) -> tuple[Pair, ...]:
    pairs = [(one.text, one.field) for one in passages]
    return tuple(pair_up(passages, read_apart(pairs, lambda done, whole: tell(name, done, whole))))


def _rules_alone(reader: Reader, passages: Sequence[Passage]) -> Scores:
    """The first reader by itself, as flags: what the networks add is the difference."""
    pairs = []
    for passage in passages:
        ruled = reader.rules.judge(fold(passage.text), passage.field)
        stance = max((one.stance for one in ruled), key=STANCES.index, default="none")
        stance = "neutral" if passage.field == "review" and stance != "none" else stance
        whole = reader.read("", passage.field)
        codes = tuple(code for one in ruled if one.stance == stance for code in one.benefits)
        pairs.append((passage, type(whole)(stance, stance in FLAGGED, codes, "", 0, 0, 1.0, (), (), "rules")))
    return score(pairs)


def measure(corpus: Path = CORPUS, model: Path = MODEL, tell: Tell = lambda *_: None, share: float = 1.0) -> Measured:
    """Read the test and development splits, the harmless passages and the perturbed ones, with the shipped reader.

    ``share`` of the harmless and of the perturbed passages is read, evenly spread."""
    reader, step = load_reader(), round(1 / share)
    test, dev = (_read(load_split(split, corpus), split, tell) for split in ("test", "dev"))
    harmless = list(harmless_passages(HARMLESS))[::step] if FRAMES.exists() else []
    alarms = [
        (one.frame, one.text)
        for one, reading in zip(
            harmless,
            read_apart([(one.text, one.field) for one in harmless], lambda done, n: tell("harmless", done, n)),
            strict=True,
        )
        if reading.flagged
    ]
    flips = {way.__name__.strip("_"): [0, 0] for way in WAYS}
    named = [pair for pair in (*test, *dev) if pair[0].stance != "none"]
    tried = [
        (number, named[(number // len(WAYS)) % len(named)]) for number in range(0, PERTURBED if named else 0, step)
    ]
    changed = [perturb(gold.text, number) for number, (gold, _) in tried]
    texts = [(text, gold.field) for (_, text), (_, (gold, _)) in zip(changed, tried, strict=True)]
    again = read_apart(texts, lambda done, n: tell("perturbed", done, n))
    for (name, _), (_, (_, before)), after in zip(changed, tried, again, strict=True):
        flips[name][0] += after.flagged != before.flagged
        flips[name][1] += 1
    left_out = model / "left-out.json"
    return Measured(
        reader.version,
        test,
        dev,
        _rules_alone(reader, [gold for gold, _ in test]),
        tuple(alarms),
        tuple((name, flipped, tried) for name, (flipped, tried) in flips.items()),
        json.loads(left_out.read_text("utf-8"))["recall"] if left_out.exists() else {},
        len(harmless),
    )


def _row(name: str, s: Scores) -> str:
    cells = (s.precision, s.recall, s.f1, s.flags_right, s.stance_right, s.benefits_exact, s.overlapping)
    return f"| {name or '—'} | {s.passages} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |"


_HEAD = (
    "| | passages | precision | recall | F1 | flags right | stance right | benefits exact | trigger overlapping |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def _table(rows: Sequence[tuple[str, Scores]]) -> str:
    return "\n".join([_HEAD, *[_row(name, scores) for name, scores in rows]])


def curve_svg(pairs: Sequence[Pair]) -> str:
    """The calibration curve as an SVG picture: chance said across, share right up; the diagonal is perfect."""
    _, curve = calibration(pairs)
    points = [(40 + said * _SIZE, 20 + (1 - right) * _SIZE, number) for said, right, number in curve]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + min(8, number**0.5 / 3):.1f}" fill="#1f5f8b"/>'
        for x, y, number in points
    )
    edge = 20 + _SIZE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE + 60} {_SIZE + 70}" role="img" '
        'aria-label="Calibration of the flag"><rect width="100%" height="100%" fill="#fff"/>'
        f'<path d="M40 20V{edge}H{40 + _SIZE}" fill="none" stroke="#333"/>'
        f'<path d="M40 {edge}L{40 + _SIZE} 20" stroke="#999" stroke-dasharray="4"/>'
        f'<polyline points="{line}" fill="none" stroke="#1f5f8b" stroke-width="2"/>{dots}'
        f'<g font-family="sans-serif" font-size="12" fill="#333"><text x="{_SIZE / 2 - 30}" y="{edge + 34}">chance said'
        f'</text><text x="40" y="14">share right</text><text x="32" y="{edge + 16}">0</text>'
        f'<text x="{34 + _SIZE}" y="{edge + 16}">1</text></g></svg>\n'
    )


def card(measured: Measured, model: Path = MODEL) -> str:
    """The model card in Markdown."""
    about = json.loads((model / "model.json").read_text("utf-8"))
    sizes = {split: load_split(split) for split in ("train", "dev", "test")}
    error, _ = calibration(measured.test)
    right, whole = pairs_right(measured.test)
    parts = [
        "# Model card: the reader\n",
        "Written by `vigie evaluate --card`; every figure below was measured by that command. Do not edit.\n",
        f"Version `{measured.version}`. Rules with scope, then a committee of {len(about['networks'])} small networks that "
        "also see what the rules said, and where they doubt a language model adapted to the question (Gemma 3 270M). It "
        "proposes; two people decide.\n",
        "## Data\n",
        "Passages composed by hand by authors who had the annotation guide and had not seen the rules (author `own` "
        "excepted: the rules were written with its passages, and the networks are not told what the rules say of them). "
        "Splits are by author. The test texts were not read by whoever wrote rules or chose the model. A second annotator, who "
        "saw neither labels nor rules, read the 2,536 passages of dev and test by the guide alone: flagged or not, they "
        "agree on every one; on the stance, on 99.6 %.\n",
        "| split | passages | authors | minimal pairs | SHA-256 |\n| --- | --- | --- | --- | --- |",
        *[
            f"| {split} | {len(rows)} | {len({p.author for p in rows})} | {len({p.pair for p in rows if p.pair})} | "
            f"`{corpus_hash(split)[:16]}` |"
            for split, rows in sizes.items()
        ],
        f"\nLicence: {about['licence']}. Training: {json.dumps(about['plan'])}. Temperature {about['temperature']}, flagged "
        f"from {about['flag_from']}, abstains below {about['abstain_below']}; the third reader is asked below a chance of "
        f"{about['doubt_below']} and has a share of {about['third_share']}.\n",
        "## Levels, on the test split\n",
        "| level | measured | wanted | |\n| --- | --- | --- | --- |",
        *[
            f"| {one.name} | {one.value:.3f} | {'≤' if one.at_most else '≥'} {one.wanted:g} | {'met' if one.met else 'MISSED'} |"
            for one in measured.levels()
        ],
        "\n## Whole splits, and the rules alone\n",
        _table(
            [("test", score(measured.test)), ("dev", score(measured.dev)), ("test, rules alone", measured.rules_alone)]
        ),
        "\nConfusion on the test split (gold down, read across):\n",
        f"```\n{score(measured.test).table()}\n```\n",
        f"Minimal pairs with every member right: {right} of {whole}.\n",
        "## RefusCheck: per function (test split)\n",
        _table(list(score_by(measured.test, _function).items())),
        "\n## Per stance\n",
        _table(list(score_by(measured.test, lambda p: p.stance).items())),
        "\n## Per field\n",
        _table(list(score_by(measured.test, lambda p: p.field).items())),
        "\n## Calibration\n",
        f"Expected calibration error {error:.3f}. ![Calibration curve](images/calibration.svg)\n",
        "## Invariance under perturbation\n",
        "| change | flips | tried |\n| --- | --- | --- |",
        *[f"| {name} | {flipped} | {tried} |" for name, flipped, tried in measured.flips],
        "\n## False alarms\n",
        f"{len(measured.false_alarms)} on {measured.harmless} harmless passages composed from frames.\n",
        *[
            f"- frame {frame}: {count} times"
            for frame, count in Counter(f for f, _ in measured.false_alarms).most_common(10)
        ],
        "\n## Functions never trained on\n",
        *(
            [f"- {name}: recall {recall:.3f}" for name, recall in measured.left_out.items()]
            or ["Not measured for this version."]
        ),
        "\n## Worst cases of the development split\n",
        "The surest among the wrong flags; those of the test split stay unread.\n",
        *_worst(measured.dev),
    ]
    return "\n".join(parts) + "\n"


def _worst(pairs: Sequence[Pair]) -> list[str]:
    wrong = [(r.confidence, g, r) for g, r in pairs if (g.stance in FLAGGED) != r.flagged]
    wrong.sort(key=lambda item: (-item[0], item[1].id))
    return [
        f"- `{g.id}` {g.stance}, read {r.stance} ({sure:.2f}): « {' '.join(g.text.split())[:220]} »"
        for sure, g, r in wrong[:_WORST]
    ]
