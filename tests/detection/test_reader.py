"""The reader reads what the guide says, answers any text, and answers it soon."""

import itertools
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import Reader
from detection.corpus import load_split
from detection.evaluation import calibration, pair_up, pairs_right, score
from detection.harmless import harmless_passages
from detection.normalise import fold_fast
from detection.perturbation import perturb
from detection.prefilter import Prefilter
from detection.reading import BENEFITS, STANCES, Reading
from reference import load_reference

HERE = Path(__file__).parent
REAL = HERE.parents[2] / "shared" / "corpus" / "real-passages.jsonl"
FLOOR_F1, FLOOR_PRECISION, MOST_FALSE_ALARMS = 0.90, 0.91, 25
REFUSALS = ["Pas de CMU.", "Les patients AME ne sont pas reçus.", "CMU ❌", "Tous sauf C2S", "Ni ACS, ni CMU !"]


def _coherent(text: str, reading: Reading) -> None:
    assert reading.stance in STANCES
    assert text[reading.start : reading.end] == reading.trigger
    assert bool(reading.trigger) == (reading.stance != "none")
    assert bool(reading.benefits) == (reading.stance != "none")
    assert set(reading.benefits) <= set(BENEFITS)
    assert 0 <= reading.confidence <= 1
    assert reading.reasons


@pytest.mark.parametrize("split", ["dev", "test"])
def test_composed_passages_are_read_as_annotated(reader: Reader, split: str) -> None:
    passages = load_split(split)[:: 2 if split == "dev" else 5]
    scores = score(pair_up(passages, reader.read_many((one.text, one.field) for one in passages)))
    # A floor below what `vigie evaluate` measures: a fall through it is a broken reader, not a matter of taste.
    assert scores.f1 >= FLOOR_F1
    assert scores.precision >= FLOOR_PRECISION
    assert scores.benefits_exact >= 0.93
    assert scores.overlapping >= 0.93


@pytest.mark.skipif(not REAL.exists(), reason="the shared corpus is not beside the checkout")
def test_real_harmless_passages_are_not_flagged(reader: Reader) -> None:
    with REAL.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    flagged = [text for text in texts if reader.read(text, "presentation").flagged]
    assert not flagged


def test_composed_harmless_passages_are_not_flagged(reader: Reader) -> None:
    flagged = [one for one in harmless_passages(600, seed=7) if reader.read(one.text, one.field).flagged]
    assert len(flagged) <= MOST_FALSE_ALARMS, flagged[:5]


@pytest.mark.parametrize("number", range(100))
def test_a_change_of_letters_changes_no_plain_flag(reader: Reader, number: int) -> None:
    _, text = perturb("Nous ne recevons pas les patients bénéficiaires de la CMU.", number)
    assert reader.read(text, "presentation").flagged


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
    started = time.process_time()
    _coherent(text, reader.read(text, "presentation"))
    assert time.process_time() - started < 20


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
    prefilter = Prefilter(names, reader.rules.lexicon.cues)
    for name in names:
        for form in (name, name.upper(), name.lower(), f"({name})", f"« {name} »"):
            assert prefilter.may_mention(fold_fast(form)), form
            assert reader.read(f"Patients {name.upper()} non acceptés.", "presentation").stance != "none", form
    for passage in load_split("train"):
        if passage.author == "own" and passage.benefits:
            assert prefilter.may_mention(fold_fast(passage.text)), passage.text


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
    passages = load_split("dev")[:60]
    pairs = pair_up(passages, [reader.read(one.text, one.field) for one in passages])
    scores = score(pairs)
    assert scores.passages == 60 == sum(number for _, _, number in scores.confusion)
    blind = score(pair_up(passages, [reader.read("", "faq")] * 60))
    assert (blind.recall, blind.precision, blind.f1) == (0.0, 1.0, 0.0)
    assert "refusal" in scores.table()
    right, whole = pairs_right(pairs)
    assert 0 <= right <= whole
    error, curve = calibration(pairs)
    assert 0 <= error <= 1
    assert all(0 <= said <= 1 and 0 <= share <= 1 for said, share, _ in curve)
    with pytest.raises(ValueError, match="zip"):
        pair_up(passages, [])


def test_a_calibrated_reader_has_no_calibration_error() -> None:
    gold = load_split("dev")[0]
    flagged = replace(gold, stance="refusal", field="faq")
    innocent = replace(gold, stance="neutral", field="faq")
    said = Reading("refusal", True, ("C2S",), "x", 0, 1, 0.75, (), (), "v")
    error, curve = calibration([(flagged, said)] * 3 + [(innocent, said)])
    assert error == pytest.approx(0)
    assert curve == ((0.75, 0.75, 4),)
