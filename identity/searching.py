"""Find everybody of the register who may be the person a page shows, weighed, best first. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from identity.address import Nearness
from identity.evidence import Evidence, Page, lay_out, read_page
from identity.names import Family, squash, words
from identity.registry.keys import listing_keys, wide_keys
from identity.registry.store import Registry, State
from identity.shown import Shown
from identity.trade import Agreement
from identity.weighing import Scored, weigh


@dataclass(frozen=True)
class Search:
    """The candidates for one page, best first, in the state that was read."""

    page: Page
    state: State
    later: int  # days by which the state is later than the capture; 0 when it is not
    found: tuple[Scored, ...]
    numbered: Evidence | None  # the person whose number the page shows, as the state knows them
    number_known: bool  # whether the register has ever known that number

    @property
    def named(self) -> tuple[Scored, ...]:
        """The candidates whose name is that of the page."""
        return tuple(one for one in self.found if one.evidence.name.same)


def search(shown: Shown, registry: Registry) -> Search:
    """The candidates for what a page shows, in the register's state of the day of its capture.

    Near the place shown first; then with a slip in the family name; then namesakes anywhere in the country. A wider
    look is taken only where the narrower one found nobody of the name whose place is known. Never raises.
    """
    page = read_page(shown, registry)
    state, is_later = registry.state_on(page.captured_on)
    later = (date.fromisoformat(state.day) - page.captured_on).days if is_later and page.captured_on else 0
    first = registry.number(page.number.number) if page.number.number else None
    found: dict[int, Scored] = {}
    waiting = set() if first is None else {first}
    seen: set[int] = set()
    for look in range(3 if page.name.tokens else 1):
        waiting |= set(registry.find(_keys(page, look))) if page.name.tokens else set()
        for one in waiting - seen:
            evidence = lay_out(page, registry.person(one), state)
            if evidence is not None and _worth(evidence, page, registry):
                found[one] = weigh(evidence, page, registry)
        seen |= waiting
        if any(one.evidence.name.same and one.evidence.place is not Nearness.UNKNOWN for one in found.values()):
            break
    ranked = sorted(found.values(), key=lambda one: (-one.score, one.evidence.pid))
    numbered = lay_out(page, registry.person(first), state) if first is not None else None
    return Search(page, state, later, tuple(ranked), numbered, first is not None)


def _keys(page: Page, look: int) -> tuple[str, ...]:
    places = (*page.prefixes, "")
    if look < 2:
        return tuple(listing_keys(page.name, places, page.phone if look == 0 else "", slips=look == 1))
    return tuple(wide_keys(page.name))


def _worth(evidence: Evidence, page: Page, registry: Registry) -> bool:
    """Whether a person is a candidate: a family name one letter off that others bear is theirs, and no slip."""
    if evidence.number is Agreement.AGREE or evidence.name.family is not Family.SLIP:
        return True
    return not _is_borne(page, evidence, registry)


def _is_borne(page: Page, evidence: Evidence, registry: Registry) -> bool:
    given = squash(words(evidence.given_name))
    shown = [squash(token.words) for token in page.name.tokens if not token.initials]
    return registry.bearers("".join(name for name in shown if name != given)) > 0
