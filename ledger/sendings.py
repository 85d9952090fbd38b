"""Keep what left, what came back, and count what is waited for. Nothing is sent here, and no law is known here.

Days are counted as articles 641 and 642 of the code of civil procedure say: the day that starts the count is not
counted; months end on the day of the same number, or on the last of the month; an end on a Saturday, a Sunday or a
holiday moves to the next working day. Holidays are those of the whole of France: a council overseas, in Moselle or in
Alsace has others too.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.events import record
from ledger.models import Case, Dossier
from ledger.sending_tables import Sending, SendingStep
from reference import Deadline, Step
from reference.errors import VigieError

SENT = "sent"
FIXED = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
AFTER_EASTER = (1, 39, 50)  # Monday, Ascension, Whit Monday


class BadStep(VigieError):
    """A step that cannot be: no such letter, before what it follows, or before the letter left."""


@dataclass(frozen=True)
class Waited:
    """A time that runs, or has run out, for one letter."""

    sending_id: int
    case_id: int
    route: str
    deadline: str
    label: str
    since: date
    due: date
    kind: str
    article: str
    verified: bool

    def late(self, today: date) -> int:
        """Days past the end; 0 or less while it runs."""
        return (today - self.due).days


def send(
    session: Session,
    case_id: int,
    *,
    route: str,
    addressee: str,
    method: str,
    tracking: str,
    sent_on: date,
    letter_sha256: str,
    actor: str,
) -> Sending:
    """Keep a letter that left, with the newest complete dossier of its case. Raises `BadStep` for no such case."""
    if session.get(Case, case_id) is None:
        raise BadStep(f"there is no case {case_id}")
    query = select(Dossier.id).where(Dossier.case_id == case_id, Dossier.complete).order_by(Dossier.id.desc())
    row = Sending(
        case_id=case_id,
        dossier_id=session.scalars(query.limit(1)).first(),
        route=route,
        addressee=addressee,
        method=method,
        tracking=tracking,
        sent_on=sent_on,
        letter_sha256=letter_sha256,
        actor=actor,
        recorded_at=datetime.now(UTC),
    )
    session.add(row)
    session.flush()
    _add_step(session, row, SENT, sent_on, method, actor)
    return row


def answer(
    session: Session, sending_id: int, step: str, happened_on: date, *, note: str, actor: str, steps: Mapping[str, Step]
) -> SendingStep:
    """Keep a step of a letter. Raises `BadStep` for one that cannot be there yet, or not on that day."""
    sending = session.get(Sending, sending_id)
    if sending is None:
        raise BadStep(f"there is no letter {sending_id}")
    if step not in steps or step == SENT:
        raise BadStep(f"{step}: a step is one of {', '.join(code for code in steps if code != SENT)}")
    if happened_on < sending.sent_on:
        raise BadStep(f"{happened_on}: letter {sending_id} left on {sending.sent_on}")
    known = set(session.scalars(select(SendingStep.step).where(SendingStep.sending_id == sending_id)))
    wanted = steps[step].after
    if wanted and not known & set(wanted):
        raise BadStep(f"{step}: letter {sending_id} has no « {' or '.join(wanted)} » before it")
    return _add_step(session, sending, step, happened_on, note, actor)


def _add_step(session: Session, sending: Sending, step: str, on: date, note: str, actor: str) -> SendingStep:
    """The step and its event in the case's history, in one transaction."""
    row = SendingStep(
        sending_id=sending.id, step=step, happened_on=on, note=note, actor=actor, recorded_at=datetime.now(UTC)
    )
    session.add(row)
    detail = {"sending": sending.id, "route": sending.route, "step": step, "on": on.isoformat(), "note": note}
    record(session, f"letter_{step}"[:40], "case", sending.case_id, actor, **detail)
    return row


def waited(
    session: Session, deadlines: Iterable[Deadline], steps: Mapping[str, Step], case_id: int | None = None
) -> list[Waited]:
    """Every time that runs, the first to end first. A closed letter waits for nothing; one query for all steps."""
    query = select(Sending).order_by(Sending.id)
    letters = session.scalars(query if case_id is None else query.where(Sending.case_id == case_id)).all()
    happened: dict[int, dict[str, date]] = {letter.id: {} for letter in letters}
    for row in session.scalars(select(SendingStep).order_by(SendingStep.id)):
        if row.sending_id in happened:
            happened[row.sending_id][row.step] = row.happened_on  # the newest row of a step corrects the earlier
    found = []
    for letter in letters:
        done = happened[letter.id]
        if any(steps[step].closes for step in done if step in steps):
            continue
        for one in deadlines:
            started = done.get(one.from_step)
            if letter.route not in one.routes or started is None or set(one.until) & set(done):
                continue
            found.append(
                Waited(
                    sending_id=letter.id,
                    case_id=letter.case_id,
                    route=letter.route,
                    deadline=one.code,
                    label=one.label,
                    since=started,
                    due=due(started, one.amount, one.unit),
                    kind=one.kind,
                    article=one.article,
                    verified=one.verified,
                )
            )
    return sorted(found, key=lambda one: (one.due, one.sending_id, one.deadline))


def due(start: date, amount: int, unit: str) -> date:
    """The last day of a time of `amount` days or months that an event of `start` sets running."""
    if unit == "days":
        end = start + timedelta(days=amount)
    else:
        year, month = divmod(start.year * 12 + start.month - 1 + amount, 12)
        end = date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
    while end.weekday() >= 5 or end in holidays(end.year):
        end += timedelta(days=1)
    return end


def holidays(year: int) -> frozenset[date]:
    """The eleven public holidays of the whole of France."""
    easter = _easter(year)
    return frozenset(
        [date(year, month, day) for month, day in FIXED] + [easter + timedelta(days=after) for after in AFTER_EASTER]
    )


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    x = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * x) // 451
    month, day = divmod(h + x - 7 * m + 114, 31)
    return date(year, month, day + 1)
