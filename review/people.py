"""Reviewers and their passwords. It must never keep, log or return a password, nor tell whether a login exists."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import events
from ledger.models import Reviewer
from reference.errors import VigieError
from review.passwords import LONGEST, refuse_weak

ROLES = ("reviewer", "adjudicator", "editor", "administrator", "auditor")
VOTING = ("reviewer", "adjudicator")  # the others see the verdicts, and so decide nothing
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,59}")
_hasher = PasswordHasher()  # Argon2id, RFC 9106 low-memory profile


class LoginRefused(VigieError):
    """The login is malformed or already taken, or the role is unknown."""


def add_reviewer(session: Session, login: str, display_name: str, password: str, role: str = "reviewer") -> Reviewer:
    """Add a person who may sign in. Raises `LoginRefused` or `PasswordRefused`, in French; writes an event."""
    login = checked_login(session, login, display_name, role)
    refuse_weak(password, login)
    person = Reviewer(
        login=login,
        display_name=display_name.strip(),
        role=role,
        password_hash=_hasher.hash(password),
        created_at=datetime.now(UTC),
    )
    session.add(person)
    session.flush()
    events.record(session, "reviewer.added", "reviewer", person.id, "operator", role=role)
    return person


def checked_login(session: Session, login: str, display_name: str, role: str) -> str:
    """The login as it is kept. Raises `LoginRefused` when it, the name or the role cannot stand."""
    login = _folded_login(login)
    if not _LOGIN.fullmatch(login):
        raise LoginRefused("L’identifiant compte 2 à 60 lettres sans accent, chiffres, points ou tirets.")
    if role not in ROLES:
        raise LoginRefused(f"Rôle inconnu : {role}.")
    if not display_name.strip():
        raise LoginRefused("Le nom affiché manque.")
    if session.scalar(select(Reviewer.id).where(Reviewer.login == login)) is not None:
        raise LoginRefused(f"L’identifiant « {login} » est déjà pris.")
    return login


def set_password(session: Session, person: Reviewer, password: str) -> None:
    """Give the person that password. Raises `PasswordRefused`."""
    refuse_weak(password, person.login, person.display_name)
    person.password_hash = _hasher.hash(password)
    session.flush()


def check_password(session: Session, login: str, password: str) -> Reviewer | None:
    """The active person with that login and password, or None.

    An unknown login costs one hash like a known one, so that the time taken does not tell who works here.
    """
    decoy = _decoy()  # first, so that the one time it is made is paid by known and unknown logins alike
    person = session.scalar(select(Reviewer).where(Reviewer.login == _folded_login(login)))
    known = person.password_hash if person is not None else decoy
    fits = _verify(known, password[: LONGEST + 1])
    if person is None or not fits or person.disabled_at is not None:
        return None
    if _hasher.check_needs_rehash(person.password_hash):
        person.password_hash = _hasher.hash(password)
    return person


def _verify(known: str, password: str) -> bool:
    try:
        return _hasher.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False


def _folded_login(login: str) -> str:
    return login.strip().casefold()


@cache
def _decoy() -> str:
    """A hash nobody's password has, of the same cost as the real ones."""
    return _hasher.hash("no person has this password")
