"""The check digit: what a slip of the finger changes must not pass."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from identity import luhn, read_rpps

BODIES = st.from_regex(r"[0-9]{10}", fullmatch=True)


def checked(body: str) -> str:
    """The ten digits with their check digit."""
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


def test_known_values() -> None:
    assert luhn("79927398713")  # the example of ISO/IEC 7812
    assert not luhn("79927398710")
    assert not luhn("")
    assert not luhn("1²")
    assert not luhn("١٢٣")


@given(BODIES)
def test_exactly_one_check_digit_holds(body: str) -> None:
    assert sum(luhn(body + digit) for digit in "0123456789") == 1


@given(BODIES, st.integers(0, 10), st.integers(1, 9))
def test_a_single_wrong_digit_is_always_caught(body: str, at: int, shift: int) -> None:
    number = checked(body)
    wrong = number[:at] + str((int(number[at]) + shift) % 10) + number[at + 1 :]
    assert not luhn(wrong)
    assert read_rpps(wrong).number == ""


@given(BODIES, st.integers(0, 9))
def test_two_neighbours_exchanged_are_caught_but_for_0_and_9(body: str, at: int) -> None:
    number = checked(body)
    assume(number[at] != number[at + 1])
    exchanged = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert luhn(exchanged) == ({number[at], number[at + 1]} == {"0", "9"})


@given(BODIES, st.lists(st.sampled_from(["", " ", ".", "\u00a0", "\u202f", "-"]), min_size=11, max_size=11))
def test_separators_change_nothing(body: str, separators: list[str]) -> None:
    number = checked(body)
    assume(len(set(number)) > 1)
    shown = "".join(digit + separator for digit, separator in zip(number, separators, strict=True))
    assert read_rpps(shown).number == number
    assert read_rpps(shown).reason == ""


@given(BODIES)
def test_the_national_form_is_explained_and_never_accepted(body: str) -> None:
    assume(len(set(checked(body))) > 1)
    reading = read_rpps("8" + checked(body))
    assert reading.number == ""
    assert "forme nationale" in reading.reason


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_reason(text: str) -> None:
    reading = read_rpps(text)
    assert bool(reading.number) != bool(reading.reason)
