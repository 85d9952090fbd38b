"""What a spider must not forget when its process dies: sets that are written down with the page that filled them.

A spider names them in `remembered`; it goes on using them as sets, or as a mapping from a name to a set.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, MutableMapping, MutableSet

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import Ledger
from ledger.frontier import SpiderMemory, insert_or_ignore

MOST_CACHED = 20_000  # values of a large set kept at hand
MOST_SETS = 2_000  # small sets kept at hand


class Memory:
    """The values of one platform. `scope` separates commands from each other; `everywhere` looks into all of them."""

    def __init__(self, ledger: Ledger, platform: str, scope: str, *, everywhere: bool = False) -> None:
        """Remember in the ledger."""
        self.ledger, self.platform, self.scope, self.everywhere = ledger, platform, scope, everywhere
        self._pending: list[tuple[str, str]] = []

    def add(self, name: str, value: str) -> None:
        """Note a value; `flush` writes it down."""
        self._pending.append((name, value))

    def flush(self, session: Session) -> None:
        """Write what was noted, within the caller's transaction."""
        pending, self._pending = self._pending, []
        rows = [
            {"platform": self.platform, "scope": self.scope, "name": name, "value": value} for name, value in pending
        ]
        insert_or_ignore(session, SpiderMemory, rows)

    def has(self, name: str, value: str) -> bool:
        """True when the value was written down."""
        query = select(SpiderMemory.id).where(
            SpiderMemory.platform == self.platform, SpiderMemory.name == name, SpiderMemory.value == value
        )
        if not self.everywhere:
            query = query.where(SpiderMemory.scope == self.scope)
        with self.ledger.session() as session:
            return session.scalar(query.limit(1)) is not None

    def values(self, name: str) -> list[str]:
        """All that was written down under a name."""
        query = select(SpiderMemory.value).where(SpiderMemory.platform == self.platform, SpiderMemory.name == name)
        if not self.everywhere:
            query = query.where(SpiderMemory.scope == self.scope)
        with self.ledger.session() as session:
            return list(session.scalars(query))


class RememberedSet(MutableSet[str]):
    """A set of any size: looked up in the ledger, a part of it kept at hand."""

    def __init__(self, memory: Memory, name: str) -> None:
        """The set of that name."""
        self._memory, self._name = memory, name
        self._at_hand: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        if value in self._at_hand:
            return True
        found = self._memory.has(self._name, value)
        if found:
            self._keep(value)
        return found

    def add(self, value: str) -> None:
        """Add a value."""
        if value not in self._at_hand:
            self._memory.add(self._name, value)
            self._keep(value)

    def update(self, *others: Iterable[str]) -> None:
        """Add many values."""
        for other in others:
            for value in other:
                self.add(value)

    def discard(self, value: str) -> None:  # noqa: ARG002
        """Nothing is forgotten: a spider that drops a key would ask for it again for ever."""
        raise TypeError("what a spider remembers is only added to")

    def __iter__(self) -> Iterator[str]:
        return iter({*self._memory.values(self._name), *self._at_hand})

    def __len__(self) -> int:
        return len(set(iter(self)))

    def _keep(self, value: str) -> None:
        self._at_hand[value] = None
        if len(self._at_hand) > MOST_CACHED:
            self._at_hand.popitem(last=False)


class _SmallSet(set[str]):
    """A set held whole; what is added to it is noted."""

    def __init__(self, memory: Memory, name: str) -> None:
        super().__init__(memory.values(name))
        self._memory, self._name = memory, name

    def add(self, value: str) -> None:
        if value not in self:
            self._memory.add(self._name, value)
            super().add(value)

    def update(self, *others: Iterable[str]) -> None:
        for other in others:
            for value in other:
                self.add(value)


class RememberedSets(MutableMapping[str, set[str]]):
    """Small sets by name; every name has one."""

    def __init__(self, memory: Memory, name: str) -> None:
        """The sets under that name."""
        self._memory, self._name = memory, name
        self._at_hand: OrderedDict[str, _SmallSet] = OrderedDict()

    def __getitem__(self, key: str) -> set[str]:
        if key not in self._at_hand:
            self._at_hand[key] = _SmallSet(self._memory, f"{self._name}:{key}"[:300])
            if len(self._at_hand) > MOST_SETS:
                self._at_hand.popitem(last=False)
        self._at_hand.move_to_end(key)
        return self._at_hand[key]

    def setdefault(self, key: str, default: set[str] | None = None) -> set[str]:
        """The set of that name, `default` added to it."""
        found = self[key]
        if default:
            found.update(default)
        return found

    def __setitem__(self, key: str, value: set[str]) -> None:
        self[key].update(value)

    def __delitem__(self, key: str) -> None:
        raise TypeError("what a spider remembers is only added to")

    def __iter__(self) -> Iterator[str]:
        return iter(self._at_hand)

    def __len__(self) -> int:
        return len(self._at_hand)


def remember(spider: object, memory: Memory, names: tuple[str, ...]) -> None:
    """Put the sets that a spider names into its memory, with what they hold already."""
    for name in names:
        value = getattr(spider, name)
        if isinstance(value, dict):
            kept = RememberedSets(memory, name)
            for key, part in value.items():
                kept.setdefault(key, part)
            setattr(spider, name, kept)
        else:
            whole = RememberedSet(memory, name)
            whole.update(iter(value))
            setattr(spider, name, whole)
