"""Turn the contents of a dossier into the strings its template prints. Every one of them is data, never markup."""

from __future__ import annotations

import re

from ledger.models import Json
from reference import Article, Reference
from reports import moments, words
from reports.casefile import Proof, Seen, Shown, Wording
from reports.facts import Contents
from reports.legal import Rule

AROUND = 1200  # characters kept on each side of the words retained
TRIGGER_LIMIT = 1500
MOST_ROWS = 60
NBSP = "\u00a0"
UNBROKEN = re.compile(r"(\b[LRD]\.|n°) (?=\d)")
Rows = list[list[str]]


def page_model(contents: Contents, reference: Reference) -> Json:
    """All that `templates/dossier.typ` needs, as JSON values."""
    file, assessment = contents.file, contents.assessment
    marks = [words.EXERCISE] if contents.exercise else []
    if not assessment.complete:
        marks.append(words.INCOMPLETE)
    title = f"Dossier de signalement {contents.reference}"
    return {
        "document_title": " — ".join([*marks, title]),
        "reference": contents.reference,
        "date": moments.day(moments.paris(contents.written_at).date()),
        "software": contents.software,
        "marks": marks,
        "exercise": contents.exercise,
        "gaps": [words.sentence(text) for text in assessment.texts],
        "summary": _summary(contents, reference),
        "overview": _overview(contents, reference),
        "wording": _wording(file.key, contents, reference),
        "practitioner": _practitioner(file.shown, reference),
        "identity": _identity(file.shown),
        "authority": _authority(contents),
        "sightings": _sightings(contents),
        "sightings_note": _sightings_note(contents),
        "votes": _votes(contents, reference),
        "in_favour": [_quoted(wording, contents, reference) for wording in file.acceptances],
        "withdrawn": _withdrawn(contents),
        "law": [_rule(rule) for rule in contents.rules],
        "law_day": moments.day(moments.paris(_key(contents).captured_at).date()),
        "proofs": [_proof(proof) for proof in file.proofs],
        "imported": _imported(contents),
        "exhibits": _exhibits(contents),
    }


def stance_of(contents_stances: list[str], reference: Reference, default: str) -> str:
    """The stance that the confirming people share, or the least severe of theirs: doubt serves the practitioner."""
    known = [reference.stances[code] for code in contents_stances if code in reference.stances]
    return min(known, key=lambda stance: stance.severity).code if known else default


def typo(text: str) -> str:
    """Our own words with the French apostrophe and unbroken references; never used on captured text."""
    return UNBROKEN.sub(rf"\1{NBSP}", text.replace("'", "’"))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def shorten(text: str, limit: int) -> str:
    """The text, or its beginning and its end with the number of characters left out between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} […{NBSP}{len(text) - 2 * half} caractères non reproduits{NBSP}…] {text[-half:]}"


def _key(contents: Contents) -> Seen:
    return contents.file.captures[contents.file.key.capture_id]


def _stance(contents: Contents, reference: Reference) -> str:
    stance = reference.stances.get(contents.stance)
    return stance.label.lower() if stance else contents.stance


def _benefits(codes: tuple[str, ...], reference: Reference) -> str:
    labels = [typo(reference.benefits[code].label) if code in reference.benefits else code for code in codes]
    return ", ".join(labels) or "non précisées"


def _field(code: str, reference: Reference) -> str:
    return typo(reference.fields[code].label) if code in reference.fields else code


def _split(wording: Wording) -> tuple[str, str, str]:
    """The text before, within and after the words retained; everything is within when they are not in the text."""
    text, trigger = wording.text, wording.trigger
    start = wording.start if trigger and text[wording.start : wording.end] == trigger else text.find(trigger)
    if not trigger or start < 0:
        return "", text, ""
    return text[:start], trigger, text[start + len(trigger) :]


def _summary(contents: Contents, reference: Reference) -> Json:
    key, file = _key(contents), contents.file
    return {
        "moment": moments.in_paris(key.captured_at),
        "field": _field(file.key.field, reference),
        "trigger": shorten(_split(file.key)[1], 400),
        "readers": f"{words.number(len(file.votes)).capitalize()} relecteurs",
        "confirming": words.number(sum(vote.decision == "confirm" for vote in file.votes)),
        "stance": _stance(contents, reference),
        "benefits": _benefits(file.key.benefits, reference),
    }


def _overview(contents: Contents, reference: Reference) -> Rows:
    observed = contents.observed()
    shown = contents.file.shown
    profession = reference.professions.get(shown.profession)
    rows = [
        ["Professionnel affiché", shown.display_name or "non affiché"],
        ["Profession affichée", shown.speciality or (typo(profession.label) if profession else "non affichée")],
        ["Identité", _short_identity(shown)],
        ["Autorité à saisir", _council(contents)],
        ["Page", shorten(contents.file.listing_url, 300)],
        ["Formule vue la première fois", f"{moments.in_paris(observed[0].captured_at)} (heure de Paris)"],
    ]
    if len(observed) > 1:
        rows.append(["Formule vue la dernière fois", f"{moments.in_paris(observed[-1].captured_at)} (heure de Paris)"])
    rows.append(["Relevés", words.plural(len(observed), "capture", "captures")])
    proofs = ", ".join(f"{proof.label.lower()} : {words.PROOF[proof.state]}" for proof in contents.file.proofs)
    rows.append(["Preuves complémentaires", proofs])
    return rows


def _short_identity(shown: Shown) -> str:
    if shown.status == "linked":
        return f"RPPS {shown.rpps}, lu sur la page, non confronté au répertoire"
    return words.IDENTITY.get(shown.status, shown.status)


def _wording(wording: Wording, contents: Contents, reference: Reference) -> Json:
    before, trigger, after = _split(wording)
    number = contents.exhibit_of(wording.capture_id)
    found = contents.assessment.found[wording.capture_id]
    cut_before, cut_after = max(0, len(before) - AROUND), max(0, len(after) - AROUND)
    return {
        "before": before[cut_before:],
        "trigger": shorten(trigger, TRIGGER_LIMIT),
        "after": after[:AROUND],
        "cut_before": str(cut_before) if cut_before else "",
        "cut_after": str(cut_after) if cut_after else "",
        "exhibit": str(number),
        "rows": [
            ["Champ de la page", _field(wording.field, reference)],
            ["Emplacement technique", shorten(wording.locator, 200)],
            ["Adresse recueillie", shorten(_key(contents).url, 300)],
            ["Aides visées", _benefits(wording.benefits, reference)],
            ["Lecture retenue", f"{_stance(contents, reference)} : {_definition(contents, reference)}"],
            ["Contrôle du texte", words.FOUND[found]],
            [
                "Motifs du repérage automatique",
                shorten(" ".join(words.sentence(reason) for reason in wording.reasons), 1500) or "—",
            ],
        ],
    }


def _definition(contents: Contents, reference: Reference) -> str:
    stance = reference.stances.get(contents.stance)
    return typo(stance.meaning) if stance else "—"


def _practitioner(shown: Shown, reference: Reference) -> Rows:
    profession = reference.professions.get(shown.profession)
    address = ", ".join(part for part in (shown.street, f"{shown.postcode} {shown.city}".strip()) if part)
    pairs = [
        ("Nom affiché", shown.display_name),
        ("Nature", "structure" if shown.is_organisation else "personne"),
        ("Profession reconnue", typo(profession.label) if profession else ""),
        ("Spécialité affichée", shown.speciality),
        ("Adresse affichée", address),
        ("Téléphone affiché", shown.phone),
        ("Numéro RPPS affiché", shown.rpps_shown),
        ("Numéro ADELI affiché", shown.adeli_shown),
    ]
    return [[label, value or "non affiché sur la page"] for label, value in pairs]


def _identity(shown: Shown) -> Json:
    return {
        "linked": shown.status == "linked",
        "state": _capital(words.IDENTITY.get(shown.status, shown.status)),
        "rpps": shown.rpps,
        "reasons": [shorten(words.sentence(reason), 400) for reason in shown.reasons[:10]],
        "version": shown.matcher_version,
    }


def _council(contents: Contents) -> str:
    authority = contents.authority
    if authority is None:
        return "non déterminée"
    return f"{_capital(typo(authority.body))} — {authority.territory or 'lieu non déterminé'} (à confirmer)"


def _authority(contents: Contents) -> Json | None:
    authority = contents.authority
    if authority is None:
        return None
    return {
        "rows": [
            ["Ordre", typo(authority.order)],
            ["Conseil à saisir", _capital(typo(authority.body))],
            ["Niveau", words.LEVEL.get(authority.level, authority.level)],
            [
                "Ressort du lieu affiché",
                authority.territory or "non déterminé : la page ne montre pas de code postal connu",
            ],
        ]
    }


def _sightings(contents: Contents) -> list[Json]:
    """Every capture of the page that matters, oldest first, shortened in the middle when they are many."""
    file, assessment = contents.file, contents.assessment
    wanted = [capture for capture in file.captures.values() if capture.id in assessment.found]
    wanted.sort(key=lambda capture: (capture.captured_at, capture.id))
    if len(wanted) > MOST_ROWS:
        wanted = [*wanted[: MOST_ROWS // 2], *wanted[-MOST_ROWS // 2 :]]
    return [_sighting(capture, contents) for capture in wanted]


def _sighting(capture: Seen, contents: Contents) -> Json:
    state = contents.assessment.evidence[capture.id]
    said = words.FOUND[contents.assessment.found[capture.id]] if state == "intact" else f"pièce {words.EVIDENCE[state]}"
    if capture.unchanged_since is not None:
        said += f" (page identique à celle de la capture nº{NBSP}{capture.unchanged_since})"
    number = contents.exhibit_of(capture.id)
    return {
        "capture": str(capture.id),
        "exhibit": str(number) if number else "—",
        "paris": moments.short(capture.captured_at),
        "utc": moments.utc(capture.captured_at),
        "url": shorten(capture.url, 300),
        "answer": f"{capture.method}, réponse {capture.status if capture.status is not None else 'absente'}"
        + (f", serveur {capture.ip_address}" if capture.ip_address else ""),
        "said": said,
        "body": capture.body_sha256,
    }


def _sightings_note(contents: Contents) -> str:
    hidden = len(contents.assessment.found) - MOST_ROWS
    return f"{hidden} autres captures figurent dans facts.json." if hidden > 0 else ""


def _votes(contents: Contents, reference: Reference) -> Rows:
    rows = []
    for vote in contents.file.votes:
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


def _quoted(wording: Wording, contents: Contents, reference: Reference) -> Json:
    number = contents.exhibit_of(wording.capture_id)
    return {
        "text": wording.text if len(wording.text) <= 800 else shorten(wording.trigger, 800),
        "field": _field(wording.field, reference),
        "at": moments.in_paris(contents.file.captures[wording.capture_id].captured_at),
        "exhibit": str(number) if number else "—",
    }


def _withdrawn(contents: Contents) -> str:
    """When the wording was no longer there, in French; empty when that is not known."""
    later = contents.file.later
    if later is None or not contents.assessment.withdrawn:
        return ""
    return moments.in_paris(contents.file.captures[later].captured_at)


def _rule(rule: Rule) -> Json:
    article = rule.article
    extract = article.text.startswith("[…]")
    return {
        "name": _capital(article.citation),
        "title": typo(article.title),
        "text": typo(article.text),
        "summary": typo(article.summary) if extract or not article.text else "",
        "version": _dates(article),
        "verified": article.verified and article.version_date is not None and not rule.later,
        "later": rule.later,
        "kind": rule.kind,
        "source": typo(article.source),
    }


def _dates(article: Article) -> str:
    """Since when, and until when, the text holds, as far as it is known."""
    until = f", abrogée le {moments.day(article.repealed_on)}" if article.repealed_on else ""
    if article.version_date is None:
        return f"Date de version non lue{until}"
    return f"Version en vigueur depuis le {moments.day(article.version_date)}{until}"


def _proof(proof: Proof) -> Json:
    """A proof and since when its state is recorded; the reason is for operators and stays in the ledger."""
    note = (
        f"État inscrit au registre le {moments.in_paris(proof.at)}." if proof.at else "Rien n’est inscrit au registre."
    )
    return {"label": proof.label, "state": words.PROOF[proof.state], "note": note}


def _imported(contents: Contents) -> list[str]:
    """The exhibits that came from a file somebody handed over, not from the network."""
    numbers = {
        contents.exhibit_of(capture.id)
        for capture in contents.file.captures.values()
        if capture.provenance.startswith("import") and contents.exhibit_of(capture.id)
    }
    return [str(number) for number in sorted(number for number in numbers if number)]


def _exhibits(contents: Contents) -> list[Json]:
    return [
        {
            "number": str(exhibit.number),
            "captures": ", ".join(f"nº{NBSP}{number}" for number in exhibit.captures[:12])
            + (f" et {len(exhibit.captures) - 12} autres" if len(exhibit.captures) > 12 else ""),
            "files": [
                {
                    "name": file.name.removeprefix("exhibits/"),
                    "what": file.what,
                    "size": words.size(file.size),
                    "sha256": file.sha256,
                }
                for file in exhibit.files
            ],
        }
        for exhibit in contents.exhibits
    ]
