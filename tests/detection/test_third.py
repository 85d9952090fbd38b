"""The third reader: cuts texts whole, asks one question, computes what the base model computes, and is built safely."""

import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from detection import Reader
from detection.apart import read_apart
from detection.corpus import load_split
from detection.deep import base as base_module
from detection.deep.base import HEAD, HEADS, LAYERS, MATRICES, WIDTH, Base, open_base
from detection.deep.graph import in_blocks, merged
from detection.deep.pieces import Pieces
from detection.deep.third import (
    ADAPTER,
    AFTER,
    ANSWER,
    BEFORE,
    SIDE,
    build_third,
    compiled,
    load_third,
    pieces_of,
    read_adapter,
)
from detection.learned.second import BadModel, mixed

VOCABULARY = [
    *(f"<0x{byte:02X}>" for byte in range(256)),
    "▁",
    "p",
    "a",
    "s",
    "as",
    "pas",
    "▁pas",
    "C",
    "M",
    "U",
    "CM",
    "CMU",
]


def test_the_most_frequent_neighbours_merge_first_and_unknown_letters_become_bytes() -> None:
    pieces = Pieces(VOCABULARY)
    assert [VOCABULARY[number] for number in pieces("pas CMU")] == ["pas", "▁", "CMU"]
    assert pieces("é") == [0xC3, 0xA9]
    assert pieces("\ud800") == [0x3F]
    assert pieces("") == []
    assert len(pieces("p" * 1000)) == 1000


def test_the_question_holds_the_mention_between_its_marks_and_stays_short() -> None:
    pieces = Pieces(VOCABULARY)
    text = "pas " * 500 + "CMU" + " pas" * 500
    numbers, place = pieces_of(pieces, text, 2000, 2003, "motive")
    assert numbers[place] == AFTER
    assert numbers[-1] == ANSWER
    start = numbers.index(BEFORE)
    assert [VOCABULARY[number] for number in numbers[start + 1 : place]] == ["CMU"]
    assert len(numbers) < 2 * SIDE + 60


def test_what_a_page_puts_into_a_text_changes_no_question() -> None:
    pieces, plain = Pieces(VOCABULARY), "Nous ne prenons pas la CMU, désolés."
    asked = pieces_of(pieces, plain, 23, 26, "faq")
    for text in (
        plain.replace("é", "&eacute;"),
        plain.replace("é", "e\u0301"),
        plain.replace("prenons pas", "pre\u200bnons  pas"),
        plain.replace("ne prenons", "ne\u00a0prenons"),
    ):
        start = text.index("CMU")
        assert pieces_of(pieces, text, start, start + 3, "faq") == asked, text


def test_blocks_of_eight_bits_keep_a_weight_within_half_a_step() -> None:
    weight = np.random.default_rng(1).normal(size=(8, 64)).astype(np.float32)
    codes, scales = in_blocks(weight)
    back = codes.astype(np.float32) * scales.astype(np.float32)
    assert np.abs(back.reshape(8, 64) - weight).max() <= scales.max() * 0.51 + 1e-3 * np.abs(weight).max()


def test_two_readers_chances_are_mixed_by_share() -> None:
    ours, theirs = np.array([0.9, 0.1], np.float32), np.array([0.2, 0.8], np.float32)
    assert mixed(ours, theirs, 0.0) == pytest.approx(ours)
    assert mixed(ours, theirs, 1.0) == pytest.approx(theirs)
    assert mixed(ours, theirs, 0.5)[0] == pytest.approx(0.6)


@pytest.fixture(scope="module")
def opened() -> Any:
    with open_base() as found:
        yield found


def _norm(x: Any, gain: Any) -> Any:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * gain


def _turn(x: Any, near: bool) -> Any:
    angles = np.arange(len(x))[:, None] * (1e4 if near else 1e6) ** (-np.arange(0, HEAD, 2) / HEAD)
    angles = angles.reshape(len(x), *[1] * (x.ndim - 2), HEAD // 2)
    a, b = x[..., : HEAD // 2], x[..., HEAD // 2 :]
    return np.concatenate([a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)], -1)


def _plain(opened: Base, adapter: Any, numbers: list[int], place: int) -> Any:
    """The model's logits in float arithmetic, without blocks, graph or embedding table of our own."""
    whole = opened.weight("token_embd")
    x = np.array([adapter["marks"][-n - 1] if n < 0 else whole[n] for n in numbers]) * WIDTH**0.5
    hidden = np.triu(np.full((len(numbers), len(numbers)), -np.inf), 1)
    for layer in range(LAYERS):
        w = {name: merged(opened, adapter, layer, name, 2 * len(adapter["0.attn_q.a"])) for name in MATRICES}
        g = {name: opened.weight(f"blk.{layer}.{name}") for name in base_module.NORMS}
        near = (layer + 1) % 6 != 0
        h = _norm(x, g["attn_norm"])
        query = _turn(_norm((h @ w["attn_q"].T).reshape(-1, HEADS, HEAD), g["attn_q_norm"]), near)
        key = _turn(_norm(h @ w["attn_k"].T, g["attn_k_norm"]), near)
        scores = np.einsum("qhd,kd->hqk", query, key) * HEAD**-0.5 + hidden
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        out = np.einsum("hqk,kd->qhd", share, h @ w["attn_v"].T).reshape(len(numbers), -1)
        x = x + _norm(out @ w["attn_output"].T, g["post_attention_norm"])
        h = _norm(x, g["ffn_norm"])
        gate = h @ w["ffn_gate"].T
        gate = 0.5 * gate * (1 + np.tanh((2 / np.pi) ** 0.5 * (gate + 0.044715 * gate**3)))
        x = x + _norm((gate * (h @ w["ffn_up"].T)) @ w["ffn_down"].T, g["post_ffw_norm"])
    x = _norm(x, opened.weight("output_norm"))
    return np.concatenate([x[-1], x[place]]) @ adapter["head.weight"].T + adapter["head.bias"]


def test_the_graph_computes_what_plain_arithmetic_does(opened: Base) -> None:
    text, adapter = "Nous ne refusons pas la CMU, mais l'AME oui.", read_adapter()
    start = text.index("CMU")
    numbers, place = pieces_of(Pieces(opened.vocabulary()), text, start, start + 3, "payment")
    logits = _plain(opened, adapter, numbers, place)
    chances = np.exp(logits - logits.max())
    # Eight-bit blocks against floats: chances differ by hundredths, not by tenths.
    assert load_third()(text, start, start + 3, "payment") == pytest.approx(chances / chances.sum(), abs=0.06)


def test_the_embedding_table_is_that_of_the_base(opened: Base) -> None:
    values, scales = opened.embeddings()
    rows = [2, 1000, 200_000]
    mine = values[rows].reshape(3, -1, 32).astype(np.float32) * scales[rows].astype(np.float32)[..., None]
    assert mine.reshape(3, WIDTH) == pytest.approx(opened.weight("token_embd")[rows])


def test_the_same_text_gives_the_same_chances() -> None:
    third = load_third()
    once = third("Pas de CMU ici.", 7, 10, "payment")
    third("Tous les patients sont les bienvenus, CMU comprise.", 38, 41, "faq")
    assert (third("Pas de CMU ici.", 7, 10, "payment") == once).all()
    assert once.sum() == pytest.approx(1)


def test_a_missing_or_broken_adapter_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="cannot be read"):
        read_adapter(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"garbage")
    with pytest.raises(BadModel, match="cannot be read"):
        read_adapter(tmp_path / "bad.npz")


def _use_small_base(monkeypatch: pytest.MonkeyPatch) -> None:
    small = SimpleNamespace(embeddings=lambda: (np.zeros((2, 32), np.int8), np.zeros((2, 1))), vocabulary=lambda: ["a"])
    monkeypatch.setattr("detection.deep.third.open_base", lambda: nullcontext(small))
    monkeypatch.setattr("detection.deep.graph.write_graph", lambda *parts: parts[-1].write_bytes(b"graph"))
    monkeypatch.setattr("detection.deep.third.compiled", lambda graph: graph)


def test_what_is_built_is_kept_until_the_adapter_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, folder = tmp_path / "third.npz", tmp_path / "built"
    shutil.copy(ADAPTER, adapter)
    _use_small_base(monkeypatch)
    build_third(adapter, folder)
    (folder / "graph.xml").write_bytes(b"touched")
    build_third(adapter, folder)
    assert (folder / "graph.xml").read_bytes() == b"touched"
    (folder / "stamp").write_text("of another adapter", "ascii")
    build_third(adapter, folder)
    assert (folder / "graph.xml").read_bytes() == b"graph"


def test_a_folder_where_nothing_can_be_kept_hinders_no_reading(tmp_path: Path) -> None:
    graph = build_third() / "graph.xml"
    (tmp_path / "graph.xml").symlink_to(graph)
    (tmp_path / "graph.bin").symlink_to(graph.with_suffix(".bin"))
    (tmp_path / "ready").write_text("in the way")
    compiled(tmp_path / "graph.xml")


def test_several_processes_read_what_one_does(reader: Reader) -> None:
    passages = [(one.text, one.field) for one in load_split("dev")[:110]]
    assert read_apart(passages, processes=2) == list(reader.read_many(passages))


def test_files_that_cannot_be_written_are_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use_small_base(monkeypatch)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadModel, match="cannot be written"):
        build_third(ADAPTER, tmp_path / "file" / "built")
