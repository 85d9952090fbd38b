"""Reviewers and their passwords. It must never keep, log or return a password, nor tell whether a login exists."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import events
from ledger.models import Reviewer
from reference.errors import VigieError

SHORTEST, LONGEST = 15, 1024  # characters; the upper bound keeps the hash from being a way to exhaust the machine
ROLES = ("reviewer", "administrator")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,59}")
_COMMON = Path(__file__).parent / "data" / "common_passwords.txt"
_hasher = PasswordHasher()  # Argon2id, RFC 9106 low-memory profile


class PasswordRefused(VigieError):
    """The password is too short, too long, common or guessable."""


class LoginRefused(VigieError):
    """The login is malformed or already taken, or the role is unknown."""


def add_reviewer(session: Session, login: str, display_name: str, password: str, role: str = "reviewer") -> Reviewer:
    """Add a person who may sign in. Raises `LoginRefused` or `PasswordRefused`, in French; writes an event."""
    login = _folded_login(login)
    if not _LOGIN.fullmatch(login):
        raise LoginRefused("L’identifiant compte 2 à 60 lettres sans accent, chiffres, points ou tirets.")
    if role not in ROLES:
        raise LoginRefused(f"Rôle inconnu : {role}.")
    if not display_name.strip():
        raise LoginRefused("Le nom affiché manque.")
    if session.scalar(select(Reviewer.id).where(Reviewer.login == login)) is not None:
        raise LoginRefused(f"L’identifiant « {login} » est déjà pris.")
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


def refuse_weak(password: str, login: str = "") -> None:
    """Raise `PasswordRefused` for a password that a stranger would try."""
    if len(password) < SHORTEST:
        raise PasswordRefused(f"Le mot de passe compte au moins {SHORTEST} caractères.")
    if len(password) > LONGEST:
        raise PasswordRefused(f"Le mot de passe compte au plus {LONGEST} caractères.")
    folded = re.sub(r"[\s._-]", "", password.casefold())
    if folded in _common_passwords() or len(set(folded)) < 5:
        raise PasswordRefused("Ce mot de passe est trop courant ou trop répétitif.")
    if login and len(folded.replace(re.sub(r"[._-]", "", login), "")) < SHORTEST // 2:
        raise PasswordRefused("Le mot de passe ne doit pas se résumer à l’identifiant.")


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


@cache
def _common_passwords() -> frozenset[str]:
    lines = _COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
