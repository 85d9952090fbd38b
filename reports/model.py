"""Turn the contents of a dossier into the strings its template prints. Every one of them is data, never markup."""

from __future__ import annotations

from ledger.identities import IdentityState, IdentityStatus
from ledger.models import Json
from reference import Article, Reference
from reports import clean_pages, moments, words
from reports.assembly import Part
from reports.casefile import Proof, Shown
from reports.chronology import chronology, plot
from reports.facts import Contents
from reports.legal import Rule
from reports.model_parts import part_model
from reports.typography import capital, shorten, typo

MOST_ROWS = 60
Rows = list[list[str]]


def page_model(contents: Contents, reference: Reference) -> Json:
    """All that `templates/dossier.typ` needs, as JSON values."""
    assembly = contents.assembly
    main = assembly.person.main
    marks = [words.EXERCISE] if assembly.exercise else []
    if not contents.complete:
        marks.append(words.INCOMPLETE)
    title = f"Dossier de signalement {contents.reference}"
    return {
        "document_title": " — ".join([*marks, title]),
        "reference": contents.reference,
        "date": moments.day(moments.paris(contents.written_at).date()),
        "software": contents.software,
        "marks": marks,
        "exercise": assembly.exercise,
        "gaps": [words.sentence(text) for text in contents.gaps],
        "remarks": [words.sentence(text) for text in contents.remarks],
        "overview": _overview(contents, reference),
        "parts": [part_model(part, contents, reference) for part in assembly.parts],
        "practitioner": _practitioner(main.shown, reference),
        "identity": _identity(contents),
        "authority": _authority(contents, reference),
        "chronology": _chronology(contents),
        "plot": plot(assembly),
        "clean": clean_pages.model(contents.clean)[0],
        "law": _law(contents),
        "proofs": [_proof(proof) for proof in main.proofs],
        "custody": [[moments.short(line.at), line.what, line.who] for line in contents.custody.lines],
        "custody_others": str(contents.custody.others) if contents.custody.others else "",
        "imported": _imported(contents),
        "exhibits": _exhibits(contents),
    }


def _overview(contents: Contents, reference: Reference) -> Rows:
    assembly = contents.assembly
    shown = assembly.person.main.shown
    profession = reference.professions.get(shown.profession)
    observed = sorted({seen.captured_at for part in assembly.parts for seen in part.observed()})
    rows = [
        ["Professionnel affiché", shown.display_name or "non affiché"],
        ["Profession affichée", shown.speciality or (typo(profession.label) if profession else "non affichée")],
        ["Identité", _short_identity(shown)],
        ["Autorité à saisir", _council(contents)],
        ["Formules", words.plural(len(assembly.parts), "formule", "formules")],
    ]
    rows += [["Page", shorten(url, 300)] for url in dict.fromkeys(part.file.listing_url for part in assembly.parts)]
    if observed:
        rows.append(["Vue la première fois", f"{moments.in_paris(observed[0])} (heure de Paris)"])
    if len(observed) > 1:
        rows.append(["Vue la dernière fois", f"{moments.in_paris(observed[-1])} (heure de Paris)"])
    rows.append(["Relevés", words.plural(len(observed), "capture", "captures")])
    proofs = ", ".join(f"{proof.label.lower()} : {words.PROOF[proof.state]}" for proof in assembly.person.main.proofs)
    rows.append(["Preuves complémentaires", proofs])
    return rows


def _short_identity(shown: Shown) -> str:
    if shown.status == "linked" and shown.rpps_shown:
        return f"RPPS {shown.rpps}, lu sur la page"
    if shown.status == "linked":
        return f"RPPS {shown.rpps}, par rapprochement avec le répertoire"
    return words.IDENTITY.get(shown.status, shown.status)


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


def _identity(contents: Contents) -> Json:
    shown = contents.assembly.person.main.shown
    number = contents.exhibit_of(shown.capture_id) if shown.capture_id is not None else None
    return {
        "linked": shown.status == "linked",
        "on_page": bool(shown.rpps_shown),
        "state": capital(words.IDENTITY.get(shown.status, shown.status)),
        "rpps": shown.rpps,
        "reasons": [shorten(words.sentence(reason), 400) for reason in shown.reasons[:10]],
        "version": shown.matcher_version,
        "exhibit": str(number) if number else "",
        "several": len(contents.assembly.parts) > 1,
        "confirmed": _confirmed(contents.assembly.person.main.confirmed),
    }


def _confirmed(state: IdentityState) -> str:
    """When two people recognised the person, without their names; empty until they have."""
    if state.status is not IdentityStatus.CONFIRMED:
        return ""
    first, *others = (f"le {moments.in_paris(at)}" for at in state.given)
    return f"l’une {first}, l’autre {others[0]} (heure de Paris)" if len(others) == 1 else ", ".join([first, *others])


def _council(contents: Contents) -> str:
    authority = contents.assembly.authority
    if authority is None:
        return "profession sans Ordre : caisse et Défenseur des droits"
    state = "confirmé" if authority.confirmed else "à confirmer"
    return f"{capital(typo(authority.body))} — {authority.territory or 'lieu non déterminé'} ({state})"


def _authority(contents: Contents, reference: Reference) -> Json | None:
    authority = contents.assembly.authority
    if authority is None:
        return None
    confirmed = authority.confirmed
    routes = [reference.routes[code] for code in authority.routes]
    said = "à confirmer auprès de l’Ordre avant tout envoi"
    if confirmed is not None:
        said = f"confirmée le {moments.day(confirmed.answered_on)}, d’après {confirmed.how}"
    return {
        "confirmed": confirmed is not None,
        "rows": [
            ["Ordre", typo(authority.order)],
            ["Conseil à saisir", capital(typo(authority.body))],
            ["Niveau", authority.level],
            [
                "Ressort" if confirmed else "Ressort du lieu affiché",
                _marked(authority.territory, authority.verified)
                or "non déterminé : la page ne montre pas de code postal connu",
            ],
            ["Inscription au tableau", said],
            ["Mode d’exercice", reference.practices[authority.practice].label],
            ["Voie usuelle", typo(routes[0].label)],
            ["Copies à joindre", _marked(f"{authority.copies}, {typo(routes[0].copies_rule)}", routes[0].verified)],
            ["Autres voies", " ; ".join(typo(route.label) for route in routes[1:])],
            ["Source du ressort", typo(authority.source) or "aucune"],
        ],
    }


def _marked(said: str, verified: bool) -> str:
    """What was not read at the official source says so where it is printed."""
    return said if verified or not said else f"{said} — à vérifier"


def _chronology(contents: Contents) -> Rows:
    rows = []
    for one in chronology(contents.assembly):
        where = f"Formule {one.part} — " if len(contents.assembly.parts) > 1 else ""
        rows.append([moments.short(one.at), f"{where}{one.what}", str(one.exhibit) if one.exhibit else ""])
    if len(rows) <= MOST_ROWS:
        return rows
    hidden = len(rows) - MOST_ROWS
    half = MOST_ROWS // 2
    return [*rows[:half], ["…", f"{hidden} autres lignes figurent dans facts.json.", ""], *rows[-half:]]


def _law(contents: Contents) -> list[Json]:
    """The rules of every wording, each version once, with the wordings it is about when they differ."""
    about: dict[str, list[Part]] = {}
    kept: dict[str, Rule] = {}
    for part in contents.assembly.parts:
        for rule in part.rules:
            kept.setdefault(rule.article.id, rule)
            about.setdefault(rule.article.id, []).append(part)
    every = len(contents.assembly.parts)
    found = []
    for article_id, rule in kept.items():
        parts = about[article_id]
        only = "" if len(parts) == every else ", ".join(f"formule {part.number}" for part in parts)
        found.append(_rule(rule) | {"about": only})
    return found


def _rule(rule: Rule) -> Json:
    article = rule.article
    extract = article.text.startswith("[…]")
    return {
        "name": capital(article.citation),
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
        for capture in contents.assembly.captures
        if capture.provenance.startswith("import")
    }
    return [str(number) for number in sorted(number for number in numbers if number)]


def _exhibits(contents: Contents) -> list[Json]:
    """The bordereau."""
    times = {capture.id: capture.captured_at for capture in contents.assembly.captures}
    return [
        {
            "number": str(exhibit.number),
            "captures": ", ".join(contents.label_of(number) for number in exhibit.captures[:12])
            + (f" et {len(exhibit.captures) - 12} autres" if len(exhibit.captures) > 12 else ""),
            "at": moments.short(min(times[number] for number in exhibit.captures)),
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
