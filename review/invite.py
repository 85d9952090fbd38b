"""Invitations and what is done to accounts: links used once, roles, removal. It shows nothing and checks no right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from ledger import events
from ledger.desk import Assignment, DeskSession, Invitation
from ledger.models import Reviewer
from reference.errors import VigieError
from review import factor, gate, people
from review.passwords import refuse_weak

VALID = timedelta(hours=72)
_NOBODY = "!"  # no Argon2 hash: nothing fits it


class AccountRefused(VigieError):
    """What is asked of an account cannot be done."""


@dataclass(frozen=True)
class PersonLine:
    """One person as the people page and `vigie person list` show them."""

    id: int
    login: str
    display_name: str
    role: str
    created_at: datetime
    disabled_at: datetime | None
    has_factor: bool
    sessions: int


def invite(session: Session, login: str, display_name: str, role: str, actor: str) -> str:
    """Invite a new person and give the token of their link, which is kept nowhere. Raises `LoginRefused`."""
    login = people.checked_login(session, login, display_name, role)
    pending = select(Invitation).where(Invitation.login == login, Invitation.reviewer_id.is_(None), *_live())
    if session.scalar(pending) is not None:
        raise people.LoginRefused(f"Une invitation attend déjà « {login} » : retirez-la d’abord.")
    return _issue(session, login, display_name.strip()[:120], role, None, actor)


def renew(session: Session, reviewer_id: int, actor: str) -> str:
    """A link by which an existing person makes password and second factor anew; their sessions end at once.

    Raises `AccountRefused` for a person who is unknown or disabled.
    """
    person = _person(session, reviewer_id)
    if person.disabled_at is not None:
        raise AccountRefused("Ce compte est fermé.")
    session.execute(
        update(Invitation).where(Invitation.reviewer_id == person.id, *_live()).values(revoked_at=datetime.now(UTC))
    )
    gate.end_sessions(session, person.id)
    return _issue(session, person.login, person.display_name, person.role, person.id, actor)


def find(session: Session, token: str) -> Invitation | None:
    """The invitation of that link while it may be used."""
    query = select(Invitation).where(Invitation.token_sha256 == gate.token_hash(token), *_live())
    return session.scalar(query)


def accept(session: Session, token: str, password: str) -> Reviewer:
    """Make the account, or give the existing one its new password; the link is spent.

    Raises `AccountRefused` when the link is spent, and `PasswordRefused`, both before anything is written.
    """
    held = find(session, token)
    if held is None:
        raise AccountRefused("Ce lien n’est plus valable.")
    refuse_weak(password, held.login, held.display_name)
    spent = session.execute(  # of two browsers on one link, one alone goes on
        update(Invitation)
        .where(Invitation.id == held.id, *_live())
        .values(used_at=datetime.now(UTC))
        .returning(Invitation.id)
    )
    if spent.scalar_one_or_none() is None:
        raise AccountRefused("Ce lien n’est plus valable.")
    if held.reviewer_id is None:
        people.checked_login(session, held.login, held.display_name, held.role)
        person = Reviewer(
            login=held.login,
            display_name=held.display_name,
            role=held.role,
            password_hash=_NOBODY,
            created_at=datetime.now(UTC),
        )
        session.add(person)
        session.flush()
        events.record(session, "reviewer.added", "reviewer", person.id, held.invited_by, role=held.role)
    else:
        person = _person(session, held.reviewer_id)
        factor.forget(session, person.id)
        gate.end_sessions(session, person.id)
    people.set_password(session, person, password)
    events.record(session, "password.set", "reviewer", person.id, person.login)
    return person


def pending(session: Session) -> list[Invitation]:
    """The links that may still be used, newest first."""
    return list(session.scalars(select(Invitation).where(*_live()).order_by(Invitation.id.desc())))


def revoke(session: Session, invitation_id: int, actor: str) -> None:
    """Make a link void. Raises `AccountRefused` when it is spent already."""
    done = session.execute(
        update(Invitation)
        .where(Invitation.id == invitation_id, *_live())
        .values(revoked_at=datetime.now(UTC))
        .returning(Invitation.id)
    )
    if done.scalar_one_or_none() is None:
        raise AccountRefused("Cette invitation n’est plus en attente.")
    events.record(session, "invitation.revoked", "invitation", invitation_id, actor)


def disable(session: Session, reviewer_id: int, actor: str) -> None:
    """Close an account: its sessions and seats end; its verdicts, and a vote it has just cast, stand."""
    person = _person(session, reviewer_id)
    now = datetime.now(UTC)
    if person.role == "administrator" and person.disabled_at is None:
        _refuse_last_administrator(session, person.id)
    person.disabled_at = person.disabled_at or now
    gate.end_sessions(session, person.id)
    session.execute(
        update(Assignment)
        .where(Assignment.reviewer_id == person.id, Assignment.ended_at.is_(None))
        .values(ended_at=now)
    )
    events.record(session, "reviewer.disabled", "reviewer", person.id, actor)


def enable(session: Session, reviewer_id: int, actor: str) -> None:
    """Open a closed account again."""
    person = _person(session, reviewer_id)
    person.disabled_at = None
    events.record(session, "reviewer.enabled", "reviewer", person.id, actor)


def change_role(session: Session, reviewer_id: int, role: str, actor: str) -> None:
    """Give a person another role; their sessions end, so that the new one holds at once.

    Somebody who may have read verdicts never votes afterwards on what they read: see `review.standing`.
    """
    if role not in people.ROLES:
        raise people.LoginRefused(f"Rôle inconnu : {role}.")
    person = _person(session, reviewer_id)
    if person.role == "administrator" and role != "administrator":
        _refuse_last_administrator(session, person.id)
    former, person.role = person.role, role
    gate.end_sessions(session, person.id)
    events.record(session, "reviewer.role_changed", "reviewer", person.id, actor, former=former, role=role)


def everyone(session: Session) -> list[PersonLine]:
    """All accounts, open ones first."""
    now = datetime.now(UTC)
    open_sessions: dict[int, int] = {}
    for holder in session.scalars(
        select(DeskSession.reviewer_id).where(
            DeskSession.ended_at.is_(None), DeskSession.expires_at > now, DeskSession.seen_at > now - gate.IDLE
        )
    ):
        open_sessions[holder] = open_sessions.get(holder, 0) + 1
    rows = session.scalars(select(Reviewer).order_by(Reviewer.disabled_at.is_not(None), Reviewer.login))
    return [
        PersonLine(
            row.id,
            row.login,
            row.display_name,
            row.role,
            row.created_at,
            row.disabled_at,
            factor.confirmed(session, row.id),
            open_sessions.get(row.id, 0),
        )
        for row in rows
    ]


def by_login(session: Session, login: str) -> Reviewer:
    """The person with that login. Raises `AccountRefused`."""
    person = session.scalar(select(Reviewer).where(Reviewer.login == login.strip().casefold()))
    if person is None:
        raise AccountRefused(f"Personne ne s’appelle « {login} ».")
    return person


def _person(session: Session, reviewer_id: int) -> Reviewer:
    person = session.get(Reviewer, reviewer_id)
    if person is None:
        raise AccountRefused("Cette personne n’existe pas.")
    return person


def _refuse_last_administrator(session: Session, reviewer_id: int) -> None:
    others = select(Reviewer.id).where(
        Reviewer.role == "administrator", Reviewer.disabled_at.is_(None), Reviewer.id != reviewer_id
    )
    if session.scalar(others.limit(1)) is None:
        raise AccountRefused("Il faut toujours un administrateur : nommez-en un autre d’abord.")


def _issue(session: Session, login: str, name: str, role: str, reviewer_id: int | None, actor: str) -> str:
    token, now = gate.new_token(), datetime.now(UTC)
    row = Invitation(
        token_sha256=gate.token_hash(token),
        login=login,
        display_name=name,
        role=role,
        reviewer_id=reviewer_id,
        invited_by=actor,
        created_at=now,
        expires_at=now + VALID,
    )
    session.add(row)
    session.flush()
    events.record(session, "invitation.issued", "invitation", row.id, actor, login=login, role=role)
    return token


def _live() -> tuple[ColumnElement[bool], ...]:
    now = datetime.now(UTC)
    return Invitation.used_at.is_(None), Invitation.revoked_at.is_(None), Invitation.expires_at > now
