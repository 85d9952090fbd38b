"""Clean captures of an invented page: an image and a text, as a browser would have kept them."""

from __future__ import annotations

import struct
import zlib
from datetime import datetime, timedelta

import reports_world as world

from ledger.clean_captures import keep, target_of
from ledger.clean_facts import CODES, Fact, Piece, Taken


def png(width: int, height: int) -> bytes:
    """A grey image with one black line every hundred rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + (b"\0" if row % 100 == 0 else b"\xe0") * width for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def visit(made: world.World, at: datetime, image: bytes, profile: str) -> None:
    with made.ledger.session() as session:
        target = target_of(session, made.case_id)
    assert target is not None
    taken = Taken(
        url=world.URL,
        final_url=world.URL,
        started_at=at,
        ended_at=at + timedelta(seconds=4),
        outcome="page",
        reason="",
        status=200,
        profile=profile,
        browser="Chrome/1",
        software="vigie 0.1.0",
        facts=tuple(Fact(code, "proved", "vu", {"n": number}) for number, code in enumerate(CODES)),
        pieces=(
            Piece("image", "page.png", "image/png", image),
            Piece("text", "texte.txt", "text/plain; charset=utf-8", world.WORDING.encode()),
        ),
        visible_text=world.WORDING,
    )
    keep(made.ledger, target, taken, "vigie")
