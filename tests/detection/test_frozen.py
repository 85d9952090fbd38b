"""A change says what it gained and lost; a passage that a stable rule had right must not be lost."""

from pathlib import Path

from detection import Reader, frozen
from detection.frozen import Change, Kept, compare


def test_nothing_that_a_stable_rule_had_right_is_lost(reader: Reader) -> None:
    before = frozen.load()
    change = compare(before, frozen.keep(reader, frozen.frozen_passages()[::4]))
    assert len(before) > 1000
    assert not change.broken, change


def test_gains_losses_and_broken_rules_are_told_apart(tmp_path: Path) -> None:
    before = [Kept("a", True, ()), Kept("b", True, ("r.one",)), Kept("c", False, ()), Kept("d", True, ("r.two",))]
    now = [
        Kept("a", False, ()),
        Kept("b", False, ()),
        Kept("c", True, ()),
        Kept("d", False, ("r.two",)),
        Kept("e", False, ()),
    ]
    frozen.save(before, tmp_path / "kept.jsonl")
    assert compare(frozen.load(tmp_path / "kept.jsonl"), now) == Change(("c",), ("a", "b", "d"), ("b",))
