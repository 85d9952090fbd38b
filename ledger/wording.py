"""Whether a page still shows a wording: compared on the folded text, never on a hash of the page. Pure."""

from __future__ import annotations

from difflib import SequenceMatcher
from enum import StrEnum

from ledger.text import folded

ALIKE = 0.75  # of a line and the wording: below it, they are two sentences about the same thing at most
MOST_LINES = 3000
MOST_COMPARED = 2000  # characters of a line


class Wording(StrEnum):
    """What a visit of the page says of the wording of its case."""

    STAYED = "stayed"  # all of it is there, word for word, where a visitor reads it
    HIDDEN = "hidden"  # all of it is in the page, but the browser does not show it
    CHANGED = "changed"  # the words in cause are there, in another text, or the text in other words
    WITHDRAWN = "withdrawn"  # it was seen at this address before, and is not there any more
    NOT_SHOWN = "not_shown"  # it is not there, and nothing says that it ever stood at this address
    UNKNOWN = "unknown"  # the page was not had: nothing can be said


def compare(text: str, trigger: str, visible: str, hidden: str, *, seen_before: bool) -> Wording:
    """Look for the passage `text` and its words in cause `trigger` in what a page shows and in what it holds.

    `seen_before`: an earlier capture of the same address held it, so that its absence is a withdrawal.
    """
    wanted, shown = folded(text), folded(visible)
    if wanted and wanted in shown:
        return Wording.STAYED
    held = folded(hidden)
    if wanted and wanted in held:
        return Wording.HIDDEN
    words = folded(trigger)
    if (words and (words in shown or words in held)) or _alike(wanted, visible):
        return Wording.CHANGED
    return Wording.WITHDRAWN if seen_before else Wording.NOT_SHOWN


def _alike(wanted: str, visible: str) -> bool:
    """True when some line of the page is nearly the wording."""
    if not wanted:
        return False
    matcher = SequenceMatcher(autojunk=False, b=wanted[:MOST_COMPARED])
    for line in visible.splitlines()[:MOST_LINES]:
        candidate = folded(line[:MOST_COMPARED])
        if not candidate:
            continue
        matcher.set_seq1(candidate)
        if matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE:
            return True
    return False
