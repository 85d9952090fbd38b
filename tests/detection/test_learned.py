"""The second reader: sees what it should, is the same everywhere, and was made from the corpus that lies beside it."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from detection import Reader
from detection.corpus import corpus_hash, load_split
from detection.learned.second import MODEL, BadModel, load_trained, warm
from detection.learned.vectors import load_vectors
from detection.learned.windows import AMBIGUOUS, CUE, NAMED, find_mentions, pieces, see, window
from detection.normalise import fold
from detection.rulereader import RuleReader
from detection.spelling import edits, stem_letter


def _mentions(rules: RuleReader, text: str) -> list[tuple[tuple[str, ...], int]]:
    return [(one.codes, one.kind) for one in find_mentions(fold(text), rules.lexicon)[0]]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("la complementaire sante solidère", ("C2S",)),
        ("couverture maladi universel", ("C2S",)),
        ("l'aid medical d état", ("AME",)),
        ("aide a la complementere santé", ("ACS",)),
        ("A . C . S . refusée", ("ACS",)),
        ("С.М.U", ("C2S",)),  # Cyrillic letters
        ("l'AMÉ", ("AME",)),
        ("ＣＭＵ", ("C2S",)),
    ],
)
def test_names_are_found_however_they_are_written(rules: RuleReader, text: str, codes: tuple[str, ...]) -> None:
    assert codes in [found for found, _ in _mentions(rules, text)]


@pytest.mark.parametrize("text", ["Il y met toute son âme.", "Formé au CMU de Genève.", "code de la sécurité sociale"])
def test_false_friends_are_no_names(rules: RuleReader, text: str) -> None:
    assert not [kind for _, kind in _mentions(rules, text) if kind in {NAMED, AMBIGUOUS}]


def test_paraphrases_are_looked_for_only_where_nothing_is_named(rules: RuleReader) -> None:
    assert _mentions(rules, "les bénéficiaires d'aides sociales") == [(("generic",), CUE)]
    assert [codes for codes, _ in _mentions(rules, "aides sociales et CMU")] == [("C2S",)]


def test_a_window_holds_its_mention(rules: RuleReader) -> None:
    folded = fold("mot " * 300 + "CMU" + " mot" * 300)
    mentions, tokens = find_mentions(folded, rules.lexicon)
    words = see(folded, mentions, tokens, rules.lexicon)
    first, last, target = window(words, 0)
    assert words[first:last][target].mention == 0
    assert last - first == 121


def test_small_parts() -> None:
    assert edits("solidaire", "solidere", 3) == 2
    assert edits("abc", "abcdefgh", 2) == 3
    assert stem_letter("complementere") == "K"
    assert stem_letter("chaise") == "x"
    assert len(pieces("remboursement")) == 12
    assert pieces("cmu") == pieces("cmu")
    assert float(warm(np.array([0.5, 0.5], np.float32), 2.0)[0]) == pytest.approx(0.5)
    assert load_vectors().row("medecin") > 0
    assert load_vectors().row("zzzzzz") == 0


def test_the_model_was_made_from_this_corpus() -> None:
    about = json.loads((MODEL / "model.json").read_text("utf-8"))
    assert about["data"]["train"] == corpus_hash("train", authors=about["authors"]), "the corpus changed: `vigie train`"
    assert about["data"]["dev"] == corpus_hash("dev")
    third = json.loads((MODEL / "third.json").read_text("utf-8"))
    assert third["data"]["train"] == corpus_hash("train"), "the corpus changed: run `vigie train --third`"


def test_a_model_that_is_missing_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="cannot be read"):
        load_trained(tmp_path)


def test_readings_do_not_depend_on_what_was_read_before(reader: Reader) -> None:
    passages = [(one.text, one.field) for one in load_split("dev")[:80]]
    forwards = [reader.read(*passage) for passage in passages]
    assert [reader.read(*passage) for passage in reversed(passages)] == forwards[::-1]


def test_stored_weights_bear_no_date() -> None:
    for path in sorted(MODEL.glob("*.npz")):
        with zipfile.ZipFile(path) as archive:
            assert {member.date_time[0] for member in archive.infolist()} == {1980}, path


def test_training_is_reproducible_and_computes_what_reading_does(rules: RuleReader) -> None:
    pytest.importorskip("jax", reason="the group « train » is not installed")
    from dataclasses import asdict

    import jax

    from detection.learned.network import Network
    from detection.training.build import known_tags, learn_from
    from detection.training.examples import as_window
    from detection.training.fit import Plan, forward, make_batch, train

    tags = {tag: place for place, tag in enumerate(known_tags())}
    examples = learn_from(load_split("dev")[:48], rules)
    once, again = (train(examples, [], tags, Plan(epochs=1, batch=16)) for _ in range(2))
    assert all(np.array_equal(once[name], again[name]) for name in once)
    network = Network(once, load_vectors())
    wide = {name: array.astype(np.float32) for name, array in once.items()}
    logits, _ = forward(wide, asdict(make_batch(examples[:8], tags)), jax.random.key(0), 0.0)
    for place, example in enumerate(examples[:8]):
        chances, _ = network(as_window(example, tags))
        assert np.allclose(chances, jax.nn.softmax(logits[place]), atol=1e-3)
