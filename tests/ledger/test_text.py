"""The same wording has the same key, and another wording another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import text_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bénéficiaires  de l’AME", "beneficiaires de l’ame\n"),
        ("Pas de CMU\u00a0!", " PAS DE CMU !"),
        ("Be\u0301ne\u0301ficiaire", "Bénéficiaire"),
        ("ﬁche", "fiche"),
        ("CŒUR", "cœur"),
        ("STRASSE", "straße"),
    ],
)
def test_wording_is_recognised_through_accents_case_and_spaces(one: str, other: str) -> None:
    assert text_key(one) == text_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("pas de CMU", "CMU"), ("pas de CMU", "pas de CMU."), ("C2S", "CSS"), ("a b", "ab")]
)
def test_other_words_are_other_keys(one: str, other: str) -> None:
    assert text_key(one) != text_key(other)


@given(st.text())
def test_any_text_has_a_key(text: str) -> None:
    key = text_key(text)
    assert len(key) == 64
    assert key == text_key(f" {text}\n") == text_key(text.replace(" ", "\u00a0  "))
