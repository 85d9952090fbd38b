"""Assemble what a dossier or a letter tells about one practitioner: files, their assessment, law, council, exhibits.

It writes nothing. The same ledger and evidence give the same assembly, so that a letter and its dossier agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ledger import Ledger
from reference import Reference
from reports import legal, moments
from reports.assess import Assessment, Gap, assess, is_exercise
from reports.casefile import CaseFile, Seen
from reports.exhibits import Planned, plan
from reports.legal import Authority, Rule
from reports.person import PersonFile, gather_person


@dataclass(frozen=True)
class Part:
    """One wording: its file, what its evidence is worth, the stance that people kept, the law of its day."""

    number: int  # from 1, in the order in which the dossier tells them
    file: CaseFile
    assessment: Assessment
    stance: str
    rules: tuple[Rule, ...]

    @property
    def key(self) -> Seen:
        """The capture on which people decided."""
        return self.file.captures[self.file.key.capture_id]

    def observed(self) -> tuple[Seen, ...]:
        """The captures in which the wording was found again, oldest first."""
        held = [
            capture
            for capture in self.file.captures.values()
            if self.assessment.evidence.get(capture.id) == "intact"
            and self.assessment.found.get(capture.id, "absent") != "absent"
        ]
        return tuple(sorted(held, key=lambda capture: (capture.captured_at, capture.id)))


@dataclass(frozen=True)
class Assembly:
    """Everything chosen once. `left_out` are confirmed cases of the person whose evidence does not allow them in."""

    person: PersonFile
    parts: tuple[Part, ...]
    gaps: tuple[Gap, ...]
    authority: Authority | None
    planned: tuple[Planned, ...]
    exercise: bool
    left_out: tuple[int, ...]

    @property
    def files(self) -> tuple[CaseFile, ...]:
        """The files of the parts."""
        return tuple(part.file for part in self.parts)

    def exhibit_of(self, capture_id: int) -> int | None:
        """The number of the exhibit that holds this capture."""
        return next((one.number for one in self.planned if capture_id in one.captures), None)

    @cached_property
    def captures(self) -> tuple[Seen, ...]:
        """Every capture of every part, each once, oldest first."""
        seen = {capture.id: capture for part in self.parts for capture in part.file.captures.values()}
        return tuple(sorted(seen.values(), key=lambda capture: (capture.captured_at, capture.id)))

    @cached_property
    def labels(self) -> dict[int, str]:
        """« C1 », « C2 »… by capture id: how the dossier names a capture."""
        return {capture.id: f"C{place}" for place, capture in enumerate(self.captures, 1)}


def assemble(ledger: Ledger, case_id: int, reference: Reference, more: Sequence[str] = ()) -> Assembly:
    """The assembly for a case; `more` are ids of articles that a route adds. Raises `NoSuchCase`.

    Gaps of the case asked for count; another case of the same person whose evidence is not whole is left out.
    """
    with ledger.session() as session:
        person = gather_person(session, case_id)
    main = assess(person.main, ledger.store, reference)
    parts, left_out = [_part(1, person.main, main, reference, more)], []
    for file in person.files[1:]:
        other = assess(file, ledger.store, reference)
        if other.gaps:
            left_out.append(file.case_id)
        else:
            parts.append(_part(len(parts) + 1, file, other, reference, more))
    shown = person.main.shown
    files = [part.file for part in parts]
    return Assembly(
        person=person,
        parts=tuple(parts),
        gaps=main.gaps,
        authority=legal.authority(reference, shown.profession, shown.postcode, person.council),
        planned=plan(files, [part.assessment for part in parts]),
        exercise=any(is_exercise(file) for file in files),
        left_out=tuple(left_out),
    )


def stance_of(stances: Sequence[str], reference: Reference, default: str) -> str:
    """The stance that the confirming people share, or the least severe of theirs: doubt serves the practitioner."""
    known = [reference.stances[code] for code in stances if code in reference.stances]
    return min(known, key=lambda stance: stance.severity).code if known else default


def _part(number: int, file: CaseFile, assessment: Assessment, reference: Reference, more: Sequence[str]) -> Part:
    day = moments.paris(file.captures[file.key.capture_id].captured_at).date()
    confirming = [vote.stance for vote in file.votes if vote.decision == "confirm"]
    return Part(
        number=number,
        file=file,
        assessment=assessment,
        stance=stance_of(confirming, reference, file.key.stance),
        rules=legal.rules(reference, file.shown.profession, file.key.benefits, day, more),
    )
