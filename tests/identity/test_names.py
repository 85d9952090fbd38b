"""French names: the pairs composed by hand, half of them never looked at, and what must hold for any text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.names import Family, Given, compare, read_name
from identity.names.words import folded, is_slip

DATA = Path(__file__).parent / "data"


def pairs(name: str) -> Iterator[tuple[str, str, str, bool]]:
    """(shown, registered family name, first name, whether they are the same) of one file."""
    family = given_name = ""
    for line in (DATA / f"name_pairs_{name}.txt").read_text("utf-8").splitlines():
        if line[:2] in ("+ ", "- "):
            for shown in filter(None, map(str.strip, line[2:].split(" ; "))):
                yield shown, family, given_name, line[0] == "+"
        elif line and not line.startswith("#"):
            family, given_name = (part.strip() for part in line.split("|"))


def test_there_are_enough_pairs_of_both_kinds() -> None:
    every = [*pairs("dev"), *pairs("held")]
    assert len(every) >= 1_300
    assert 0.4 < sum(same for *_, same in every) / len(every) < 0.6
    assert not {pair[:3] for pair in pairs("dev")} & {pair[:3] for pair in pairs("held")}


@pytest.mark.parametrize("name", ["dev", "held"])
def test_pairs_composed_by_hand(name: str) -> None:
    found = [(compare(shown, family, first).same, same) for shown, family, first, same in pairs(name)]
    right = sum(said and same for said, same in found)
    f1 = 2 * right / (sum(said for said, _ in found) + sum(same for _, same in found))
    assert f1 >= 0.97, f"{name}: F1 {f1:.4f}"


@pytest.mark.parametrize(
    ("shown", "others"),
    [
        ("Anne Petit née Rousseau", (("rousseau",),)),
        ("Dr Anne Petit (ép. de La Tour)", (("de", "la", "tour"),)),
        ("Anne Petit, sage-femme", ()),
    ],
)
def test_other_family_names_are_kept_apart(shown: str, others: tuple[tuple[str, ...], ...]) -> None:
    name = read_name(shown)
    assert [token.words for token in name.tokens] == [("anne",), ("petit",)]
    assert name.others == others


def test_degrees_are_told() -> None:
    assert compare("Dr Anne Petit", "PETIT ROUSSEAU", "Anne").family is Family.PART
    assert compare("A. Petit", "PETIT", "Anne").given is Given.INITIALS
    assert compare("Dr Petit", "PETIT", "Anne").given is Given.MISSING
    assert compare("Anen-Sophie Petit", "PETIT", "Anne-Sophie").given is Given.SLIP
    assert not compare("Petit Anne", "PETIT", "Anne").ordered
    assert compare("PETIT Anne", "PETIT", "Anne").ordered


def test_capitals_say_which_is_the_family_name() -> None:
    assert not compare("Bernard MARTIN", "BERNARD", "Martin").same
    assert compare("BERNARD Martin", "BERNARD", "Martin").same


@given(st.text(max_size=80), st.text(max_size=30), st.text(max_size=20))
def test_any_texts_can_be_compared(shown: str, family: str, first: str) -> None:
    found = compare(shown, family, first)
    assert found == compare(shown, family, first)
    assert not (found.same and found.family is Family.NONE)


@given(st.text(max_size=40))
def test_folding_is_stable_and_plain(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    assert once.isascii()


@given(st.from_regex(r"[a-z]{4,14}", fullmatch=True), st.from_regex(r"[a-z]{4,14}", fullmatch=True))
def test_a_slip_is_one_from_both_sides(one: str, other: str) -> None:
    assert is_slip(one, other, first_name=False) == is_slip(other, one, first_name=False)
