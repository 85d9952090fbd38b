"""Put what happened to a practitioner's wordings in order of time, as rows and as a plot. It judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports import moments, words
from reports.assembly import Assembly, Part
from reports.recheck import Found

MOST_ROWS = 60
MOST_POINTS = 120  # of one lane
SEEN, GONE, UNSURE = "seen", "gone", "unsure"


@dataclass(frozen=True)
class Happening:
    """One line of the chronology. `part` 0: it concerns all of them."""

    at: datetime
    part: int
    what: str
    exhibit: int | None


def chronology(assembly: Assembly) -> tuple[Happening, ...]:
    """Everything that happened, oldest first."""
    found: list[Happening] = []
    for part in assembly.parts:
        found.extend(_part(part, assembly))
    return tuple(sorted(found, key=lambda one: (one.at, one.part, one.what)))


def _part(part: Part, assembly: Assembly) -> list[Happening]:
    """The listing seen first, each capture, each verdict."""
    file, number = part.file, part.number
    lines = [Happening(file.known_since, number, "La fiche est vue pour la première fois.", None)]
    previous = ""
    for at, kind, capture_id in _points(part):
        capture = file.captures[capture_id]
        what = {
            SEEN: "La formule est relevée." if not previous else "La formule est toujours affichée.",
            GONE: "La formule ne figure plus sur la page.",
            UNSURE: "La page est recueillie ; la formule n’a pas pu y être recherchée.",
        }[kind]
        if kind == SEEN and previous == GONE:
            what = "La formule est de nouveau affichée."
        if capture.unchanged_since is not None:
            what += " La page est identique à un constat antérieur."
        elif previous and kind == SEEN:
            what += " Le reste de la page a changé."
        lines.append(Happening(at, number, what, assembly.exhibit_of(capture_id)))
        previous = kind
    lines.extend(
        Happening(vote.decided_at, number, f"Relecteur {vote.letter} : {words.DECISION[vote.decision].lower()}.", None)
        for vote in file.votes
    )
    return lines


def _points(part: Part) -> list[tuple[datetime, str, int]]:
    """Captures of the page, oldest first, with whether the wording stands in them."""
    points = []
    for capture_id, found in part.assessment.found.items():
        capture = part.file.captures[capture_id]
        whole = part.assessment.evidence.get(capture_id) == "intact"
        kind = UNSURE if not whole else GONE if found is Found.ABSENT else SEEN
        points.append((capture.captured_at, kind, capture_id))
    return sorted(points)


def plot(assembly: Assembly) -> dict[str, Any]:
    """The plot as numbers from 0 to 1: a lane for each wording, points on it, days under it, and words for those who do
    not see it."""
    lanes = [(part, _points(part)) for part in assembly.parts]
    times = [at for _, points in lanes for at, _, _ in points]
    first, last = min(times), max(times)
    width = (last - first).total_seconds()

    def x(at: datetime) -> float:
        return round((at - first).total_seconds() / width, 4) if width else 0.5

    days = sorted(set(times))
    ticks: list[dict[str, Any]] = []
    for at in days:
        if not ticks or x(at) - float(ticks[-1]["x"]) >= 0.16:
            ticks.append({"x": x(at), "label": f"{moments.paris(at):%d/%m/%Y}"})
    return {
        "lanes": [
            {
                "label": f"Formule {part.number}",
                "points": [{"x": x(at), "kind": kind} for at, kind, _ in points[:MOST_POINTS]],
            }
            for part, points in lanes
        ],
        "ticks": ticks,
        "alt": _alt(lanes),
    }


def _alt(lanes: list[tuple[Part, list[tuple[datetime, str, int]]]]) -> str:
    said = []
    for part, points in lanes:
        seen = [at for at, kind, _ in points if kind == SEEN]
        gone = [at for at, kind, _ in points if kind == GONE]
        text = f"Formule {part.number} : {words.plural(len(seen), 'constat', 'constats')}"
        if seen:
            first, last = (moments.day(moments.paris(at).date()) for at in (seen[0], seen[-1]))
            text += f" du {first} au {last}" if first != last else f" le {first}"
        if gone:
            text += f", absente le {moments.day(moments.paris(gone[-1]).date())}"
        said.append(text)
    return "Frise des constats. " + " ; ".join(said) + "."
