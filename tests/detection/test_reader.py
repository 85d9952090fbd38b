"""The reader reads what the guide says, answers any text, and answers it soon."""

import itertools
import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import Reader
from detection.evaluation import evaluate, load_gold
from detection.normalise import fold_fast
from detection.prefilter import Prefilter
from detection.reading import BENEFITS, STANCES, Reading
from reference import load_reference

HERE = Path(__file__).parent
PASSAGES = HERE / "passages.jsonl"
#: Annotated passages that may lie beside the checkout.
DEV = HERE.parents[2] / "shared" / "corpus" / "dev.jsonl"
REAL = DEV.with_name("real-passages.jsonl")
REFUSALS = ["Pas de CMU.", "Les patients AME ne sont pas reçus.", "CMU ❌", "Tous sauf C2S", "Ni ACS, ni CMU !"]


def _coherent(text: str, reading: Reading) -> None:
    assert reading.stance in STANCES
    assert text[reading.start : reading.end] == reading.trigger
    assert bool(reading.trigger) == (reading.stance != "none")
    assert bool(reading.benefits) == (reading.stance != "none")
    assert set(reading.benefits) <= set(BENEFITS)
    assert 0 <= reading.confidence <= 1
    assert reading.reasons


def test_own_passages_are_read_as_annotated(reader: Reader) -> None:
    golds = list(load_gold(PASSAGES))
    assert len(golds) >= 150
    scores = evaluate(golds, reader.read_many((gold.text, gold.field) for gold in golds))
    assert scores.precision >= 0.985, scores.wrong
    assert scores.recall >= 0.965, scores.wrong
    assert scores.stance_accuracy >= 0.96, scores.wrong
    assert scores.benefits_exact >= 0.98
    assert scores.trigger_overlap >= 0.75


@pytest.mark.skipif(not DEV.exists(), reason="the shared corpus is not beside the checkout")
def test_the_shared_examples_are_read_as_annotated(reader: Reader) -> None:
    golds = list(load_gold(DEV))
    scores = evaluate(golds, reader.read_many((gold.text, gold.field) for gold in golds))
    assert scores.precision >= 0.985, scores.wrong
    assert scores.recall >= 0.965, scores.wrong
    assert scores.stance_accuracy >= 0.96, scores.wrong


@pytest.mark.skipif(not REAL.exists(), reason="the shared corpus is not beside the checkout")
def test_real_harmless_passages_are_not_flagged(reader: Reader) -> None:
    with REAL.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    flagged = [text for text in texts if reader.read(text, "presentation").flagged]
    assert not flagged


@settings(max_examples=150, deadline=None)
@given(text=st.text(), refusal=st.sampled_from([*REFUSALS, ""]), field=st.sampled_from(["faq", "review", "unheard-of"]))
def test_any_text_yields_a_coherent_reading(reader: Reader, text: str, refusal: str, field: str) -> None:
    for whole in (text + refusal, refusal + text, text + "\n" + refusal):
        _coherent(whole, reader.read(whole, field))


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "\ud800 CMU", "CMU\0", "\x00\xff" * 5000, "é" * 3, "?", "CMU", "CMU?" * 50]
)
def test_odd_texts_are_read(reader: Reader, text: str) -> None:
    _coherent(text, reader.read(text, "presentation"))


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("before", ["", "Bonjour 😀 ! ", "Œuvre “ﬁne” à l’été… ", "Cabinet\u00a0: 2ᵉ étage.\n\n"])
def test_the_trigger_stands_where_it_says_it_does(reader: Reader, before: str, refusal: str) -> None:
    text = before + refusal
    reading = reader.read(text, "presentation")
    assert reading.stance == "refusal"
    assert reading.start >= len(before)
    _coherent(text, reading)


@pytest.mark.parametrize(
    "text",
    [
        "CMU " * 262_144,
        "ne pas " * 150_000 + "CMU",
        "pas de CMU, " * 87_000,
        "C." * 524_288 + "M.U.",
        "(" * 1_048_576 + "CMU",
        "CMU ? " * 174_000,
        "\n" * 1_048_576 + "CMU",
        "sauf " * 209_000 + "CMU" + " sauf" * 10,
        "a m e " * 174_000,
        "aide médicale de l'" * 55_000,
        "-" * 1_048_576,
        "CMU" + "e\u0301" * 500_000,
    ],
    ids=lambda text: text[:10],
)
def test_a_megabyte_made_to_hurt_is_read_in_seconds(reader: Reader, text: str) -> None:
    started = time.perf_counter()
    _coherent(text, reader.read(text, "presentation"))
    assert time.perf_counter() - started < 20


def test_a_refusal_at_the_end_of_a_long_page_is_found(reader: Reader) -> None:
    text = (
        "Le cabinet propose des soins variés, sur rendez-vous, dans un cadre agréable. " * 5000
        + "Nous refusons la CMU."
    )
    reading = reader.read(text, "presentation")
    assert (reading.stance, reading.trigger) == ("refusal", "Nous refusons la CMU")


def test_readings_stream(reader: Reader) -> None:
    endless = ((text, "presentation") for text in itertools.cycle(REFUSALS))
    assert [reading.stance for reading in itertools.islice(reader.read_many(endless), 12)] == ["refusal"] * 12


def test_the_words_of_a_patient_are_not_the_practitioners(reader: Reader) -> None:
    assert reader.read("Ce médecin refuse la CMU.", "review").stance == "neutral"
    assert reader.read("Ce médecin refuse la CMU.", "presentation").stance == "refusal"
    assert reader.read("Refuse tout le monde.", "review").stance == "none"


def test_refusals_on_other_grounds_are_context_not_stance(reader: Reader) -> None:
    reading = reader.read(
        "Le cabinet ne prend plus de nouveaux patients. Pas de tiers payant. Secteur 3.", "presentation"
    )
    assert reading.stance == "none"
    assert set(reading.context) == {"capacity", "third_party_payment", "out_of_convention"}
    reading = reader.read("Pas de visite pour raisons de sécurité. CMU acceptée.", "presentation")
    assert (reading.stance, reading.context) == ("acceptance", ("security",))


def test_the_prefilter_lets_every_mention_through(reader: Reader) -> None:
    names = [spelling for benefit in load_reference().benefits.values() for spelling in benefit.spellings]
    prefilter = Prefilter(names)
    for name in names:
        for form in (name, name.upper(), name.lower(), f"({name})", f"« {name} »"):
            assert prefilter.may_mention(fold_fast(form)), form
            assert reader.read(f"Patients {name.upper()} non acceptés.", "presentation").stance != "none", form
    for gold in load_gold(PASSAGES):
        assert not gold.benefits or prefilter.may_mention(fold_fast(gold.text)), gold.text


def test_texts_that_name_no_benefit_are_dismissed_at_once(reader: Reader) -> None:
    text = "Cabinet de kinésithérapie, rééducation de l'épaule et du genou. Accès aux personnes à mobilité réduite."
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(2000):
            reader.read(text, "presentation")
        best = max(best, 2000 / (time.perf_counter() - started))
    assert best > 10_000  # five times below what an idle machine does: the test must not fail on a busy one


def test_scores_count_what_they_say(reader: Reader) -> None:
    golds = list(load_gold(PASSAGES))[:40]
    readings = [reader.read(gold.text, gold.field) for gold in golds]
    scores = evaluate(golds, readings)
    assert scores.passages == 40 == sum(number for _, _, number in scores.confusion)
    blind = evaluate(golds, [reader.read("", "faq")] * 40)
    assert (blind.recall, blind.precision, blind.f1) == (0.0, 1.0, 0.0)
    assert Counter(gold.stance for gold in golds)["refusal"] == sum(
        n for gold, _, n in blind.confusion if gold == "refusal"
    )
    assert "refusal" in scores.table()
    with pytest.raises(ValueError, match="zip"):
        evaluate(golds, readings[:-1])
