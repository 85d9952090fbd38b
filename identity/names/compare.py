"""Say how far a name shown is the name registered: family name and first name, each by its degree.

Two names that are the same may still be those of two people: this module compares letters, and knows nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rapidfuzz.distance import OSA

from identity.names.shown import ShownName, Token, read_name
from identity.names.words import is_slip, lexicon, squash, words


class Family(StrEnum):
    """How far the family name shown is the one registered."""

    WHOLE = "whole"
    PART = "part"  # one of the names of a compound, on either side
    SLIP = "slip"
    NONE = "none"


class Given(StrEnum):
    """How far the first name shown is the one registered."""

    WHOLE = "whole"
    SLIP = "slip"
    INITIALS = "initials"
    MISSING = "missing"
    NONE = "none"


_FIVE = 5
_FAMILY_RANK = {Family.WHOLE: 3, Family.PART: 2, Family.SLIP: 1, Family.NONE: 0}
_GIVEN_RANK = {Given.WHOLE: 4, Given.SLIP: 3, Given.INITIALS: 2, Given.MISSING: 1, Given.NONE: 0}


@dataclass(frozen=True)
class NameComparison:
    """The degrees found for the best way to part the name shown. `ordered` is False when the family name stands first
    without capitals or comma to show it, so that the two names could also be exchanged."""

    family: Family
    given: Given
    ordered: bool = True

    @property
    def same(self) -> bool:
        """True when a careful clerk reads the same name: a family name and a first name or its initials."""
        return self.family is not Family.NONE and self.given in (Given.WHOLE, Given.SLIP, Given.INITIALS)


DIFFERENT = NameComparison(Family.NONE, Given.NONE)


def compare(shown: str | ShownName, family: str, given: str) -> NameComparison:
    """Compare a display name with a registered family name and first name. Never raises on what a page shows."""
    name = read_name(shown) if isinstance(shown, str) else shown
    registered, first = words(family), words(given)
    if not name.tokens or not registered:
        return DIFFERENT
    if name.alone:
        degree = _family(name.tokens, name.others, registered)
        return NameComparison(degree, Given.MISSING if degree is not Family.NONE else Given.NONE)
    best, rank = DIFFERENT, (0, 0)
    for given_tokens, family_tokens, ordered in _partings(name):
        if not _can_be(given_tokens, first):
            continue
        of_family = _family(family_tokens, name.others, registered)
        of_given = _given(given_tokens, first) if of_family is not Family.NONE else Given.NONE
        found = (_GIVEN_RANK[of_given], _FAMILY_RANK[of_family])
        if found > rank:
            best, rank = NameComparison(of_family, of_given, ordered), found
    return best


@lru_cache(maxsize=20_000)
def _partings(name: ShownName) -> list[tuple[tuple[Token, ...], tuple[Token, ...], bool]]:
    """Every way to part the tokens in first name and family name, in the French order and turned; where capitals
    mark the family name, only those that agree with them."""
    tokens, ways = name.tokens, []
    for at in range(1, len(tokens)):
        for given, family, usual in ((tokens[:at], tokens[at:], True), (tokens[at:], tokens[:at], False)):
            if any(token.initials and len(token.words[0]) == 1 for token in family):
                continue
            if name.capitals_mark and not _capitals_agree(given, family):
                continue
            initials = all(token.initials for token in given)
            ways.append((given, family, usual or name.capitals_mark or initials))
    return ways


def _capitals_agree(given: tuple[Token, ...], family: tuple[Token, ...]) -> bool:
    return all(t.initials or not t.capitals for t in given) and all(t.capitals or t.initials for t in family)


def units(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a compound, each with what belongs to it: « moreau de la tour » has « moreau » and « delatour »."""
    found: list[str] = []
    pending = ""
    for word in parts:
        pending += word
        if word not in lexicon()["binding"]:
            found.append(pending)
            pending = ""
    return (*found, pending) if pending else tuple(found)


def bare_name(parts: tuple[str, ...]) -> str:
    """The squashed name without a particle in front."""
    at = 0
    while at < len(parts) - 1 and parts[at] in lexicon()["particles"]:
        at += 1
    return squash(parts[at:])


def one_letter_off(name: ShownName, family: str, given: str) -> bool:
    """Whether the first name is whole and the family name one letter from the registered one, of five at least.

    That is no likeness by itself (Rolland, Roland): it is one only where nobody bears the name as it is shown.
    """
    registered, first = squash(words(family)), squash(words(given))
    shown = [squash(token.words) for token in name.tokens if not token.initials]
    if first not in shown or len(registered) < _FIVE:
        return False
    rest = "".join(word for at, word in enumerate(shown) if at != shown.index(first))
    return rest != registered and OSA.distance(rest, registered, score_cutoff=1) <= 1


def _can_be(tokens: tuple[Token, ...], registered: tuple[str, ...]) -> bool:
    """A quick look that spares most of the work: whether the first name shown could be the one registered."""
    if any(token.initials for token in tokens):
        return True
    shown, whole = squash([word for token in tokens for word in token.words]), squash(registered)
    return shown == whole or (shown[:1] == whole[:1] and OSA.distance(shown, whole, score_cutoff=2) <= 2)


@lru_cache(maxsize=100_000)
def _registered(parts: tuple[str, ...]) -> tuple[str, str, frozenset[str]]:
    return squash(parts), bare_name(parts), frozenset(units(parts))


def _family(tokens: tuple[Token, ...], others: tuple[tuple[str, ...], ...], registered: tuple[str, ...]) -> Family:
    shown = tuple(word for token in tokens for word in token.words)
    whole, bare, parts = _registered(registered)
    ways = (shown, *others)
    if any(squash(way) == whole or (bare_name(way) == bare and len(bare) > 2) for way in ways):
        return Family.WHOLE
    mine = frozenset(unit for way in ways for unit in units(way))
    common = {unit for unit in mine & parts if len(unit) > 2}
    if common and (mine <= parts or parts <= mine):
        return Family.PART
    if is_slip(squash(shown), whole, first_name=False):
        return Family.SLIP
    return Family.NONE


def _given(tokens: tuple[Token, ...], registered: tuple[str, ...]) -> Given:
    whole = [word for token in tokens if not token.initials for word in token.words]
    initials = [letter for token in tokens for letter in token.initials]
    if not registered or not (whole or initials):
        return Given.NONE
    if whole and squash(whole) == squash(registered):
        return Given.WHOLE  # initials beside a whole first name are those of further ones
    if whole and not initials and is_slip(squash(whole), squash(registered), first_name=True):
        return Given.SLIP
    if len(whole) + len(initials) != len(registered) or not initials:
        return Given.NONE
    parts = [(word, False) for word in whole] + [(letter, True) for letter in initials]
    fits = all(
        name.startswith(part) if short else name == part for (part, short), name in zip(parts, registered, strict=True)
    )
    return Given.INITIALS if fits else Given.NONE
