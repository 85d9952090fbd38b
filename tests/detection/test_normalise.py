"""Folding loses no place: every folded character knows the original one it came from."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.normalise import fold, fold_character, fold_fast


@given(st.text())
def test_offsets_are_in_order_and_inside_the_text(text: str) -> None:
    folded = fold(text)
    assert len(folded.offsets) == len(folded.text) + 1
    assert list(folded.offsets) == sorted(folded.offsets)
    assert all(0 <= place <= len(text) for place in folded.offsets)


@given(st.text(), st.data())
def test_a_span_folds_back_to_what_it_came_from(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    start = data.draw(st.integers(0, len(folded.text)))
    end = data.draw(st.integers(start, len(folded.text)))
    first, last = folded.span(start, end)
    assert 0 <= first <= last <= len(text)
    assert folded.text[start:end] in fold(text[first:last]).text


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text).text
    assert fold(once).text == once


@given(st.text())
def test_the_fast_way_holds_the_same_letters(text: str) -> None:
    letters = "".join(character for character in fold(text).text if character.isalnum())
    assert "".join(character for character in fold_fast(text) if character.isalnum()) == letters


def test_look_alikes_accents_ligatures_and_styles_fold_to_plain_letters() -> None:
    assert fold("СМU").text == "cmu"
    assert fold("ＣＭＵ 𝐂𝐌𝐔 Ⓒ").text == "cmu cmu c"
    assert fold("refusée œuvre ’ «A»\u00a0: –").text == 'refusee oeuvre \' "a" : -'
    assert fold("C\u200bM\u00adU").text == "cmu"
    assert fold_character("❌") != fold_character("✅")


def test_a_decomposed_accent_belongs_to_its_letter() -> None:
    text = unicodedata.normalize("NFD", "CMU refusée.")
    folded = fold(text)
    first, last = folded.span(0, folded.text.index("."))
    assert text[first:last] == unicodedata.normalize("NFD", "CMU refusée")


@pytest.mark.parametrize(
    ("text", "folded", "word", "original"),
    [
        ("non accept&eacute;s ici", "non acceptes ici", "acceptes", "accept&eacute;s"),
        ("C&#77;U refus&eacute;", "cmu refuse", "refuse", "refus&eacute;"),
        ("a &amp; b", "a & b", "b", "b"),
        ("50 &nopenope; 5", "50 &nopenope; 5", "5", "5"),
    ],
)
def test_entities_are_read_and_keep_their_place(text: str, folded: str, word: str, original: str) -> None:
    result = fold(text)
    assert result.text == folded
    start = result.text.index(word)
    first, last = result.span(start, start + len(word))
    assert text[first:last] == original
