"""The named checks of what a dossier tells: people, evidence, identity, law, words. Each says what is wrong."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

from reports.assembly import Part
from reports.casefile import Wording
from reports.exhibits import wordings_in
from reports.package import Package, keys, said
from reports.recheck import body, squeeze
from reports.typography import capital, stands

Check = Callable[[Package], Iterator[str]]
READERS = 2
LEDGER_KEYS = frozenset({"id", "case_id", "capture_id", "passage_id", "listing_id", "reviewer_id", "finding_id"})
LEDGER_WORDS = re.compile(r"\b(?:capture|cas|fiche|passage|constat) n[º°]\s?\d")
ACCUSING = (
    "est coupable",
    "a commis",
    "s’est rendu coupable",
    "infraction établie",
    "faute établie",
    "la victime",
    "les victimes",
    "délinquant",
)
CITING = ("exhibit", "withdrawn_exhibit", "later_exhibit")
RPPS = re.compile(r"[0-9]{11}")


def _parts(package: Package) -> tuple[Part, ...]:
    return package.contents.assembly.parts


def _wordings(package: Package) -> list[Wording]:
    """What the dossier quotes: the words retained and what speaks in favour."""
    return [wording for part in _parts(package) for wording in (part.file.key, *part.file.acceptances)]


def two_readers(package: Package) -> Iterator[str]:
    """Two people confirmed each wording."""
    for part in _parts(package):
        if sum(vote.decision == "confirm" for vote in part.file.votes) < READERS:
            yield f"la formule {part.number} n’est pas confirmée par deux relecteurs"


def verdicts_dated(package: Package) -> Iterator[str]:
    """No verdict is older than the capture it judges."""
    for part in _parts(package):
        first = min(capture.captured_at for capture in part.file.captures.values())
        if any(vote.decided_at < first for vote in part.file.votes):
            yield f"un avis sur la formule {part.number} est antérieur à toute capture"


def one_person(package: Package) -> Iterator[str]:
    """Every wording belongs to the same registered person."""
    numbers = {part.file.shown.rpps for part in _parts(package)}
    if len(numbers) > 1:
        yield "les formules ne sont pas toutes rattachées au même numéro RPPS"


def number_formed(package: Package) -> Iterator[str]:
    """The number has eleven digits and its check digit holds."""
    shown = package.contents.assembly.person.main.shown
    if shown.status == "linked" and not (RPPS.fullmatch(shown.rpps) and _luhn(shown.rpps)):
        yield "le numéro RPPS retenu est mal formé"


def number_not_contradicted(package: Package) -> Iterator[str]:
    """No page of the dossier shows another number than the one retained."""
    for part in _parts(package):
        seen = re.sub(r"\D", "", part.file.shown.rpps_shown)
        if part.file.shown.status == "linked" and RPPS.fullmatch(seen) and seen != part.file.shown.rpps:
            yield f"la page de la formule {part.number} affiche un autre numéro RPPS"


def person_not_house(package: Package) -> Iterator[str]:
    """The listing shows a person."""
    if any(part.file.shown.is_organisation for part in _parts(package)):
        yield "la page présente une structure, non une personne"


def name_shown(package: Package) -> Iterator[str]:
    """The page shows a name."""
    if not package.contents.assembly.person.main.shown.display_name.strip():
        yield "la page n’affiche aucun nom"


def reasons_given(package: Package) -> Iterator[str]:
    """The identity page gives its reasons."""
    if not package.contents.assembly.person.main.shown.reasons:
        yield "les raisons de l’identification manquent"


def council_told(package: Package) -> Iterator[str]:
    """The dossier says which council, and whether its competence was confirmed."""
    authority = package.contents.assembly.authority
    if authority is not None and not ("à confirmer" in package.told or authority.confirmed):
        yield "le dossier ne dit pas que l’inscription au tableau est à confirmer"


def route_open(package: Package) -> Iterator[str]:
    """The usual route is open for this way of practising."""
    authority = package.contents.assembly.authority
    if authority is not None and not authority.routes:
        yield "aucune voie n’est ouverte pour ce mode d’exercice"


def principle_cited(package: Package) -> Iterator[str]:
    """Each wording has a principle of law of its day."""
    for part in _parts(package):
        if not any(rule.article.role == "principle" for rule in part.rules):
            yield f"aucun principe de droit n’était en vigueur à la date de la formule {part.number}"


def ethics_cited(package: Package) -> Iterator[str]:
    """A profession with an Order has its code of ethics cited."""
    if package.contents.assembly.authority is None:
        return
    for part in _parts(package):
        if not any(rule.kind == "ethics" for rule in part.rules):
            yield f"le code de déontologie n’est pas cité pour la formule {part.number}"


def law_of_the_day(package: Package) -> Iterator[str]:
    """No rule is cited after its repeal, nor before its version without saying so."""
    for part in _parts(package):
        day = part.key.captured_at.date()
        for rule in part.rules:
            article = rule.article
            if article.repealed_on and article.repealed_on <= day:
                yield f"l’{article.citation} n’était plus en vigueur à la date des faits"
            if article.version_date and article.version_date > day and not rule.later:
                yield f"l’{article.citation} est cité dans une version postérieure aux faits"


def unverified_marked(package: Package) -> Iterator[str]:
    """Every rule that was not verified is marked so where it is printed."""
    by_name = {rule["name"]: rule for rule in package.model["law"]}
    for part in _parts(package):
        for rule in part.rules:
            if not rule.article.verified and by_name[capital(rule.article.citation)]["verified"]:
                yield f"l’{rule.article.citation} n’est pas marqué comme non vérifié"


def sources_given(package: Package) -> Iterator[str]:
    """Every rule names its source."""
    if any(not rule["source"].strip() for rule in package.model["law"]):
        yield "une règle de droit est citée sans source"


def quotes_located(package: Package) -> Iterator[str]:
    """Every quotation has its place in the bytes of an exhibit."""
    for wording in _wordings(package):
        if package.contents.exhibit_of(wording.capture_id) and not package.contents.quotes.get(wording.passage_id):
            yield f"une citation n’est pas située à l’octet près : « {wording.trigger[:60]} »"


def quotes_true(package: Package) -> Iterator[str]:
    """The bytes at that place are those words, read again by another way than the one that found them."""
    for wording in _wordings(package):
        located = package.contents.quotes.get(wording.passage_id)
        if located is None:
            continue
        held = package.read(located.file)[located.start : located.end]
        wanted = squeeze(wording.trigger or wording.text)
        if hashlib.sha256(held).hexdigest() != located.sha256:
            yield f"l’empreinte d’une citation ne correspond pas : « {wording.trigger[:60]} »"
        elif held.decode("utf-8", "replace") != (wording.trigger or wording.text) and wanted not in _read(held):
            yield f"les octets cités ne portent pas ces mots : « {wording.trigger[:60]} »"


def exhibits_cited(package: Package) -> Iterator[str]:
    """Every exhibit is cited in the text, beside the list of exhibits."""
    cited = set(_citations(package.model))
    for exhibit in package.contents.exhibits:
        if str(exhibit.number) not in cited:
            yield f"la pièce nº {exhibit.number} n’est citée nulle part"


def citations_exist(package: Package) -> Iterator[str]:
    """Every exhibit that is cited exists."""
    known = {str(exhibit.number) for exhibit in package.contents.exhibits}
    for number in sorted(set(_citations(package.model)) - known):
        yield f"la pièce nº {number} est citée et n’existe pas"


def numbering(package: Package) -> Iterator[str]:
    """Exhibits are numbered 1, 2, 3… without a hole, the principal one first."""
    numbers = [exhibit.number for exhibit in package.contents.exhibits]
    if numbers != list(range(1, len(numbers) + 1)):
        yield "la numérotation des pièces n’est pas continue"
    key = _parts(package)[0].key.id
    if package.contents.exhibits and key not in package.contents.exhibits[0].captures:
        yield "la pièce nº 1 n’est pas la pièce principale"


def passages_exact(package: Package) -> Iterator[str]:
    """Each passage file holds the text of its passage and nothing else."""
    files = package.contents.assembly.files
    for exhibit in package.contents.exhibits:
        written = [package.read(file.name) for file in exhibit.files if "-passage" in file.name]
        texts = [one.text.encode("utf-8", "backslashreplace") for one in wordings_in(files, exhibit.captures)]
        if written != texts:
            yield f"les passages de la pièce nº {exhibit.number} ne sont pas ceux qui ont été lus"


def favour_told(package: Package) -> Iterator[str]:
    """What speaks for the practitioner is in the dossier."""
    for part, model in zip(_parts(package), package.model["parts"], strict=True):
        if len(model["in_favour"]) != len(part.file.acceptances):
            yield f"ce qui parle en faveur du professionnel n’est pas repris pour la formule {part.number}"


def withdrawal_told(package: Package) -> Iterator[str]:
    """A wording that was withdrawn is said to be."""
    for part, model in zip(_parts(package), package.model["parts"], strict=True):
        if part.assessment.withdrawn and not model["withdrawn"]:
            yield f"le retrait de la formule {part.number} n’est pas dit"


def no_reviewer(package: Package) -> Iterator[str]:
    """No name or login of a reviewer."""
    text = f"{package.told} {package.facts.decode()}"
    if any(stands(" ".join(name.split()), text) for name in package.people):
        yield "le nom ou l’identifiant d’un relecteur figure dans le dossier"


def no_other_practitioner(package: Package) -> Iterator[str]:
    """No name of another practitioner of the same pages, but inside the words quoted."""
    text = package.told
    for wording in _wordings(package):
        text = text.replace(" ".join(wording.text.split()), "").replace(" ".join(wording.trigger.split()), "")
    if any(stands(name, text) for name in package.others):
        yield "le nom d’un autre professionnel figure dans le dossier"


def no_patient(package: Package) -> Iterator[str]:
    """Nothing is quoted from a field where somebody else speaks."""
    fields = package.reference.fields
    if any(not fields[one.field].own_words for one in _wordings(package) if one.field in fields):
        yield "une citation vient de l’avis d’un patient"


def no_ledger_number(package: Package) -> Iterator[str]:
    """No number of the ledger, in words or as a key of the facts."""
    if LEDGER_KEYS & set(keys(package.plain_facts)) or LEDGER_WORDS.search(_ours(package)):
        yield "un numéro interne du registre figure dans le dossier"


def no_accusation(package: Package) -> Iterator[str]:
    """Our words accuse nobody and claim no victim."""
    text = _ours(package)
    yield from (f"les mots « {word} » ne doivent pas figurer" for word in ACCUSING if stands(word, text))


def exercise_marked(package: Package) -> Iterator[str]:
    """A page of a practice machine is marked on every page."""
    if package.contents.assembly.exercise and "EXERCICE" not in package.model["marks"]:
        yield "le dossier d’exercice n’est pas marqué comme tel"


def _ours(package: Package) -> str:
    """What the dossier says without what it quotes from pages, from the law, and from the register's answers."""
    model = {key: value for key, value in package.model.items() if key not in ("law", "practitioner", "overview")}
    model["parts"] = [
        {key: value for key, value in part.items() if key not in ("wording", "in_favour", "trigger", "url")}
        for part in package.model["parts"]
    ]
    return said(model)


def _citations(model: object) -> Iterator[str]:
    """The numbers of exhibits under keys that name one, in the text and not in the list of exhibits."""
    if isinstance(model, dict):
        for key, value in model.items():
            if key == "exhibits":
                continue
            if key in CITING and isinstance(value, str) and value.isdigit():
                yield value
            elif key == "other_exhibits":
                yield from value
            else:
                yield from _citations(value)
    elif isinstance(model, list | tuple):
        for value in model:
            yield from _citations(value)


def _read(held: bytes) -> str:
    """The bytes as a browser or a JSON reader would show them, squeezed."""
    ways = [held.decode("utf-8", "replace"), held.decode("cp1252", "replace")]
    ways += [text.encode("utf-8", "replace").decode("unicode_escape", "replace") for text in ways if "\\u" in text]
    ways += [re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1]), ways[0])]
    return "\x00".join(body(text) for text in ways)


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


CHECKS: dict[str, Check] = {
    "deux_relecteurs": two_readers,
    "avis_dates": verdicts_dated,
    "une_seule_personne": one_person,
    "numero_bien_forme": number_formed,
    "numero_non_contredit": number_not_contradicted,
    "personne_physique": person_not_house,
    "nom_affiche": name_shown,
    "raisons_de_l_identite": reasons_given,
    "inscription_a_confirmer": council_told,
    "voie_ouverte": route_open,
    "principe_cite": principle_cited,
    "deontologie_citee": ethics_cited,
    "droit_du_jour": law_of_the_day,
    "droit_non_verifie_marque": unverified_marked,
    "sources_du_droit": sources_given,
    "citations_situees": quotes_located,
    "citations_exactes": quotes_true,
    "pieces_citees": exhibits_cited,
    "citations_existantes": citations_exist,
    "numerotation": numbering,
    "passages_exacts": passages_exact,
    "faveur_dite": favour_told,
    "retrait_dit": withdrawal_told,
    "aucun_relecteur": no_reviewer,
    "aucun_autre_professionnel": no_other_practitioner,
    "aucun_patient": no_patient,
    "aucun_numero_interne": no_ledger_number,
    "aucune_accusation": no_accusation,
    "exercice_marque": exercise_marked,
}
FINAL = frozenset({"aucun_relecteur", "aucun_autre_professionnel", "aucun_patient", "une_seule_personne"})
