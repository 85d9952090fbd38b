"""Cut a text into the base model's word pieces: the most frequent neighbours merge first (byte-pair encoding)."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

_WORD = re.compile(r" ?[^ \n]+|\n+| +")
_SPACE = "▁"
#: Longer runs without a space are cut: merging is quadratic in their length.
_LONGEST = 40


class Pieces:
    """Numbers of the pieces of a text; any text has some, down to single bytes."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._numbers: Mapping[str, int] = {piece: number for number, piece in enumerate(vocabulary)}
        self._word = lru_cache(maxsize=65_536)(self._merge)

    def __call__(self, text: str) -> list[int]:
        """The numbers in order."""
        found: list[int] = []
        for match in _WORD.finditer(text):
            word = match.group().replace(" ", _SPACE)
            for start in range(0, len(word), _LONGEST):
                found += self._word(word[start : start + _LONGEST])
        return found

    def _merge(self, word: str) -> tuple[int, ...]:
        numbers, parts = self._numbers, list(word)
        while len(parts) > 1:
            merges = [
                (number, place)
                for place in range(len(parts) - 1)
                if (number := numbers.get(parts[place] + parts[place + 1])) is not None
            ]
            if not merges:
                break
            # A piece's number is its rank: the lower, the more frequent; the leftmost of equals.
            _, place = min(merges)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        result: list[int] = []
        for part in parts:
            number = numbers.get(part)
            result += (
                [number]
                if number is not None
                else [numbers[f"<0x{byte:02X}>"] for byte in part.encode("utf-8", "replace")]
            )
        return tuple(result)
