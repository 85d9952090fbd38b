"""The second factor: time-based codes (RFC 6238), their QR code, and recovery codes. It opens no session.

SHA-1, six digits and thirty seconds: what every authenticator application understands. A code is taken once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import struct
from datetime import UTC, datetime
from urllib.parse import quote

import segno
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ledger.desk import RecoveryCode, SecondFactor
from ledger.models import Reviewer
from review.gate import Gate, token_hash

STEP = 30  # seconds
DIGITS = 6
DRIFT = 1  # steps before and after: a phone's clock is seldom right to the second
SECRET_BYTES = 20  # 160 bits, as RFC 4226 recommends
RECOVERY_CODES = 10
RECOVERY_BYTES = 15  # 120 bits: enough for an unsalted hash


def totp(secret: str, step: int, digits: int = DIGITS) -> str:
    """The code of that step (seconds since 1970 divided by 30) for a base32 secret: RFC 4226, RFC 6238."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    number = struct.unpack(">I", mac[at : at + 4])[0] & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def enrol(session: Session, gate: Gate, person: Reviewer) -> str:
    """The base32 secret the person is about to put into their application; the same until a code has confirmed it."""
    held = session.get(SecondFactor, person.id)
    if held is not None and held.confirmed_at is None:
        known = gate.unlock(held.secret)
        if known is not None:
            return known
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    forget(session, person.id)
    session.add(
        SecondFactor(
            reviewer_id=person.id,
            secret=gate.lock(secret),
            created_at=datetime.now(UTC),
            confirmed_at=None,
            last_step=0,
        )
    )
    session.flush()
    return secret


def confirmed(session: Session, reviewer_id: int) -> bool:
    """Whether the person has a second factor in use."""
    held = session.get(SecondFactor, reviewer_id)
    return held is not None and held.confirmed_at is not None


def check(session: Session, gate: Gate, reviewer_id: int, code: str, now: datetime | None = None) -> bool:
    """Whether that code is right now; a right one confirms an enrolment and is never taken again."""
    held = session.get(SecondFactor, reviewer_id)
    secret = gate.unlock(held.secret) if held is not None else None
    code = re.sub(r"\s", "", code)
    if held is None or secret is None or not re.fullmatch(r"[0-9]{6}", code):
        return False
    now = now or datetime.now(UTC)
    today = int(now.timestamp()) // STEP
    steps = [step for step in range(today - DRIFT, today + DRIFT + 1) if hmac.compare_digest(totp(secret, step), code)]
    if not steps:
        return False
    taken = session.execute(  # of two processes given the same code, one alone changes the row
        update(SecondFactor)
        .where(SecondFactor.reviewer_id == reviewer_id, SecondFactor.last_step < steps[0])
        .values(last_step=steps[0], confirmed_at=held.confirmed_at or now)
        .returning(SecondFactor.reviewer_id)
    )
    return taken.scalar_one_or_none() is not None


def new_recovery_codes(session: Session, reviewer_id: int) -> list[str]:
    """Ten new codes, shown once; the old ones are void."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.reviewer_id == reviewer_id))
    codes = [_grouped(base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(reviewer_id=reviewer_id, code_sha256=token_hash(_bare(code))) for code in codes)
    session.flush()
    return codes


def use_recovery_code(session: Session, reviewer_id: int, code: str) -> bool:
    """Whether that code is one of the person's and unused; it is used from now on."""
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.reviewer_id == reviewer_id,
            RecoveryCode.code_sha256 == token_hash(_bare(code)),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=datetime.now(UTC))
        .returning(RecoveryCode.id)
    )
    return used.first() is not None


def codes_left(session: Session, reviewer_id: int) -> int:
    """How many recovery codes the person still has."""
    query = select(RecoveryCode.id).where(RecoveryCode.reviewer_id == reviewer_id, RecoveryCode.used_at.is_(None))
    return len(session.scalars(query).all())


def forget(session: Session, reviewer_id: int) -> None:
    """Take the second factor and its recovery codes away: the person enrols anew."""
    session.execute(delete(SecondFactor).where(SecondFactor.reviewer_id == reviewer_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.reviewer_id == reviewer_id))
    session.expire_all()


def qr_svg(login: str, secret: str) -> str:
    """The QR code of the enrolment as inline SVG, black on white whatever the scheme: a camera must read it."""
    label = quote(f"Vigie:{login}")
    address = f"otpauth://totp/{label}?secret={secret}&issuer=Vigie&digits={DIGITS}&period={STEP}"
    return segno.make(address, error="m", micro=False).svg_inline(scale=5, border=4, light="#fff", dark="#000")


def _bare(code: str) -> str:
    return re.sub(r"[\s-]", "", code).upper()


def _grouped(code: str) -> str:
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))
