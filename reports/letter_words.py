"""The values that a letter's template prints, each a French text on one line. It judges nothing and reads no file."""

from __future__ import annotations

from typing import Any

from ledger.models import Dossier
from reference import Reference, Route
from reports import moments, words
from reports.assembly import Assembly, Part
from reports.legal import Rule
from reports.organisation import Mandate, Organisation
from reports.typography import capital, field_label, one_line, shorten, typo

TO_CHECK = "[à vérifier sur Légifrance avant envoi]"
QUOTE_LIMIT = 900
AUTHORITIES = ("council", "national", "ars", "cpam", "ddd")


def context(
    assembly: Assembly,
    route: Route,
    reference: Reference,
    organisation: Organisation,
    mandate: Mandate | None,
    dossier: Dossier | None,
    number: str,
) -> dict[str, Any]:
    """Everything that templates may name; what docs/letters.md lists."""
    rules = _rules(assembly, route)
    return {
        "organisation": _organisation(organisation),
        "practitioner": _practitioner(assembly, reference),
        "mandate": _mandate(mandate),
        "council": {"sentence": _council(assembly)},
        "national": assembly.authority.national if assembly.authority else "Conseil national de l’Ordre",
        "facts": [_fact(part, assembly, reference) for part in assembly.parts],
        "examined": _examined(assembly),
        "law": [rule_line(rule) for rule in rules],
        "cited": [rule.article.id for rule in rules],
        "exhibits": _exhibits(assembly, dossier, number),
        "also": _also(assembly, route),
        "contact": organisation.email or ", ".join(organisation.address),
    }


def rule_line(rule: Rule) -> str:
    """« Article L. 1110-3 … (version en vigueur depuis le …) : … », marked when it was not verified."""
    article = rule.article
    known = f"version en vigueur depuis le {moments.day(article.version_date)}" if article.version_date else ""
    told = known or "date de version non lue"
    said = f"{capital(article.citation)} ({told}) : {typo(article.title)[:1].lower()}{typo(article.title)[1:]}"
    verified = article.verified and article.version_date is not None and not rule.later
    return one_line(said if verified else f"{said} {TO_CHECK}")


def _rules(assembly: Assembly, route: Route) -> list[Rule]:
    """The rules of every part that this addressee is told, each article once.

    The penal code is for authorities, the code of ethics for the Order and the practitioner, procedure for the route.
    """
    kept: dict[str, Rule] = {}
    for part in assembly.parts:
        for rule in part.rules:
            if rule.article.id in route.articles or _concerns(rule, route):
                kept.setdefault(rule.article.id, rule)
    return list(kept.values())


def _concerns(rule: Rule, route: Route) -> bool:
    if rule.kind == "ground":
        return rule.article.role != "offence" or route.addressee in AUTHORITIES
    return rule.kind == "ethics" and route.addressee in ("council", "national", "ars", "practitioner")


def _organisation(one: Organisation) -> dict[str, str]:
    return {
        "name": one.name,
        "form": one.form,
        "address": ", ".join(one.address),
        "represented_by": one.represented_by,
        "quality": one.quality,
        "purpose": one.purpose or "[objet à compléter]",
        "statutes": one.statutes or "[article des statuts à compléter]",
        "approval": one.approval or "[agrément à compléter]",
        "registration": one.registration,
    }


def _practitioner(assembly: Assembly, reference: Reference) -> dict[str, str]:
    shown = assembly.person.main.shown
    profession = reference.professions.get(shown.profession)
    address = ", ".join(part for part in (shown.street, f"{shown.postcode} {shown.city}".strip()) if part)
    trade = typo(profession.label) if profession else shown.speciality
    return {
        "name": one_line(shown.display_name) or "[nom à compléter]",
        "profession": one_line(trade[:1].lower() + trade[1:]) or "[profession à compléter]",
        "number": f" (RPPS {shown.rpps})" if shown.status == "linked" else "",
        "address": one_line(address) or "[adresse à compléter]",
    }


def _mandate(mandate: Mandate | None) -> dict[str, str]:
    if mandate is None:
        return dict.fromkeys(("person", "address", "day", "account"), "[mandat à compléter]")
    return {
        "person": mandate.person,
        "address": ", ".join(mandate.address),
        "day": moments.day(mandate.given_on),
        "account": one_line(mandate.account),
    }


def _council(assembly: Assembly) -> str:
    authority = assembly.authority
    if authority is None:
        return "Cette profession n’a pas d’Ordre."
    if authority.confirmed is None:
        return (
            f"Selon le lieu d’exercice affiché, le conseil compétent serait le {authority.body} ; "
            "l’inscription au tableau reste [à confirmer auprès de l’Ordre]."
        )
    return (
        f"Le conseil compétent est celui au tableau duquel le professionnel est inscrit : {authority.body}, d’après "
        f"{one_line(authority.confirmed.how)}, le {moments.day(authority.confirmed.answered_on)}."
    )


def _fact(part: Part, assembly: Assembly, reference: Reference) -> dict[str, str]:
    """When, where, which words, and in which exhibit."""
    observed = part.observed() or (part.key,)
    number = assembly.exhibit_of(part.key.id)
    field = field_label(part.file.key.field, reference)
    proof = f"Pièce nº {number} du dossier ; {words.plural(len(observed), 'constat', 'constats')}"
    if len(observed) > 1:
        first, last = observed[0].captured_at, observed[-1].captured_at
        proof += f", du {moments.day(moments.paris(first).date())} au {moments.day(moments.paris(last).date())}"
    later = part.file.later
    if part.assessment.withdrawn and later is not None:
        gone = moments.day(moments.paris(part.file.captures[later].captured_at).date())
        proof += f". La formule ne figurait plus sur la page recueillie le {gone}"
    when = moments.in_paris(part.key.captured_at)
    url = one_line(shorten(part.file.listing_url, 300))
    return {
        "sentence": f"Le {when} (heure de Paris), la page publique {url} portait, dans le champ « {field} » :",
        "quote": f"« {one_line(shorten(part.file.key.trigger or part.file.key.text, QUOTE_LIMIT))} »",
        "proof": f"{proof}.",
    }


def _examined(assembly: Assembly) -> str:
    votes = assembly.person.main.votes
    confirming = sum(vote.decision == "confirm" for vote in votes)
    return (
        f"{words.number(len(votes)).capitalize()} relecteurs ont examiné ces mots séparément, chacun sans connaître "
        f"l’avis des autres ; {words.number(confirming)} les ont compris de la même façon. Ces constats établissent "
        "que des mots ont été affichés à ces dates ; ils n’établissent pas qui les a écrits, ni qu’un soin a été "
        "refusé."
    )


def _exhibits(assembly: Assembly, dossier: Dossier | None, number: str) -> list[str]:
    if dossier is None:
        return ["[dossier de signalement à établir]"]
    count = len(assembly.planned)
    return [
        f"dossier de signalement {number}, établi le {moments.day(moments.paris(dossier.written_at).date())}, avec son "
        f"bordereau et {words.plural(count, 'pièce numérotée', 'pièces numérotées')} ; "
        f"empreinte SHA-256 du dossier : {dossier.manifest_sha256}"
    ]


def _also(assembly: Assembly, route: Route) -> str:
    """Who else is told, where a profession has no Order."""
    if assembly.authority is not None:
        return ""
    other = "le Défenseur des droits" if route.code == "cpam" else "la caisse primaire d’assurance maladie"
    return f", {other} pouvant être saisi par ailleurs : cette profession n’a pas d’Ordre"
