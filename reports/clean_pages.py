"""Choose the browser captures that a dossier shows, and cut their images to its pages. It changes no pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger import EvidenceDamaged, EvidenceMissing, Ledger
from ledger.clean_captures import KeptCapture, clean_captures_of, images_of
from ledger.models import Json
from ledger.wording import Wording
from reports import moments
from reports.typography import shorten

WIDTH = 440.0  # points, on the page
ROOM = 300.0  # points of height for one slice: two to a page, one under the facts of a visit
MOST_DPI = 300
MOST_SHOWN = 2  # captures with their image; all are in the list
MOST_SLICES = 10  # of one capture
SAID = {
    Wording.STAYED: "la formule est affichée, mot pour mot",
    Wording.HIDDEN: "la formule est dans la page, mais n’est pas affichée",
    Wording.CHANGED: "la formule est affichée dans d’autres termes",
    Wording.WITHDRAWN: "la formule n’est plus affichée",
    Wording.NOT_SHOWN: "la formule n’est pas affichée",
    Wording.UNKNOWN: "la page n’a pas été obtenue",
}


@dataclass(frozen=True)
class CleanPage:
    """One visit in a fresh browser profile. `strips`: its images from top to bottom, none when they are not shown."""

    at: datetime
    url: str
    said: str
    complete: bool
    gaps: tuple[str, ...]
    folder: str  # under data/
    strips: tuple[bytes, ...]


def clean_pages(ledger: Ledger, cases: Sequence[int], erased: set[int]) -> tuple[CleanPage, ...]:
    """Every visit of these cases, oldest first; the first and the last complete ones with their images."""
    with ledger.session() as session:
        kept = [one for case in cases for one in clean_captures_of(session, case) if one.id not in erased]
    kept.sort(key=lambda one: (one.captured_at, one.id))
    whole = [one for one in kept if one.grade == "complete" and one.wording in (Wording.STAYED, Wording.CHANGED)]
    shown = {one.id for one in (whole if len(whole) <= MOST_SHOWN else (whole[0], whole[-1]))}
    return tuple(_page(ledger, one, one.id in shown) for one in kept)


def model(pages: Sequence[CleanPage]) -> tuple[list[Json], dict[str, bytes]]:
    """What the template prints, and the image files it reads, by name."""
    told, files = [], {}
    for number, page in enumerate(pages, 1):
        slices: list[Json] = []
        for place, strip in enumerate(page.strips, 1):
            name = f"visite-{number}-{place}.png"
            files[name] = strip
            slices.extend(_slices(name, strip))
        told.append(
            {
                "number": str(number),
                "at": moments.in_paris(page.at),
                "url": shorten(page.url, 300),
                "said": page.said,
                "grade": "complète" if page.complete else "incomplète : " + " ; ".join(page.gaps),
                "folder": page.folder,
                "slices": slices[:MOST_SLICES],
                "cut": len(slices) > MOST_SLICES,
            }
        )
    return told, files


def _page(ledger: Ledger, one: KeptCapture, shown: bool) -> CleanPage:
    strips: tuple[bytes, ...] = ()
    if shown:
        try:
            strips = tuple(strip for strip in images_of(ledger.store, one) if _fits(strip))
        except (EvidenceMissing, EvidenceDamaged):
            strips = ()  # the bundle refuses what is damaged; here there is only nothing to show
    folder = f"exhibits/clean-{one.id:06d}"
    return CleanPage(
        one.captured_at, one.final_url or one.url, SAID[one.wording], one.grade == "complete", one.gaps, folder, strips
    )


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header; (0, 0) for what is no PNG."""
    if png[:8] != b"\x89PNG\r\n\x1a\n" or png[12:16] != b"IHDR":
        return 0, 0
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def _fits(png: bytes) -> bool:
    """Whether the image can be printed at the width of the page without passing 300 dots an inch."""
    width, height = size_of(png)
    return height > 0 and 0 < width / (WIDTH / 72) <= MOST_DPI


def _slices(name: str, png: bytes) -> list[Json]:
    width, height = size_of(png)
    tall, top, found = height * WIDTH / width, 0.0, []
    while top < tall:
        found.append(
            {"name": name, "top": round(top, 2), "height": round(min(ROOM, tall - top), 2), "full": round(tall, 2)}
        )
        top += ROOM
    return found
