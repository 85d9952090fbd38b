"""Say which council a profession in a department points to, and which routes are open. It looks up no person.

The council is that of the place of practice. The law asks for the one where the person is registered, which neither a
page nor the public register says: every answer is a proposal that somebody confirms with the Order.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference.models import Department, Order, Reference

LEVELS = {
    "departmental": "départemental ou interdépartemental",
    "interdepartmental": "interdépartemental",
    "regional": "régional",
    "interregional": "interrégional",
    "central": "central",
    "national": "national",
}


@dataclass(frozen=True)
class Competence:
    """Where a complaint about this profession in this department goes.

    `council` is the key of the address in the file that the organisation keeps (« medecins/69 », « CROPP-ARA »), empty
    without an Order. `routes` are codes of routes, the usual one first. `others` are the keys of the other authorities.
    """

    profession: str
    department: str
    order: str
    council: str
    body: str
    level: str
    territory: str
    code_of_ethics: tuple[str, ...]
    routes: tuple[str, ...]
    barred: tuple[str, ...]
    copies: int
    others: tuple[str, ...]
    verified: bool
    source: str


def competence(reference: Reference, profession: str, department: str, practice: str = "unknown") -> Competence:
    """The answer for a profession code, a department code and a way of practising.

    Raises `KeyError` for a code that the reference does not hold.
    """
    trade = reference.professions[profession]
    place = reference.departments[department]
    order = reference.orders[trade.order] if trade.order else None
    council, body, level, territory, verified, source = _council(reference, order, place, trade.source)
    routes, barred = _routes(reference, order, practice)
    return Competence(
        profession=profession,
        department=department,
        order=order.code if order else "",
        council=council,
        body=body,
        level=level,
        territory=territory,
        code_of_ethics=trade.code_of_ethics,
        routes=routes,
        barred=barred,
        copies=reference.routes[routes[0]].copies,
        others=(f"cpam/{department}", "ddd", *((f"national/{order.code}",) if order else ())),
        verified=verified,
        source=source,
    )


def practice_of(reference: Reference, mode: str, sector: str) -> str:
    """The way of practising of a register's codes: the entry that names both, else the one that names the mode."""
    named = [practice for practice in reference.practices.values() if mode and mode in practice.modes]
    exact = [practice for practice in named if sector in practice.sectors]
    general = [practice for practice in named if not practice.sectors]
    return next((practice.code for practice in (*exact, *general)), "unknown")


def _council(
    reference: Reference, order: Order | None, place: Department, trade_source: str
) -> tuple[str, str, str, str, bool, str]:
    """Key, name, level, territory, whether it was verified, and the source."""
    where = f"{place.name} ({place.code})"
    if order is None:
        return "", "", "", where, True, trade_source
    for council in reference.councils.values():
        if council.order == order.code and place.code in council.departments:
            known = ", ".join(council.departments)
            return council.code, council.label, council.level, f"départements {known}", council.verified, council.source
    body = f"{order.body_label} ({place.name})"
    return f"{order.code}/{place.code}", body, order.level, where, False, order.source


def _routes(reference: Reference, order: Order | None, practice: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Open and closed routes. Without an Order the caisse and the Défenseur des droits come first."""
    way = reference.practices[practice]
    touched = order is not None and order.code in way.orders
    barred = way.bars if touched else ()
    reserved = {code for one in reference.practices.values() for code in one.opens} - set(way.opens if touched else ())
    wanted = "needed" if order else "none"
    open_routes = [
        route.code
        for route in reference.routes.values()
        if route.order in (wanted, "any") and route.code not in barred and route.code not in reserved
    ]
    first = [code for code in (way.opens if touched else ()) if code in open_routes]
    return (*first, *(code for code in open_routes if code not in first)), tuple(barred)
