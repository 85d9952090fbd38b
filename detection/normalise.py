"""Fold a text to plain lower-case letters and keep the way back to it; it must never lose a character's place."""

import html
import re
import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache

_SPECIAL = {
    "œ": "oe",
    "Œ": "oe",
    "æ": "ae",
    "Æ": "ae",
    "ß": "ss",
    "ø": "o",
    "Ø": "o",
    "ł": "l",
    "đ": "d",
    "\t": "|",
}
_APOSTROPHES = "'’‘ʼʹ′`´＇‛"
_QUOTES = '"“”„«»‹›″'
_DASHES = "‐‑‒–—―−﹘﹣－"
_DOTS = "∙⋅‧"
_BULLETS = "•‣◦▪▫●○■□◆◇►▶➤➢✦⁃∙"
_ARROWS = "→➔➜⇒➡►"
_YES = "✅✔☑✓👍🆗🟢⭕"
_NO = "❌✖✗✘🚫⛔🛑❎👎🔴⊘✕❗🙅"
_HANDS = "👌🙂😊🤝💚"
#: Letters of other scripts that are drawn like a Latin one (Unicode confusables, the ones that spell an acronym).
_LOOKALIKES = dict(
    zip(
        "АВСЕНІЈКМОРЅТХУаеорсухіјѕԁһ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορυνι" + "ՍցոսᴄᴍᴜᴀᴇꜱÐϹϲмк",
        "abcehijkmopstxyaeopcyxijsdh" + "abezhikmnoptyxaopyvi" + "ugnucmuaesdccmk",
        strict=True,
    )
)
#: A character written as HTML writes it; pages are sometimes encoded twice.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
#: Stand-ins inside the folded text for every pictogram that says yes, or no.
TICK, CROSS = "✓", "✗"


@lru_cache(maxsize=8192)
def fold_character(character: str) -> str:
    """The folded form of one character: zero, one or several plain lower-case characters."""
    if character in _SPECIAL:
        return _SPECIAL[character]
    for group, plain in (
        (_APOSTROPHES, "'"),
        (_QUOTES, '"'),
        (_DASHES, "-"),
        (_YES, TICK),
        (_NO, CROSS),
        (_ARROWS, ">"),
        (_BULLETS, "•"),
        (_DOTS, "·"),
        (_HANDS, ""),
        ("\u00a0\u202f\u2009\u2007\u3000", " "),
        ("\r\u2028\u2029\x0b\x0c\x85", "\n"),
    ):
        if character in group:
            return plain
    if character in _LOOKALIKES:
        return _LOOKALIKES[character]
    if unicodedata.category(character) in {"Cf", "Mn", "Me", "Cc", "Cs", "Co", "Cn"} and character not in "\n\t":
        return ""
    folded = []
    for part in unicodedata.normalize("NFKD", character):
        if part in _LOOKALIKES:
            folded.append(_LOOKALIKES[part])
        elif unicodedata.category(part) not in {"Mn", "Me", "Cf"}:
            folded.append(part.lower())
    plain = "".join(folded)
    return plain if len(plain) <= 8 else " "


@dataclass(frozen=True)
class Folded:
    """A folded text; ``offsets[i]`` is where the original character of ``text[i]`` stands, with one more at the end."""

    original: str
    text: str
    offsets: "array[int]"

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that folded to ``text[start:end]`` (combining marks included)."""
        if start >= end:
            place = self.offsets[min(start, len(self.text))]
            return place, place
        first, last = self.offsets[start], self.offsets[end - 1] + 1
        original = self.original
        if original[last - 1] == "&" and (entity := _entity_at(original, last - 1)):
            last += len(entity[0]) - 1
        while last < len(original) and fold_character(original[last]) == "" and unicodedata.combining(original[last]):
            last += 1
        return first, last


def _entity_at(text: str, place: int) -> tuple[str, str] | None:
    """(the entity as written, what it means) where one stands at ``place``."""
    match = _ENTITY.match(text, place)
    if match is None:
        return None
    meant = html.unescape(match.group())
    return None if meant == match.group() else (match.group(), meant)


def fold(text: str) -> Folded:
    """Fold any text: compatibility forms, case, accents, look-alikes, invisible characters, pictograms, entities."""
    pieces: list[str] = []
    offsets = array("l")
    skip = 0
    for place, character in enumerate(text):
        if place < skip:
            continue
        if character == "&" and (entity := _entity_at(text, place)):
            skip = place + len(entity[0])
            piece = "".join(fold_character(one) for one in entity[1])
            pieces.append(piece)
            offsets.extend([place] * len(piece))
            continue
        if "a" <= character <= "z" or character == " ":
            pieces.append(character)
            offsets.append(place)
            continue
        piece = fold_character(character)
        if piece:
            pieces.append(piece)
            offsets.extend([place] * len(piece))
    offsets.append(len(text))
    return Folded(text, "".join(pieces), offsets)


class _FoldTable(dict[int, str]):
    """A translation table that fills itself: the fast way to a folded text when no way back is needed."""

    def __missing__(self, code: int) -> str:
        piece = fold_character(chr(code))
        if not piece.isalnum():
            piece = "".join(part if part.isalnum() else " " for part in piece)
        self[code] = piece
        return piece


_TABLE = _FoldTable()


def fold_fast(text: str) -> str:
    """Letters and digits folded as in :func:`fold`, in words parted by one space, with one at both ends; no offsets."""
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
    return f" {' '.join(text.translate(_TABLE).split())} "
