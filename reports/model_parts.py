"""The strings of one wording of a dossier: words, sightings, votes, what speaks in favour. Data, never markup."""

from __future__ import annotations

from ledger.models import Json
from reference import Reference
from reports import moments, words
from reports.assembly import Part
from reports.casefile import Seen, Wording
from reports.facts import Contents
from reports.locate import Located
from reports.typography import NBSP, benefit_labels, field_label, shorten, typo

AROUND = 1200  # characters kept on each side of the words retained
TRIGGER_LIMIT = 1500
MOST_ROWS = 60
Rows = list[list[str]]


def part_model(part: Part, contents: Contents, reference: Reference) -> Json:
    """All that the template prints about one wording."""
    file = part.file
    number = contents.exhibit_of(part.key.id)
    return {
        "number": str(part.number),
        "platform": typo(reference.platforms[file.platform].label) if file.platform in reference.platforms else "",
        "url": shorten(file.listing_url, 300),
        "exhibit": str(number) if number else "",
        "moment": moments.in_paris(part.key.captured_at),
        "field": field_label(file.key.field, reference),
        "trigger": shorten(split(file.key)[1], 400),
        "readers": f"{words.number(len(file.votes)).capitalize()} relecteurs",
        "confirming": words.number(sum(vote.decision == "confirm" for vote in file.votes)),
        "stance": _stance(part, reference),
        "benefits": benefit_labels(file.key.benefits, reference),
        "wording": _wording(part, contents, reference),
        "sightings": _sightings(part, contents),
        "sightings_note": _sightings_note(part),
        "other_exhibits": _other_exhibits(part, contents),
        "votes": _votes(part, reference),
        "in_favour": [_quoted(wording, part, contents, reference) for wording in file.acceptances],
        "withdrawn": _withdrawn(part),
        "withdrawn_exhibit": str(contents.exhibit_of(file.later) or "") if file.later is not None else "",
        "later_exhibit": str(contents.exhibit_of(file.later) or "") if file.later is not None else "",
        "law_day": moments.day(moments.paris(part.key.captured_at).date()),
    }


def split(wording: Wording) -> tuple[str, str, str]:
    """The text before, within and after the words retained; everything is within when they are not in the text."""
    text, trigger = wording.text, wording.trigger
    start = wording.start if trigger and text[wording.start : wording.end] == trigger else text.find(trigger)
    if not trigger or start < 0:
        return "", text, ""
    return text[:start], trigger, text[start + len(trigger) :]


def place_of(located: Located | None) -> str:
    """« octets 120 à 150 du fichier … »: offsets count from 0, the last is excluded."""
    if located is None:
        return "non situé à l’octet près"
    name = located.file.removeprefix("exhibits/")
    return f"octets {located.start} à {located.end} (exclu) de {name}"


def _stance(part: Part, reference: Reference) -> str:
    stance = reference.stances.get(part.stance)
    return stance.label.lower() if stance else part.stance


def _definition(part: Part, reference: Reference) -> str:
    stance = reference.stances.get(part.stance)
    return typo(stance.meaning) if stance else "—"


def _wording(part: Part, contents: Contents, reference: Reference) -> Json:
    wording = part.file.key
    before, trigger, after = split(wording)
    number = contents.exhibit_of(wording.capture_id)
    found = part.assessment.found[wording.capture_id]
    cut_before, cut_after = max(0, len(before) - AROUND), max(0, len(after) - AROUND)
    located = contents.quotes.get(wording.passage_id)
    reasons = shorten(" ".join(words.sentence(reason) for reason in wording.reasons), 1500) or "—"
    return {
        "before": before[cut_before:],
        "trigger": shorten(trigger, TRIGGER_LIMIT),
        "after": after[:AROUND],
        "cut_before": str(cut_before) if cut_before else "",
        "cut_after": str(cut_after) if cut_after else "",
        "exhibit": str(number),
        "rows": [
            ["Champ de la page", field_label(wording.field, reference)],
            ["Emplacement technique", shorten(wording.locator, 200)],
            ["Place des mots retenus", f"pièce nº{NBSP}{number}, {place_of(located)}"],
            ["Empreinte de ces octets", located.sha256 if located else "—"],
            ["Adresse recueillie", shorten(part.key.url, 300)],
            ["Aides visées", benefit_labels(wording.benefits, reference)],
            ["Lecture retenue", f"{_stance(part, reference)} : {_definition(part, reference)}"],
            ["Contrôle du texte", words.FOUND[found]],
            ["Motifs du repérage automatique", reasons],
        ],
    }


def _sightings(part: Part, contents: Contents) -> list[Json]:
    """Every capture of the page that matters, oldest first, shortened in the middle when they are many."""
    wanted = _wanted(part)
    if len(wanted) > MOST_ROWS:
        wanted = [*wanted[: MOST_ROWS // 2], *wanted[-MOST_ROWS // 2 :]]
    return [_sighting(capture, part, contents) for capture in wanted]


def _wanted(part: Part) -> list[Seen]:
    wanted = [capture for capture in part.file.captures.values() if capture.id in part.assessment.found]
    return sorted(wanted, key=lambda capture: (capture.captured_at, capture.id))


def _other_exhibits(part: Part, contents: Contents) -> list[str]:
    """The exhibits of the captures that the table leaves out."""
    hidden = _wanted(part)[MOST_ROWS // 2 : -MOST_ROWS // 2] if len(part.assessment.found) > MOST_ROWS else []
    numbers = {contents.exhibit_of(capture.id) for capture in hidden}
    return [str(number) for number in sorted(number for number in numbers if number)]


def _sighting(capture: Seen, part: Part, contents: Contents) -> Json:
    state = part.assessment.evidence[capture.id]
    said = words.FOUND[part.assessment.found[capture.id]] if state == "intact" else f"pièce {words.EVIDENCE[state]}"
    since = capture.unchanged_since
    if since is not None:
        known = contents.assembly.labels.get(since)
        said += f" (page identique à celle de la capture {known or 'antérieure'})"
    number = contents.exhibit_of(capture.id)
    return {
        "capture": contents.label_of(capture.id),
        "exhibit": str(number) if number else "",
        "paris": moments.short(capture.captured_at),
        "utc": moments.utc(capture.captured_at),
        "url": shorten(capture.url, 300),
        "answer": f"{capture.method}, réponse {capture.status if capture.status is not None else 'absente'}"
        + (f", serveur {capture.ip_address}" if capture.ip_address else ""),
        "said": said,
        "body": capture.body_sha256,
    }


def _sightings_note(part: Part) -> str:
    hidden = len(part.assessment.found) - MOST_ROWS
    return f"{hidden} autres captures figurent dans facts.json." if hidden > 0 else ""


def _votes(part: Part, reference: Reference) -> Rows:
    rows = []
    for vote in part.file.votes:
        reason = reference.verdict_reasons.get(vote.reason)
        stance = reference.stances.get(vote.stance)
        rows.append(
            [
                f"Relecteur{NBSP}{vote.letter}",
                words.DECISION.get(vote.decision, vote.decision),
                typo(reason.label) if reason else vote.reason,
                stance.label if stance else "—",
                moments.short(vote.decided_at),
            ]
        )
    return rows


def _quoted(wording: Wording, part: Part, contents: Contents, reference: Reference) -> Json:
    number = contents.exhibit_of(wording.capture_id)
    return {
        "text": wording.text if len(wording.text) <= 800 else shorten(wording.trigger, 800),
        "field": field_label(wording.field, reference),
        "at": moments.in_paris(part.file.captures[wording.capture_id].captured_at),
        "exhibit": str(number) if number else "",
        "place": place_of(contents.quotes.get(wording.passage_id)),
    }


def _withdrawn(part: Part) -> str:
    """When the wording was no longer there, in French; empty when that is not known."""
    later = part.file.later
    if later is None or not part.assessment.withdrawn:
        return ""
    return moments.in_paris(part.file.captures[later].captured_at)
