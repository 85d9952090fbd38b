"""The corpus is what it says: lawful lines, splits that share no author and no text, enough of everything."""

import json
from collections import Counter
from pathlib import Path

import pytest

from detection.corpus import BadCorpus, load_file, load_split
from detection.harmless import harmless_passages, load_frames
from detection.learned.windows import FIELDS
from detection.normalise import fold_fast

SPLITS = {split: load_split(split) for split in ("train", "dev", "test")}


def test_there_is_enough_of_everything() -> None:
    passages = [one for split in SPLITS.values() for one in split]
    assert len(passages) >= 4000
    assert len({one.pair for one in passages if one.pair}) >= 1000
    functions = Counter(one.function for one in SPLITS["test"])
    assert len(functions) >= 45
    assert min(functions.values()) >= 10


def test_ids_are_unique_and_fields_are_those_of_the_guide() -> None:
    passages = [one for split in SPLITS.values() for one in split]
    assert len({one.id for one in passages}) == len(passages)
    assert {one.field for one in passages} <= set(FIELDS)
    for one in passages:
        assert one.field != "review" or one.stance in {"neutral", "none"}, one.id
        assert not one.trigger if one.stance == "none" else one.trigger or one.author == "own", one.id


def test_splits_share_no_author_and_hardly_a_text() -> None:
    authors = {split: {one.author for one in rows} for split, rows in SPLITS.items()}
    assert not authors["train"] & (authors["dev"] | authors["test"])
    assert not authors["dev"] & authors["test"]
    trained = {fold_fast(one.text) for one in SPLITS["train"] if len(one.text) > 25}
    assert not [one.id for one in SPLITS["test"] if fold_fast(one.text) in trained and len(one.text) > 25]


def test_members_of_a_pair_differ_in_stance_or_benefit() -> None:
    for rows in SPLITS.values():
        pairs: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for one in rows:
            if one.pair:
                pairs.setdefault(one.pair, []).append((one.stance, one.benefits))
        assert all(len(set(labels)) > 1 for labels in pairs.values() if len(labels) > 1)


def test_harmless_passages_are_many_different_and_the_same_each_time() -> None:
    passages = list(harmless_passages(20_000))
    assert len({one.text for one in passages}) > 10_000
    assert passages == list(harmless_passages(20_000))
    assert len(load_frames()) >= 150
    assert not [one for one in passages if "{" in one.text or "}" in one.text]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stance": "maybe"}, "unknown stance"),
        ({"benefits": ["RSA"]}, "unknown benefits"),
        ({"benefits": []}, "benefits are named"),
        ({"trigger": "absent"}, "no substring"),
        ({"others": []}, ""),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    row = {"id": "x", "text": "Pas de CMU", "field": "faq", "stance": "refusal", "benefits": ["C2S"], "trigger": "CMU"}
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | change) + "\n")
    if not message:
        assert len(list(load_file(path))) == 2
        return
    with pytest.raises(BadCorpus, match=message) as error:
        list(load_file(path))
    assert f"{path}:2:" in str(error.value)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{\n")
    with pytest.raises(BadCorpus, match=":1:"):
        list(load_file(path))
