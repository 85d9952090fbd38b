"""How far our clock is from a time server's, by one SNTP exchange (RFC 4330). It sets no clock."""

from __future__ import annotations

import secrets
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

SECONDS = 3.0
_EPOCH = 2_208_988_800  # seconds from 1900, where NTP begins, to 1970
_ASK = 0b00_100_011  # no warning, version 4, client


@dataclass(frozen=True)
class ClockOffset:
    """`offset` microseconds to add to our clock to have the server's; the truth lies within `error` microseconds."""

    server: str
    offset: int
    error: int
    stratum: int


def clock_offset(servers: Sequence[str]) -> ClockOffset | str:
    """The offset by the first server that answers properly, or, in French, why there is none."""
    reasons = []
    for server in servers:
        try:
            return _ask(server)
        except (OSError, ValueError) as error:
            reasons.append(f"{server} : {error}")
    return " ; ".join(reasons) or "aucun serveur de temps n’est configuré"


def _ask(server: str) -> ClockOffset:
    """One exchange. Raises `OSError`, or `ValueError` for an answer that proves nothing."""
    host, _, port = server.partition(":")
    family, kind, protocol, _, place = socket.getaddrinfo(host, int(port or 123), type=socket.SOCK_DGRAM)[0]
    mark = secrets.token_bytes(8)  # instead of our time: who answers must have read the question
    with socket.socket(family, kind, protocol) as wire:
        wire.settimeout(SECONDS)
        wire.connect(place)
        sent, began = time.time(), time.monotonic()
        wire.send(struct.pack("!B39x8s", _ASK, mark))
        answer = wire.recv(512)
        took = time.monotonic() - began
    return _read(server, answer, mark, sent, took)


def _read(server: str, answer: bytes, mark: bytes, sent: float, took: float) -> ClockOffset:
    if len(answer) < 48:
        raise ValueError("réponse trop courte")
    head, stratum = answer[0], answer[1]
    if head & 0b111 != 4 or answer[24:32] != mark:
        raise ValueError("réponse à une autre question")
    if head >> 6 == 3 or not 1 <= stratum <= 15:
        raise ValueError("le serveur n’est pas à l’heure")
    delay, dispersion = (value / 65536 for value in struct.unpack("!II", answer[4:12]))
    received, replied = (_seconds(answer[start : start + 8]) for start in (32, 40))
    if not received or not replied:
        raise ValueError("réponse sans heure")
    offset = ((received - sent) + (replied - (sent + took))) / 2
    error = took / 2 + delay / 2 + dispersion
    return ClockOffset(server, round(offset * 1e6), round(error * 1e6), stratum)


def _seconds(stamp: bytes) -> float:
    whole, fraction = struct.unpack("!II", stamp)
    return whole - _EPOCH + fraction / 2**32 if whole else 0.0
