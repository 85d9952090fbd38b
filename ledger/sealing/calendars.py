"""OpenTimestamps: what is asked of a calendar, and whether its answer is accepted. It opens no connection.

A proof is a tree of operations on the SHA-256 of a seal that ends in attestations: a calendar's promise (« pending »),
and some hours later the header of a Bitcoin block. Format: opentimestamps.org, serialisation version 1.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from ledger.sealing.tokens import Fault, StampFault

MAGIC = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08"  # version 1, of a SHA-256
PENDING_TAG, BITCOIN_TAG = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")
FORK, ATTESTATION, APPEND, PREPEND, SHA256 = 0xFF, 0x00, 0xF0, 0xF1, 0x08
HASHES = {0x02: "sha1", SHA256: "sha256"}  # what calendars use; RIPEMD-160 and Keccak are read by none we know
LARGEST_ANSWER, LONGEST_MESSAGE, MOST_STEPS = 10_000, 4_096, 1_000
NONCE = 16  # bytes, so that a calendar cannot know what it stamps


class NotOts(StampFault):
    """The bytes are no OpenTimestamps proof that we can follow."""

    def __init__(self, what: str) -> None:
        """Say what is wrong with them."""
        super().__init__(Fault.MALFORMED, f"the answer is no OpenTimestamps proof: {what}")


@dataclass(frozen=True)
class Calendar:
    """Who is asked: the name in our files, and the address, which is also the one its promises must name."""

    name: str
    url: str


Question = tuple[str, bytes | None]  # the path below the calendar's address, and what is posted (None: a GET)
Reach = Callable[[Calendar, Question], bytes]  # raises StampFault


@dataclass(frozen=True)
class Attestation:
    """Where a branch of operations ends: the tag, its payload, and the message there."""

    tag: bytes
    payload: bytes
    message: bytes
    at: int  # where the attestation begins in the bytes that were read

    @property
    def uri(self) -> str:
        """The calendar that a promise names."""
        size, start = _varuint(self.payload, 0)
        return self.payload[start : start + size].decode("ascii", "replace")


@dataclass(frozen=True)
class Asked:
    """One submission: the digest that is posted, and the operations that lead to it from the seal's SHA-256."""

    digest: bytes
    head: bytes


def _varuint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 28:
            raise NotOts("a number is cut short")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _counted(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _varuint(data, at)
    if at + size > len(data):
        raise NotOts("bytes are missing at its end")
    return data[at : at + size], at + size


def walk(tree: bytes, message: bytes) -> list[Attestation]:
    """Do every operation of a serialised tree, from that message; where its branches end. Raises `NotOts`."""
    found: list[Attestation] = []
    waiting, at, steps = [message], 0, 0
    while waiting:
        steps += 1
        if at >= len(tree) or steps > MOST_STEPS:
            raise NotOts("it does not end")
        operation, start, at = tree[at], at, at + 1
        if operation == FORK:
            waiting.append(waiting[-1])
        elif operation == ATTESTATION:
            tag, at = tree[at : at + 8], at + 8
            payload, at = _counted(tree, at)
            found.append(Attestation(tag, payload, waiting.pop(), start))
        elif operation in (APPEND, PREPEND):
            part, at = _counted(tree, at)
            waiting[-1] = waiting[-1] + part if operation == APPEND else part + waiting[-1]
            if len(waiting[-1]) > LONGEST_MESSAGE:
                raise NotOts("a message is too long")
        elif operation in HASHES:
            waiting[-1] = hashlib.new(HASHES[operation], waiting[-1]).digest()
        else:
            raise NotOts(f"operation {operation:#04x} is not known")
    if at != len(tree):
        raise NotOts("there is more after its end")
    return found


def ask_for(content: bytes) -> Asked:
    """What to post to `/digest` for these bytes: a hash of their SHA-256 and of a nonce made now."""
    nonce = secrets.token_bytes(NONCE)
    digest = hashlib.sha256(hashlib.sha256(content).digest() + nonce).digest()
    return Asked(digest, bytes((APPEND, NONCE)) + nonce + bytes((SHA256,)))


def accept_promise(answer: bytes, asked: Asked, content: bytes, calendar: Calendar) -> bytes:
    """The `.ots` file of a seal with the promise in `answer`. Raises `StampFault` with the first thing wrong."""
    found = _read(answer, asked.digest)
    if not any(_promised(one, calendar) for one in found):
        named = ", ".join(one.uri for one in found if one.tag == PENDING_TAG) or "no calendar"
        raise StampFault(Fault.ANOTHER_CALENDAR, f"the promise names {named}, not {calendar.url}"[:300])
    return MAGIC + hashlib.sha256(content).digest() + asked.head + answer


def commitment(proof: bytes, calendar: Calendar) -> Attestation:
    """The promise of that calendar in a `.ots` file of ours: its message is what to ask `/timestamp/` for."""
    body = len(MAGIC) + 32
    found = [one for one in walk(proof[body:], proof[len(MAGIC) : body]) if _promised(one, calendar)]
    if not found:
        raise NotOts("it holds no promise of this calendar")
    return found[0]


def accept_attestation(answer: bytes, proof: bytes, calendar: Calendar) -> bytes:
    """The `.ots` file with the Bitcoin attestation in `answer` in place of the promise. Raises `StampFault`.

    Whether that block exists and has that root is not known here: who has its header compares it.
    """
    promise = commitment(proof, calendar)
    found = _read(answer, promise.message)
    if not any(one.tag == BITCOIN_TAG and len(one.message) == 32 for one in found):
        raise StampFault(Fault.REFUSED, "the answer attests nothing yet")
    start = len(MAGIC) + 32 + promise.at
    after = start + 9
    size, after = _varuint(proof, after)
    return proof[:start] + answer + proof[after + size :]


def _read(answer: bytes, message: bytes) -> list[Attestation]:
    if len(answer) > LARGEST_ANSWER:
        raise StampFault(Fault.TOO_LARGE, f"the answer has more than {LARGEST_ANSWER} bytes")
    return walk(answer, message)


def _promised(one: Attestation, calendar: Calendar) -> bool:
    return one.tag == PENDING_TAG and one.uri.rstrip("/") == calendar.url.rstrip("/")
