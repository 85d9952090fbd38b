"""The reader beside EDS-NLP's negation, spaCy's plain matchers and a keyword list: speed and flags, in one run."""

from __future__ import annotations

import json
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import spacy
from spacy.matcher import PhraseMatcher

from benchmarks.passages import BENEFIT, mix, quoted_mix
from detection import Reader, load_reader, rulereader
from detection.corpus import load_split
from detection.normalise import Folded, fold
from detection.reading import FLAGGED
from detection.rulereader import RuleReader, load_rule_reader
from detection.rules import load_rulebook

ROOT = Path(__file__).parent.parent
EDSNLP = ROOT / ".venv-edsnlp"
EDSNLP_PIN = "edsnlp==0.23.0"
MIX, ADVERSE, PEER_MIX, ROUNDS = 6_000, 400, 1_500, 3
REFUSING = re.compile(r"\b(pas|non|refus\w*|sauf|hors|aucun\w*|plus|uniquement|seulement)\b", re.IGNORECASE)


def keyword_list(text: str) -> bool:
    """The plainest peer: a benefit and a refusing word anywhere in the passage."""
    return bool(BENEFIT.search(text) and REFUSING.search(text))


def scores(gold: Sequence[bool], said: Sequence[bool]) -> str:
    """Precision, recall and F1 of the flag."""
    hit = sum(a and b for a, b in zip(gold, said, strict=True))
    precision, recall = hit / max(1, sum(said)), hit / max(1, sum(gold))
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return f"precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}"


def median_seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median of several runs, in seconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _read_all(passages: Sequence[tuple[str, str]]) -> tuple[float, int]:
    reader = load_reader()
    for passage in passages[:200]:
        reader.read(*passage)
    began = time.perf_counter()
    flagged = sum(reading.flagged for reading in reader.read_many(passages))
    return time.perf_counter() - began, flagged


def _matchers() -> Callable[[str], bool]:
    nlp = spacy.blank("fr")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    matcher.add(
        "B", [nlp.make_doc(name) for name in ("CMU", "CMU-C", "C2S", "ACS", "AME", "aide médicale", "santé solidaire")]
    )
    refusing = PhraseMatcher(nlp.vocab, attr="LOWER")
    refusing.add(
        "R", [nlp.make_doc(word) for word in ("pas", "non", "refus", "sauf", "hors", "aucun", "plus", "uniquement")]
    )

    def flag(text: str) -> bool:
        doc = nlp.make_doc(text)
        return bool(matcher(doc)) and bool(refusing(doc))

    return flag


def edsnlp(texts: Sequence[str]) -> tuple[float, list[bool]] | None:
    """(seconds, flags) of EDS-NLP in its own environment, made on the first run; None when it cannot be had."""
    python = EDSNLP / "bin" / "python"
    tool = next((ROOT / ".tools").glob("uv-*/uv"), Path("uv"))
    try:
        if not python.exists():
            subprocess.run([tool, "venv", "-q", "--python", sys.executable, EDSNLP], check=True)
            subprocess.run([tool, "pip", "install", "-q", "--python", python, EDSNLP_PIN], check=True)
        lines = "\n".join(json.dumps(text) for text in texts)
        script = Path(__file__).with_name("edsnlp_negation.py")
        done = subprocess.run([python, script], input=lines, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"EDS-NLP: not to be had here ({error})")
        return None
    answer = json.loads(done.stdout)
    return float(answer["seconds"]), list(answer["flags"])


def flags() -> None:
    """Who flags what on the test passages (the reader's own figures stand in the model card)."""
    passages = load_split("test")
    gold = [one.stance in FLAGGED for one in passages]
    reader = load_reader()
    print(f"flags on {len(passages)} test passages")
    print(f"  reader        {scores(gold, [reader.read(one.text, one.field).flagged for one in passages])}")
    print(f"  keyword list  {scores(gold, [keyword_list(one.text) for one in passages])}")
    matchers = _matchers()
    print(f"  spaCy matchers {scores(gold, [matchers(one.text) for one in passages])}")
    if (peer := edsnlp([one.text for one in passages])) is not None:
        print(f"  EDS-NLP       {scores(gold, peer[1])}")


def speed() -> None:
    """Passages a second on the mixes, one and two processes, and the same beside the peers as ratios."""
    start = [sys.executable, "-c", "from detection import load_reader; load_reader().read('CMU', 'faq')"]
    started = median_seconds(lambda: subprocess.run(start, check=True))
    print(f"start of a new process to its first reading: {started:.2f} s")
    adverse = list(mix(ADVERSE))
    print(f"ordinary text composed to stand near a refusal: {ADVERSE / _read_all(adverse)[0]:,.0f}/s in one process")
    quoted = quoted_mix(MIX)
    passages = adverse if quoted is None else list(quoted)
    count = len(passages)
    print("ordinary text quoted from real pages:" if quoted else "no quoted text is at hand; the same text:")
    one = min(_read_all(passages)[0] for _ in range(ROUNDS))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        pairs = [list(pool.map(_read_all, (passages, passages))) for _ in range(ROUNDS)]
    two = min(max(seconds for seconds, _ in pair) for pair in pairs)
    print(f"mix of {count}: one process {count / one:,.0f}/s, two processes {2 * count / two:,.0f}/s")
    print(f"same flags in every process: {len({flagged for pair in pairs for _, flagged in pair}) == 1}")
    texts = [text for text, _ in passages[:PEER_MIX]]
    reader = load_reader()
    ours = median_seconds(lambda: [reader.read(text, "presentation") for text in texts])
    matchers = _matchers()
    plain = median_seconds(lambda: [matchers(text) for text in texts])
    print(f"time per passage, spaCy matchers / reader: {plain / ours:.2f}")
    if (peer := edsnlp(texts)) is not None:
        print(f"time per passage, EDS-NLP / reader: {peer[0] / ours:.1f}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def growth(reader: Reader) -> None:
    """Cost as a passage grows: seconds a mebibyte should not rise."""
    filler = "Le cabinet est ouvert du lundi au vendredi, sur rendez-vous, au deuxième étage avec ascenseur. "
    for size in (64, 1024, 16_384, 262_144, 1_048_576):
        text = ((filler * (size // len(filler) + 1))[: max(0, size - 22)] + " Nous refusons la CMU.")[-size:]
        taken = median_seconds(partial(reader.read, text, "presentation"))
        print(f"  {size:>9} characters: {taken * 1000:9.2f} ms, {taken / size * 1e6:8.2f} µs a character")


def _judge_all(reader: RuleReader, texts: Sequence[Folded]) -> None:
    for text in texts:
        reader.judge(text, "faq")


def more_rules() -> None:
    """Cost as the rules grow tenfold: the same rules ten times under other names."""
    texts = [fold(one.text) for one in load_split("dev")[:200]]
    first = load_rule_reader()
    folder = Path(rulereader.__file__).parent
    book = load_rulebook(folder / "rules", folder / "lexicon")
    many = replace(book, rules=tuple(replace(rule, id=f"{rule.id}-{n}") for n in range(10) for rule in book.rules))
    tenfold = RuleReader(many, first.parser)
    once, ten = (median_seconds(partial(_judge_all, one, texts)) for one in (first, tenfold))
    print(f"time with ten times the rules / with the rules: {ten / once:.1f}")


def main() -> None:
    """All of it."""
    flags()
    speed()
    print("cost as a passage grows")
    growth(load_reader())
    more_rules()
