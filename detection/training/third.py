"""Adapt the base model to the question on the training passages; the same corpus, seed and machine give the same bytes."""

import json
import math
import random
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from detection.corpus import CORPUS, Passage, corpus_hash, load_split
from detection.deep.base import BASE, open_base
from detection.deep.pieces import Pieces
from detection.deep.third import ADAPTER, pieces_of
from detection.learned.windows import find_mentions
from detection.normalise import fold
from detection.rulereader import load_rule_reader
from detection.training.adapting import Adapted
from detection.training.build import save_weights
from detection.training.examples import allowed_stances, misspell, trigger_span


@dataclass(frozen=True)
class ThirdPlan:
    """How long and how fast the base model learns; ``pieces`` is a batch's size."""

    passes: int = 3
    rate: float = 6e-4
    rank: int = 16
    pieces: int = 3072
    smooth: float = 0.02
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One mention of one passage, in the passage's own characters, with the stances it may have."""

    text: str
    start: int
    end: int
    field: str
    allowed: tuple[bool, ...]


def cases_of(passages: Sequence[Passage]) -> Iterator[list[Case]]:
    """The cases of each passage that has any; a review that names a benefit teaches nothing (rule 6 decides it)."""
    lexicon = load_rule_reader().lexicon
    for passage in passages:
        if passage.field == "review" and passage.stance != "none":
            continue
        folded = fold(passage.text)
        mentions, _ = find_mentions(folded, lexicon)
        if mentions:
            span = trigger_span(folded, passage) if passage.trigger else (0, 0)
            allowed = allowed_stances(passage, mentions, span)
            yield [
                Case(passage.text, *folded.span(one.start, one.end), passage.field, stances)
                for one, stances in zip(mentions, allowed, strict=True)
            ]


def _bare(text: str) -> str:
    return "".join(mark for mark in unicodedata.normalize("NFD", text) if not unicodedata.combining(mark))


def vary(case: Case, others: Sequence[str], dice: random.Random) -> Case:
    """The same case as another hand would have typed it: case, accents, typos, other texts around it."""
    parts = [case.text[: case.start], case.text[case.start : case.end], case.text[case.end :]]
    chance = dice.random()
    if chance < 0.12:
        parts = [part.lower() if chance < 0.07 else part.upper() for part in parts]
    if dice.random() < 0.08:
        parts = [_bare(part) for part in parts]
    if dice.random() < 0.3:
        for side in (0, 2):
            words = parts[side].split(" ")
            parts[side] = " ".join(
                misspell(word, dice) if len(word) > 3 and dice.random() < 0.05 else word for word in words
            )
    between = (" ", ". ", "\n", " - ", "\n\n")
    if dice.random() < 0.12:
        parts[0] = dice.choice(others) + dice.choice(between) + parts[0]
    if dice.random() < 0.12:
        parts[2] += dice.choice(between) + dice.choice(others)
    field = case.field if dice.random() > 0.1 else "presentation"
    left, mention, right = parts
    return Case(left + mention + right, len(left), len(left) + len(mention), field, case.allowed)


def _batches(lengths: Sequence[int], size: int, dice: random.Random) -> list[list[int]]:
    """Cases of about one length together, as many as padded fit in ``size`` pieces."""
    order = sorted(range(len(lengths)), key=lambda place: lengths[place] + 4 * dice.random())
    batches: list[list[int]] = [[]]
    for place in order:
        if batches[-1] and (len(batches[-1]) + 1) * (lengths[place] + 8) > size:
            batches.append([])
        batches[-1].append(place)
    dice.shuffle(batches)
    return batches


def _padded(rows: Sequence[tuple[list[int], int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    longest = -(-max(len(numbers) for numbers, _ in rows) // 8) * 8
    padded = torch.tensor([numbers + [0] * (longest - len(numbers)) for numbers, _ in rows])
    return padded, torch.tensor([len(numbers) - 1 for numbers, _ in rows]), torch.tensor([place for _, place in rows])


def _cost(logits: torch.Tensor, allowed: torch.Tensor, smooth: float) -> torch.Tensor:
    """Minus the logarithm of the chance that the allowed stances have together; smoothed where there is one."""
    chances = logits.log_softmax(-1)
    own = torch.logsumexp(chances + torch.log(allowed + 1e-9), -1)
    spread = torch.where(allowed.sum(-1) < 1.5, chances.mean(-1), own)
    return -((1 - smooth) * own + smooth * spread).mean()


def train_third(passages: Sequence[Passage], plan: ThirdPlan, say: Callable[[str], None]) -> dict[str, Any]:
    """The adapter's arrays, by name. About 17 minutes a pass over 20,000 passages on two cores with AMX."""
    dice = random.Random(plan.seed)
    torch.manual_seed(plan.seed)
    cases = list(cases_of(passages))
    with open_base() as base:
        pieces, model = Pieces(base.vocabulary()), Adapted(base, plan.rank)
    quick = torch.compile(model, dynamic=True)
    low = [value for name, value in model.named_parameters() if name.startswith("layers.")]
    rest = [value for name, value in model.named_parameters() if not name.startswith("layers.")]
    groups: list[dict[str, Any]] = [{"params": low, "lr": plan.rate}, {"params": rest, "lr": 2 * plan.rate}]
    steps = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)
    texts = [one[0].text for one in cases] + [one.text for one in passages if one.stance == "none"]
    work = [_one_pass(cases, texts, pieces, plan, dice) for _ in range(plan.passes)]
    whole, done = sum(len(batches) for _, _, batches in work), 0
    for number, (rows, allowed, batches) in enumerate(work, 1):
        total = 0.0
        for batch in batches:
            done += 1
            warm = min(1.0, done / 60) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * done / whole)))
            for group, rate in zip(steps.param_groups, (plan.rate, 2 * plan.rate), strict=True):
                group["lr"] = rate * warm
            logits = quick(*_padded([rows[place] for place in batch]))
            cost = _cost(logits, torch.tensor([allowed[place] for place in batch]).float(), plan.smooth)
            cost.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            steps.step()
            steps.zero_grad(set_to_none=True)
            total += float(cost)
        say(f"third reader: {number} of {plan.passes}, cost {total / len(batches):.3f}")
    return dict(model.adapter())


def _one_pass(
    cases: Sequence[Sequence[Case]], texts: Sequence[str], pieces: Pieces, plan: ThirdPlan, dice: random.Random
) -> tuple[list[tuple[list[int], int]], list[tuple[bool, ...]], list[list[int]]]:
    """At most two mentions of each passage, varied and cut in pieces, with their stances and the batches."""
    chosen = [one for own in cases for one in (own if len(own) < 3 else dice.sample(own, 2))]
    varied = [vary(one, texts, dice) for one in chosen]
    rows = [pieces_of(pieces, one.text, one.start, one.end, one.field) for one in varied]
    return rows, [one.allowed for one in varied], _batches([len(numbers) for numbers, _ in rows], plan.pieces, dice)


def build_adapter(
    plan: ThirdPlan,
    say: Callable[[str], None],
    path: Path = ADAPTER,
    extra: Sequence[Passage] = (),
    corpus: Path = CORPUS,
) -> None:
    """Adapt on the training split (and ``extra`` passages); write the adapter and, beside it, what it was made from."""
    save_weights(path, train_third([*load_split("train", corpus), *extra], plan, say))
    about = {"base": BASE, "data": {"train": corpus_hash("train", corpus)}, "plan": [asdict(plan)]}
    path.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
