"""The named checks of a letter before it leaves: each says in French what is missing. It changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from ledger.models import Dossier
from reference import Reference, Route
from reports.assembly import Assembly
from reports.letter_words import TO_CHECK, rule_line
from reports.organisation import Address, Mandate, Organisation
from reports.typography import one_line, stands

HOLE = re.compile(r"\[[^\]]*à (?:compléter|confirmer|établir)[^\]]*\]|\{\{|\{%")
DIACRITICS = str.maketrans({"\u00a0": " ", "\u202f": " ", "'": "’"})


@dataclass(frozen=True)
class Draft:
    """A letter filled in, with everything it was made of."""

    route: Route
    assembly: Assembly
    organisation: Organisation
    mandate: Mandate | None
    key: str
    address: Address | None
    dossier: Dossier | None
    reference: str
    text: str
    quotes: tuple[str, ...]
    people: tuple[str, ...]  # names and logins that no letter may hold
    on: date


@dataclass(frozen=True)
class Missing:
    """What one check found missing."""

    check: str
    text: str


Check = Callable[[Draft, Reference], Iterator[str]]


def check(draft: Draft, reference: Reference) -> tuple[Missing, ...]:
    """Everything that is missing, check by check."""
    return tuple(Missing(name, text) for name, one in CHECKS.items() for text in one(draft, reference))


def _plain(text: str) -> str:
    return one_line(text.translate(DIACRITICS))


def _ours(draft: Draft) -> str:
    """The letter without the words that it quotes from pages."""
    ours = _plain(draft.text)
    for quote in draft.quotes:
        ours = ours.replace(_plain(quote), "")
    return ours


def _case(draft: Draft, _: Reference) -> Iterator[str]:
    yield from (gap.text for gap in draft.assembly.gaps)


def _exercise(draft: Draft, _: Reference) -> Iterator[str]:
    if draft.assembly.exercise:
        yield "la page vient d’une machine d’essai : rien ne doit être envoyé"


def _route(draft: Draft, reference: Reference) -> Iterator[str]:
    authority = draft.assembly.authority
    if draft.route.order == "needed" and authority is None:
        yield "cette profession n’a pas d’Ordre : écrire à la caisse ou au Défenseur des droits"
    elif draft.route.order == "none" and authority is not None:
        yield "cette voie est réservée aux professions sans Ordre"
    elif authority is not None and draft.route.code not in authority.routes:
        label = reference.practices[authority.practice].label
        yield f"le mode d’exercice ({label}) ferme cette voie ; voies ouvertes : {', '.join(authority.routes)}"


def _council(draft: Draft, _: Reference) -> Iterator[str]:
    authority = draft.assembly.authority
    if draft.route.addressee == "council" and authority is not None and authority.confirmed is None:
        yield "l’inscription au tableau n’a pas été confirmée auprès de l’Ordre (« vigie council »)"


def _practice(draft: Draft, _: Reference) -> Iterator[str]:
    authority = draft.assembly.authority
    if draft.route.addressee == "council" and authority is not None and authority.practice == "unknown":
        yield "le mode d’exercice (libéral, salarié, hôpital public) n’est pas établi"


def _identity(draft: Draft, _: Reference) -> Iterator[str]:
    if draft.assembly.person.main.shown.display_name and draft.route.code != "platform":
        name = _plain(draft.assembly.person.main.shown.display_name)
        if draft.route.code != "practitioner" and name not in _plain(draft.text):
            yield "le professionnel n’est pas nommé"


def _complainant(draft: Draft, _: Reference) -> Iterator[str]:
    text = _plain(draft.text)
    if _plain(draft.organisation.name) not in text:
        yield "l’association n’est pas nommée"
    if any(_plain(line) not in text for line in draft.organisation.address):
        yield "l’adresse de l’association ne figure pas"


def _signatory(draft: Draft, _: Reference) -> Iterator[str]:
    if "mandate" in draft.route.needs or draft.route.code != "practitioner":
        named = _plain(draft.organisation.represented_by) in _plain(draft.text)
        if not named and draft.route.code != "complaint":  # the complaint speaks in the first person and is signed
            yield "la personne qui représente l’association n’est pas nommée"


def _statutes(draft: Draft, _: Reference) -> Iterator[str]:
    if "statutes" in draft.route.needs and not (draft.organisation.purpose and draft.organisation.statutes):
        yield "l’objet statutaire de l’association manque (« purpose », « statutes » dans organisation.yaml)"


def _approval(draft: Draft, _: Reference) -> Iterator[str]:
    if "approval" in draft.route.needs and not draft.organisation.approval:
        yield "l’agrément de l’article L. 1114-1 manque (« approval » dans organisation.yaml)"


def _mandate(draft: Draft, _: Reference) -> Iterator[str]:
    if "mandate" in draft.route.needs and draft.mandate is None:
        yield "le mandat exprès de la personne manque (--mandate)"
    if "mandate" not in draft.route.needs and draft.mandate is not None:
        yield "cette voie n’agit pour aucune personne : retirer le mandat"
    if draft.mandate is not None and draft.mandate.given_on > draft.on:
        yield "le mandat porte une date à venir"


def _addressee(draft: Draft, _: Reference) -> Iterator[str]:
    if draft.address is None:
        yield f"l’adresse du destinataire manque (« {draft.key or 'inconnue'} » dans annuaire.yaml)"


def _address_date(draft: Draft, _: Reference) -> Iterator[str]:
    if draft.address is not None and (draft.on - draft.address.read_on).days > 365:
        yield f"l’adresse de {draft.address.name} a été lue il y a plus d’un an : à relire"


def _says(draft: Draft, _: Reference) -> Iterator[str]:
    text = _plain(draft.text)
    yield from (f"les mots « {word} » manquent" for word in draft.route.says if _plain(word) not in text)


def _never(draft: Draft, _: Reference) -> Iterator[str]:
    ours = _ours(draft)
    yield from (f"les mots « {word} » ne doivent pas y figurer" for word in draft.route.never if stands(word, ours))


def _articles(draft: Draft, _: Reference) -> Iterator[str]:
    text = _plain(draft.text)
    cited = {rule.article.id: rule for part in draft.assembly.parts for rule in part.rules}
    for article_id in draft.route.articles:
        rule = cited.get(article_id)
        if rule is not None and _plain(rule.article.citation.partition(" du ")[0]).removeprefix("article ") not in text:
            yield f"l’{rule.article.citation} n’est pas cité"


def _unverified(draft: Draft, _: Reference) -> Iterator[str]:
    text = _plain(draft.text)
    for part in draft.assembly.parts:
        for rule in part.rules:
            line = _plain(rule_line(rule))
            if TO_CHECK in line and line.removesuffix(TO_CHECK).strip() in text and line not in text:
                yield f"l’{rule.article.citation} n’est pas marqué comme non vérifié"


def _facts(draft: Draft, _: Reference) -> Iterator[str]:
    text = _plain(draft.text)
    yield from (f"une formule n’est pas citée : {quote[:60]}" for quote in draft.quotes if _plain(quote) not in text)


def _exhibits(draft: Draft, _: Reference) -> Iterator[str]:
    if draft.route.code in ("platform", "practitioner"):
        return
    if draft.dossier is None:
        yield "aucun dossier complet n’a été établi pour ce cas (« vigie dossier »)"
    elif draft.dossier.manifest_sha256 not in draft.text:
        yield "l’empreinte du dossier joint ne figure pas"


def _presumption(draft: Draft, _: Reference) -> Iterator[str]:
    if "présumé" not in draft.text:
        yield "la présomption d’innocence n’est pas rappelée"


def _holes(draft: Draft, _: Reference) -> Iterator[str]:
    yield from sorted({f"un blanc reste à remplir : {hole}" for hole in HOLE.findall(_ours(draft))})


def _people(draft: Draft, _: Reference) -> Iterator[str]:
    text = _plain(draft.text)
    if any(stands(_plain(name), text) for name in draft.people):
        yield "le nom d’un relecteur y figure"


def _patients(draft: Draft, reference: Reference) -> Iterator[str]:
    for part in draft.assembly.parts:
        field = reference.fields.get(part.file.key.field)
        if field is not None and not field.own_words:
            yield "une formule citée vient de l’avis d’un patient"


CHECKS: dict[str, Check] = {
    "cas": _case,
    "exercice": _exercise,
    "voie": _route,
    "inscription": _council,
    "exercice_professionnel": _practice,
    "mis_en_cause": _identity,
    "plaignant": _complainant,
    "signataire": _signatory,
    "statuts": _statutes,
    "agrement": _approval,
    "mandat": _mandate,
    "destinataire": _addressee,
    "adresse_datee": _address_date,
    "mentions": _says,
    "mots_exclus": _never,
    "articles": _articles,
    "articles_non_verifies": _unverified,
    "faits": _facts,
    "pieces": _exhibits,
    "presomption": _presumption,
    "blancs": _holes,
    "relecteurs": _people,
    "patients": _patients,
}
