"""The job that says who the listings with a case are, by the register of the home where one is loaded.

The pages of one listing are read together: a practice's home page shows the profession, its legal notice the number.
It writes what is missing under the version and state of the register of today, and changes no earlier answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from identity import Identity, Registry, Shown
from identity import identify as identify_shown
from identity.names import read_name
from identity.words import house_word
from ledger import Ledger
from ledger.cases import latest_views
from ledger.identities import IdentityMatch
from ledger.models import Capture, Case, Identification, ListingView

BATCH = 500  # listings read at once
PARIS = ZoneInfo("Europe/Paris")
ALONE = ("profession", "speciality", "phone", "rpps", "adeli")
PLACE = ("street", "postcode", "city")  # taken together from one page: half of two addresses is no address


@dataclass(frozen=True)
class Merged:
    """What the pages of a listing show together: the newest view first, and for each fact the view it was read on."""

    view: ListingView
    shown: Shown
    sources: dict[str, int]


def merge(view: ListingView, captured_on: date, others: Sequence[ListingView]) -> Merged:
    """The facts of `view`, completed from the other pages of the listing that show the same name or none.

    `others` are the newest view of each other page, newest first. Two different numbers are both kept, which no rule
    of matching takes for a number; so are the names of two people, which no rule takes for one.
    """
    same = [other for other in others if not other.display_name or _same_name(view.display_name, other.display_name)]
    facts: dict[str, str] = {}
    sources: dict[str, int] = {}
    for names in (*((name,) for name in ALONE), PLACE):
        holder = next((one for one in (view, *same) if any(getattr(one, name) for name in names)), None)
        for name in names:
            facts[name] = getattr(holder, name) if holder else ""
            if facts[name] and holder:
                sources[name] = holder.id
    numbers = dict.fromkeys(one.rpps.replace(" ", "") for one in (view, *same) if one.rpps)
    if len(numbers) > 1:
        facts["rpps"] = " / ".join(numbers)
    organisation = view.is_organisation or any(one.is_organisation and one.display_name for one in same)
    people = [view.display_name, *dict.fromkeys(o.display_name for o in others if o not in same and _is_person(o))]
    shown = Shown(" et ".join(people), organisation, captured_on=captured_on, **facts)
    return Merged(view, shown, {"display_name": view.id, **sources})


def _is_person(view: ListingView) -> bool:
    return not view.is_organisation and not house_word(view.display_name) and not read_name(view.display_name).alone


def _same_name(one: str, other: str) -> bool:
    def letters(name: str) -> list[str]:
        return sorted(word for token in read_name(name).tokens for word in token.words)

    return letters(one) == letters(other)


def merged_views(session: Session, listing_ids: Iterable[int]) -> list[Merged]:
    """What each listing shows, from the newest view of each of its pages; listings without a name are left out."""
    latest = {listing: view for listing, view in latest_views(session, listing_ids).items() if view.display_name}
    rows = session.execute(
        select(ListingView, Capture.url, Capture.captured_at)
        .join(Capture, Capture.id == ListingView.capture_id)
        .where(ListingView.listing_id.in_(latest))
        .order_by(Capture.captured_at.desc(), ListingView.id.desc())
    )
    pages: dict[int, dict[str, ListingView]] = {}
    moments: dict[int, datetime] = {}
    for view, url, captured_at in rows:
        pages.setdefault(view.listing_id, {}).setdefault(url, view)
        moments[view.id] = captured_at
    return [
        merge(
            view,
            moments[view.id].astimezone(PARIS).date(),
            [other for other in pages[listing].values() if other.id != view.id],
        )
        for listing, view in sorted(latest.items())
    ]


def identify(ledger: Ledger) -> int:
    """Say who the listings with a case are, or why it cannot be said. Returns how many answers were written."""
    registry = Registry.of_home(ledger.home)
    written = 0
    with ledger.session() as session:
        cases = list(session.scalars(select(Case.listing_id).distinct().order_by(Case.listing_id)))
        seen = {tuple(row) for row in session.execute(select(Identification.view_id, Identification.version))}
        for start in range(0, len(cases), BATCH):
            for merged in merged_views(session, cases[start : start + BATCH]):
                answer = identify_shown(merged.shown, registry)
                version = version_of(answer)
                if (merged.view.id, version) not in seen:
                    _write(session, merged, answer, version)
                    written += 1
    return written


def version_of(answer: Identity) -> str:
    """The version of an answer: that of the matcher, and the state of the register it read."""
    return f"{answer.version}+{answer.registry_date}" if answer.registry_date else answer.version


def _write(session: Session, merged: Merged, answer: Identity, version: str) -> None:
    row = Identification(
        listing_id=merged.view.listing_id,
        view_id=merged.view.id,
        version=version,
        created_at=datetime.now(UTC),
        status=answer.status,
        rpps=answer.rpps,
        reasons=list(answer.reasons),
    )
    session.add(row)
    session.flush()
    shown = {**asdict(merged.shown), "captured_on": str(merged.shown.captured_on)}
    session.add(
        IdentityMatch(
            identification_id=row.id,
            registry_date=answer.registry_date,
            score=answer.score,
            margin=answer.margin,
            runner_up=answer.runner_up,
            shown=shown,
            views=merged.sources,
        )
    )
