"""The model card says what was measured, and is that of the reader that stands here."""

from pathlib import Path

from detection import Reader
from detection.card import Measured, card, curve_svg
from detection.corpus import load_split
from detection.evaluation import pair_up, score

CARD = Path(__file__).parents[2] / "docs" / "model-card.md"


def test_the_card_is_that_of_this_reader(reader: Reader) -> None:
    assert f"`{reader.version}`" in CARD.read_text("utf-8"), "run `vigie evaluate --card`"


def test_levels_are_met_or_missed_by_what_was_measured(reader: Reader) -> None:
    passages = load_split("dev")[:30]
    pairs = tuple(pair_up(passages, reader.read_many((one.text, one.field) for one in passages)))
    measured = Measured(reader.version, pairs, pairs, score(pairs), ((3, "x"),) * 3, (("upper", 1, 10),), {"a": 0.5})
    levels = {level.name: level for level in measured.levels()}
    assert levels["flag precision"].value == score(pairs).precision
    assert not levels["flips under perturbation"].met
    assert not next(level for name, level in levels.items() if name.startswith("false alarms")).met
    assert not levels["recall on a function never trained on (mean)"].met
    text = card(measured)
    assert text.count("MISSED") >= 3
    assert "frame 3: 3 times" in text
    assert "| upper | 1 | 10 |" in text
    assert curve_svg(pairs).startswith("<svg")
