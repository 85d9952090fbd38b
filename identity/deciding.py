"""Decide whether the best candidate of the register is the person of a page, or abstain with reasons.

A wrong name is the worst thing that could be said: every rule here can take a link away, and only the whole of them
together gives one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from identity import reasons
from identity.address import Nearness
from identity.names import Family, Given
from identity.registry.store import Registry
from identity.rpps import resembles
from identity.searching import Search, search
from identity.shown import VERSION, Identity, Shown, Status
from identity.trade import Agreement
from identity.weighing import Scored, weights
from reference import load_reference


def match(shown: Shown, registry: Registry) -> Identity:
    """Who a page shows, once `identity.page` has seen that it shows one person with an Order; or why not to say."""
    return decide(search(shown, registry), shown.rpps)


def decide(found: Search, number_shown: str) -> Identity:
    """The decision on a search."""
    most = weights()["later_days"]
    if found.later > most:
        why = (
            f"Le plus ancien état du registre est celui du {_day(found.state.day)}, {found.later} jours après la "
            f"capture (au plus {most} sont admis)."
        )
        return _abstain(found, Status.AMBIGUOUS if found.named else Status.NONE, why)
    if found.page.number.number:
        return _by_number(found)
    return _by_name(found, number_shown)


def _by_number(found: Search) -> Identity:
    """The page shows a well-formed number: it must be that of somebody of the same name, whom nobody contests."""
    number, person = found.page.number.number, found.numbered
    if person is None:
        former = ", où il a figuré à une autre date" if found.number_known else ""
        why = f"Le numéro RPPS affiché, « {number} », n’est pas au registre du {_day(found.state.day)}{former}."
        return _abstain(found, Status.AMBIGUOUS if found.named else Status.NONE, why)
    alone = person.name.given is Given.MISSING and person.name.family in (Family.WHOLE, Family.PART)
    rivals = [one for one in found.named if one.evidence.pid != person.pid]
    conflict = ""
    if not (person.name.same or alone):
        conflict = "qui ne porte pas le nom affiché"
    elif person.trade is Agreement.DISAGREE:
        conflict = "qui exerce une autre profession"
    elif person.sex is Agreement.DISAGREE:
        conflict = "de civilité contraire"
    elif any(one.evidence.place > max(person.place, Nearness.DEPARTMENT) for one in rivals):
        conflict = "et une autre personne de ce nom exerce à l’endroit affiché"
    if conflict:
        why = f"Conflit : le numéro RPPS affiché est celui de {reasons.title(person)}, {conflict}."
        return _abstain(found, Status.AMBIGUOUS, why)
    mine = next(one for one in found.found if one.evidence.pid == person.pid)
    return _link(found, mine, rivals[0] if rivals else None)


def _by_name(found: Search, number_shown: str) -> Identity:
    """No usable number: name, trade and place must point at one person, far enough from the next."""
    if not found.found:
        return _abstain(found, Status.NONE, f"Personne de ce nom n’est au registre du {_day(found.state.day)}.")
    if not found.named:
        return _abstain(found, Status.AMBIGUOUS, "Le nom affiché ne suffit pas à désigner une personne du registre.")
    best = found.named[0]
    rival = next((one for one in found.found if one is not best), None)
    against = list(_against(best, found, number_shown))
    if best.score < weights()["score"]:
        against.append("Les indices concordants ne suffisent pas : un homonyme absent du registre n’est pas exclu.")
    if rival is not None and best.score - rival.score < weights()["margin"]:
        against.append(f"Une autre personne du registre correspond presque autant : {reasons.title(rival.evidence)}.")
    if against:
        return _abstain(found, Status.AMBIGUOUS, *against)
    return _link(found, best, rival)


def _against(best: Scored, found: Search, number_shown: str) -> Iterator[str]:
    """What forbids to link a person by name, whatever the weight."""
    person = best.evidence
    confirmed = person.place >= Nearness.ROAD or person.phone is Agreement.AGREE
    if person.trade is Agreement.DISAGREE:
        yield "La profession affichée n’est pas celle du registre."
    if person.sex is Agreement.DISAGREE:
        yield "La civilité affichée n’est pas celle du registre."
    if person.student:
        yield "La personne du registre est en formation : elle n’exerce pas en son nom."
    if person.place is Nearness.UNKNOWN and person.phone is not Agreement.AGREE:
        alone = sum(one.evidence.name.given is not Given.INITIALS for one in found.named) == 1
        if not alone or person.trade is not Agreement.AGREE or best.score < weights()["unplaced"]:
            yield "Le registre ou la page ne donne pas de lieu d’exercice, et le nom ne suffit pas."
    if person.place is Nearness.ELSEWHERE and person.phone is not Agreement.AGREE:
        yield "Ni le lieu ni le téléphone affichés ne rattachent la page à cette personne."
    if person.name.given is Given.INITIALS and not (person.place >= Nearness.ROAD and person.phone is Agreement.AGREE):
        yield "La page ne donne qu’une initiale : le prénom ne peut pas être vérifié."
    if (person.name.given is Given.SLIP or person.name.family is Family.SLIP) and not confirmed:
        yield "Le nom affiché diffère d’une lettre, et ni l’adresse ni le téléphone ne confirment la faute de frappe."
    if any(one.evidence.place > max(person.place, Nearness.DEPARTMENT) for one in found.named if _not_contrary(one)):
        yield "Un homonyme exerce plus près de l’endroit affiché."
    if not confirmed and any(
        one.evidence.place is Nearness.UNKNOWN and _not_contrary(one) for one in found.named if one is not best
    ):
        yield "Un homonyme dont le registre ne connaît pas l’adresse n’est pas exclu."
    if number_shown.strip() and not resembles(number_shown, person.rpps):
        yield f"Conflit sur le numéro affiché. {found.page.number.reason}"


def _not_contrary(one: Scored) -> bool:
    """Whether profession, speciality and civility do not tell a namesake from the person shown."""
    person = one.evidence
    return Agreement.DISAGREE not in (person.trade, person.skill, person.sex)


def _link(found: Search, best: Scored, rival: Scored | None) -> Identity:
    person = best.evidence
    if not person.rpps:
        return _abstain(
            found, Status.AMBIGUOUS, "Le registre ne connaît cette personne que sous un ancien numéro ADELI."
        )
    orders = {p.order for p in load_reference().professions.values() if set(p.rpps_codes) & set(person.codes)}
    if not orders - {None}:
        why = "Au registre, la profession de cette personne n’a pas d’Ordre : aucune plainte ordinale n’est possible."
        return _abstain(found, Status.NO_ORDER, why)
    margin = best.score - rival.score if rival else best.score
    said = [reasons.sentence(person), *_context(found)]
    if rival is not None:
        said.append(f"Candidat suivant : {reasons.title(rival.evidence)}, à {margin:.1f} bits.".replace(".", ",", 1))
    return Identity(
        status=Status.LINKED,
        rpps=person.rpps,
        reasons=tuple(said),
        version=VERSION,
        score=best.score,
        margin=round(margin, 2),
        runner_up=rival.evidence.rpps if rival else "",
        registry_date=found.state.day,
    )


def _abstain(found: Search, status: Status, *why: str) -> Identity:
    """No link: the best candidate is named as the runner-up, and nobody is retained."""
    best = found.named[0] if found.named else next(iter(found.found), None)
    next_one = next((one for one in found.found if one is not best), None)
    margin = best.score - next_one.score if best and next_one else 0.0
    return Identity(
        status=status,
        rpps="",
        reasons=(*why, *((reasons.sentence(best.evidence),) if best else ()), *_context(found)),
        version=VERSION,
        score=best.score if best else 0.0,
        margin=round(margin, 2),
        runner_up=best.evidence.rpps if best else "",
        registry_date=found.state.day,
    )


def _context(found: Search) -> Iterator[str]:
    yield f"État du registre : {_day(found.state.day)}."
    if found.later:
        yield f"Cet état est postérieur de {found.later} jours à la capture."


def _day(iso: str) -> str:
    return date.fromisoformat(iso).strftime("%d/%m/%Y")
