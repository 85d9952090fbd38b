"""The watchmen: what one run saw, told in figures, and what in them is not as it should be. It repairs nothing.

A breakage is found in the run it happens in: fields that stopped being read, lists that became empty, a wording that
appears everywhere at once. Pure but for `facts_of`, which reads the ledger.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ledger.frontier import RunReport
from ledger.models import Capture, ListingView, Passage
from reference import Watch

ENOUGH = 20  # readings under which a share says nothing
HISTORY = 8  # past runs that are looked at
WALLS = ("blocked", "login", "consent", "rate_limited")
BROKEN = ("server_error", "no_answer", "bad_certificate", "unreadable")
SHOWN = ("name", "profession", "city", "phone", "rpps")
_MOJIBAKE = ("\u00c3\u00a9", "\u00c3\u00a8", "\u00e2\u20ac", "\u00c2\u00a0", "\ufffd")  # UTF-8 read as Latin-1


@dataclass(frozen=True)
class Read:
    """What one answer said of one listing: `shape` is the kind of answer, `shown` the facts that are not empty."""

    shape: str
    key: str
    shown: frozenset[str]
    passages: tuple[tuple[str, str, bool], ...]  # field, text, never seen before this run


@dataclass
class Facts:
    """One run in figures. Shares are kept as counts, so that runs can be pooled."""

    outcomes: dict[str, int] = field(default_factory=dict)
    listings: int = 0
    complete: bool = False
    unchanged: int = 0
    changed: int = 0
    revisited: int = 0  # known pages that were read again
    emptied: int = 0  # pages that told of listings and tell of none
    vanished: int = 0
    unreadable: int = 0
    refusals: list[str] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)  # answers by shape
    held: dict[str, int] = field(default_factory=dict)  # answers by « shape field » that hold the field
    pieces: dict[str, list[float]] = field(default_factory=dict)  # passages by « shape field »: sum, sum of squares
    lengths: dict[str, float] = field(default_factory=dict)  # median characters by « shape field »
    listings_read: int = 0
    covered: dict[str, int] = field(default_factory=dict)  # listings by field, over all their answers
    garbled: int = 0
    texts: int = 0
    common: list[list[Any]] = field(default_factory=list)  # new texts that many listings hold: field, text, listings

    def as_json(self) -> dict[str, Any]:
        """For the ledger."""
        return asdict(self)

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Facts:
        """Back from the ledger; unknown keys of another version are left out."""
        known = set(cls.__dataclass_fields__)
        return cls(**{key: part for key, part in value.items() if key in known})


@dataclass(frozen=True)
class Alarm:
    """Something that a person must look at. `holds`: the run's passages open no case until somebody has."""

    kind: str
    text: str
    holds: bool = False


def shape_of(url: str, content_type: str) -> str:
    """The kind of answer an address gives: what it is and how deep it lies; slugs and numbers do not matter."""
    path = urlsplit(url).path.rstrip("/")
    markup = "xml" if "xml" in content_type and "html" not in content_type else "html"
    return f"{'json' if 'json' in content_type else markup}:{path.count('/')}"


class _Widespread:
    """New texts that many listings hold, in little memory however many texts there are (lossy counting).

    After each `EVERY` readings, texts that so far were rarer than once in that many are forgotten: what stands on a
    share of the listings that matters is never forgotten, and counted short by a listing in `EVERY` at most.
    """

    EVERY = 500

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], tuple[set[str], int]] = {}
        self._seen = 0

    def add(self, one: Read) -> None:
        spans = self._seen // self.EVERY
        for name, text, new in one.passages:
            if new:
                self._holders.setdefault((name, text), (set(), spans))[0].add(one.key)
        self._seen += 1
        if self._seen % self.EVERY == 0:
            spans += 1
            self._holders = {
                text: (keys, before) for text, (keys, before) in self._holders.items() if len(keys) + before > spans
            }

    def most(self) -> list[list[Any]]:
        """Field, text and listings of the five that stand on the most."""
        many = sorted(((len(keys), name, text) for (name, text), (keys, _) in self._holders.items()), reverse=True)[:5]
        return [[name, text[:200], count] for count, name, text in many if count >= ENOUGH]


def _median(sizes: Counter[int]) -> float:
    """The median of values told by how often each is there."""
    total, passed, low = sizes.total(), 0, None
    for size in sorted(sizes):
        passed += sizes[size]
        if low is None and 2 * passed >= total:
            if 2 * passed > total:
                return float(size)
            low = size
        elif low is not None:
            return (low + size) / 2
    return float(low or 0)


def add_up(facts: Facts, readings: Iterable[Read]) -> Facts:
    """Count what was read into `facts`, and return it. Its memory grows with the listings, not with their texts."""
    fields: dict[str, frozenset[str]] = {}
    alike: dict[frozenset[str], frozenset[str]] = {}  # one object for all listings that hold the same fields
    lengths: dict[str, Counter[int]] = defaultdict(Counter)
    common = _Widespread()
    read, held = Counter(facts.read), Counter(facts.held)
    for one in readings:
        read[one.shape] += 1
        names = one.shown | {name for name, _, _ in one.passages}
        held.update(f"{one.shape} {name}" for name in names)
        both = fields.get(one.key, frozenset()) | names
        fields[one.key] = alike.setdefault(both, both)
        common.add(one)
        for name, count in Counter(name for name, _, _ in one.passages).items():
            sums = facts.pieces.setdefault(f"{one.shape} {name}", [0.0, 0.0])
            facts.pieces[f"{one.shape} {name}"] = [sums[0] + count, sums[1] + count**2]
        for name, text, _ in one.passages:
            facts.texts += 1
            facts.garbled += any(mark in text for mark in _MOJIBAKE)
            lengths[f"{one.shape} {name}"][len(text)] += 1
    facts.read, facts.held = dict(read), dict(held)
    facts.lengths = {name: _median(sizes) for name, sizes in lengths.items() if sizes.total() >= ENOUGH}
    facts.listings_read = len(fields)
    facts.covered = dict(Counter(name for names in fields.values() for name in names))
    facts.common = common.most()
    return facts


def judge(now: Facts, past: Sequence[Facts], watch: Watch) -> list[Alarm]:
    """What is not as it should be, given the platform's past healthy runs, oldest first, and what is expected of it."""
    past = list(past)[-HISTORY:]
    return [*_walls(now), *_counts(now, past, watch), *_fields(now, past, watch), *_everywhere(now, past)]


def _walls(now: Facts) -> Iterable[Alarm]:
    total = sum(count for name, count in now.outcomes.items() if name not in ("robots", "redirect"))
    walls = sum(now.outcomes.get(name, 0) for name in WALLS)
    broken = sum(now.outcomes.get(name, 0) for name in BROKEN)
    for refusal in now.refusals:
        yield Alarm("refused", f"refused: {refusal}")
    if walls >= 5 and walls > 0.2 * total:
        yield Alarm("walls", f"{walls} of {total} answers are walls, not pages")
    if broken >= 5 and broken > 0.3 * total:
        yield Alarm("errors", f"{broken} of {total} answers are errors or silence")


def _counts(now: Facts, past: Sequence[Facts], watch: Watch) -> Iterable[Alarm]:
    pages = now.outcomes.get("page", 0)
    if pages >= 10 and not now.listings:
        yield Alarm("empty", f"{pages} pages, no listing")
    whole = [one.listings for one in past if one.complete and one.listings]
    usual = median(whole) if whole else 0
    if now.complete and usual >= ENOUGH and now.listings < 0.8 * usual:
        yield Alarm("fewer", f"{now.listings} listings, usually {usual:.0f}")
    if now.complete and now.listings < watch.expected_listings:
        yield Alarm("fewer", f"{now.listings} listings, at least {watch.expected_listings} expected")
    if now.emptied >= 5 and now.emptied > 0.2 * max(1, now.revisited):
        yield Alarm("emptied", f"{now.emptied} pages that told of listings tell of none")
    if now.unreadable >= 5 and now.unreadable > 0.1 * pages:
        yield Alarm("unreadable", f"{now.unreadable} of {pages} pages could not be read")
    seen = now.revisited + now.unchanged + now.vanished
    if now.vanished >= 10 and now.vanished > 0.2 * seen:
        yield Alarm("vanished", f"{now.vanished} of {seen} pages vanished at once")


def _fields(now: Facts, past: Sequence[Facts], watch: Watch) -> Iterable[Alarm]:
    read, held = _pooled(past)
    for name, before in sorted(held.items()):
        shape, _, place = name.partition(" ")
        if now.read.get(shape, 0) >= ENOUGH and _dropped(now.held.get(name, 0), now.read[shape], before, read[shape]):
            yield Alarm(
                "field",
                f"{place} ({shape}): {now.held.get(name, 0)} of {now.read[shape]} answers, "
                f"usually {before / read[shape]:.0%}",
            )
    yield from _pieces(now, past, read)
    if not past and now.listings_read >= ENOUGH and not now.unchanged:
        for place, share in watch.shares.items():
            if now.covered.get(place, 0) < share * now.listings_read:
                got = f"{now.covered.get(place, 0)} of {now.listings_read} listings"
                yield Alarm("field", f"{place}: {got}, {share:.0%} expected")
    for name, size in now.lengths.items():
        usual = [one.lengths[name] for one in past if name in one.lengths]
        if usual and not median(usual) / 3 <= size <= 3 * median(usual):
            yield Alarm("length", f"{name}: {size:.0f} characters, usually {median(usual):.0f}")
    if now.garbled >= 5 and now.garbled > 0.05 * now.texts:
        yield Alarm("encoding", f"{now.garbled} of {now.texts} texts are wrongly decoded")


def _pieces(now: Facts, past: Sequence[Facts], read: Mapping[str, int]) -> Iterable[Alarm]:
    """A field that is still read, and holds fewer passages than it did: one of its places is no longer found."""
    before: dict[str, list[float]] = {}
    for one in past:
        for name, sums in one.pieces.items():
            known = before.get(name, [0.0, 0.0])
            before[name] = [known[0] + sums[0], known[1] + sums[1]]
    for name, (total, squares) in sorted(before.items()):
        shape = name.partition(" ")[0]
        here, there = now.read.get(shape, 0), read[shape]
        if here < ENOUGH or there < ENOUGH:
            continue
        usual, mean = total / there, now.pieces.get(name, [0.0, 0.0])[0] / here
        spread = math.sqrt(max(squares / there - usual**2, 1e-6) * (1 / here + 1 / there))
        if mean < 0.85 * usual and usual - mean > 6 * spread:
            yield Alarm("pieces", f"{name}: {mean:.1f} passages an answer, usually {usual:.1f}")


def _pooled(past: Sequence[Facts]) -> tuple[Counter[str], Counter[str]]:
    """Answers by shape, and by shape and field, over the past runs."""
    read: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for one in past:
        read.update(one.read)
        held.update(one.held)
    return read, held


def _dropped(now: int, of: int, before: int, of_before: int) -> bool:
    """True when a share fell by more than chance makes it: a third at least, and more than five standard errors."""
    if of_before < ENOUGH or not before:
        return False
    usual, share = before / of_before, now / of
    pooled = (now + before) / (of + of_before)
    error = math.sqrt(max(pooled * (1 - pooled), 1e-9) * (1 / of + 1 / of_before))
    return share < 2 / 3 * usual and usual - share > 4.5 * error


def _everywhere(now: Facts, past: Sequence[Facts]) -> Iterable[Alarm]:
    """Changes of the platform, not of its practitioners: hundreds of cases would open on them."""
    usual = sum(one.changed for one in past) / max(1, sum(one.revisited + one.unchanged for one in past))
    seen = now.revisited + now.unchanged
    if now.changed >= ENOUGH and now.changed > max(0.4, 3 * usual) * seen:
        yield Alarm("sitewide", f"{now.changed} of {seen} known pages changed in one pass", holds=True)
    if not past:
        return
    for name, text, count in now.common:
        if count > 0.2 * now.listings_read:
            yield Alarm("sitewide", f"one new text ({text[:80]!r}, {name}) on {count} listings", holds=True)


def facts_of(session: Session, crawl_id: int, facts: Facts) -> Facts:
    """Add to `facts` what a run read, from the ledger."""
    return add_up(facts, _readings(session, crawl_id))


def _readings(session: Session, crawl_id: int) -> Iterable[Read]:
    """Each answer of the run that was read, listing by listing."""
    first = select(Capture.id).where(Capture.crawl_id == crawl_id).order_by(Capture.id).limit(1).scalar_subquery()
    last = select(Capture.id).where(Capture.crawl_id == crawl_id).order_by(Capture.id.desc()).limit(1).scalar_subquery()
    captures = (
        select(Capture.id, Capture.url, Capture.content_type)
        .where(Capture.id >= first, Capture.id <= last, Capture.crawl_id == crawl_id, Capture.outcome == "page")
        .where(Capture.warc_sha256.is_not(None))
        .order_by(Capture.id)
        .execution_options(yield_per=500)
    )
    for batch in session.execute(captures).partitions(500):
        shapes = {row.id: shape_of(row.url, row.content_type) for row in batch}
        shown: dict[tuple[int, int], set[str]] = defaultdict(set)
        said: dict[tuple[int, int], list[tuple[str, str, bool]]] = defaultdict(list)
        for view in session.scalars(select(ListingView).where(ListingView.capture_id.in_(list(shapes)))):
            shown[view.capture_id, view.listing_id] |= _shown(view)
        for passage, new in session.execute(_passages(list(shapes))):
            said[passage.capture_id, passage.listing_id].append((passage.field, passage.text, bool(new)))
            shown[passage.capture_id, passage.listing_id] |= set()
        for (capture, listing), facts in shown.items():
            yield Read(shapes[capture], str(listing), frozenset(facts), tuple(said[capture, listing]))


def _passages(captures: list[int]) -> Any:
    """Passages of these captures, and whether the listing never held the text before."""
    before = aliased(Passage)
    earlier = (
        select(before.id)
        .where(before.capture_id < min(captures))
        .where(before.listing_id == Passage.listing_id, before.text_key == Passage.text_key)
        .correlate(Passage)
        .exists()
    )
    return select(Passage, ~earlier).where(Passage.capture_id.in_(captures))


def _shown(view: ListingView) -> set[str]:
    facts = {
        "name": view.display_name,
        "profession": view.profession,
        "city": view.city,
        "phone": view.phone,
        "rpps": view.rpps,
    }
    return {name for name in SHOWN if facts[name]}


def past_of(session: Session, platform: str) -> list[Facts]:
    """The platform's last healthy runs, oldest first: those without an alarm, or released by a person."""
    rows = session.scalars(
        select(RunReport).where(RunReport.platform == platform).order_by(RunReport.id.desc()).limit(3 * HISTORY)
    )
    healthy = [Facts.of_json(row.figures) for row in rows if not row.alarms or row.released_at is not None]
    return healthy[:HISTORY][::-1]
