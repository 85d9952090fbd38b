"""Every route of the desk × every parameter that it reads × values that nobody expects: what Schemathesis would try.

The parameters are read from the routes' own signatures: a route or a field that is added is tried as well.
"""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from direct_client import Direct
from test_review_rights import routes

from review import rights

ODD = (
    "", "0", "-1", "1", "2", "é\u202e", "%00", "\x00", "' OR 1=1 --", "9" * 30, "a" * 3000, "../..", "confirm", "=1+1",
    "{{7*7}}", "🦊" * 50, "1e9", "true", "[]", "1.5", " ", "\r\nSet-Cookie: a=b", "2026-13-45", "null", "<script>",
    "refuses_beneficiaries", "aucune", "reviewer", "\ud7ff", "²", "٣",
)  # fmt: skip
FIELDS = ("q", "etat", "formule", "prestation", "depuis", "jusque", "plateforme", "departement", "profession")
LEAVING = re.compile(r"/deconnexion|/compte/seances|/connexion|/personnes/\{reviewer_id\}/(fermer|role|renouveler)")


@dataclass(frozen=True)
class Odd:
    """One request: where, by the template; the address asked for; what is sent."""

    method: str
    path: str
    address: str
    form: dict[str, str] = field(default_factory=dict)


def parameters(app: Any) -> dict[tuple[str, str], list[str]]:
    """The names of what each route reads from the address and the form, beyond what every route is given."""
    endpoints: dict[tuple[str, str], Any] = {}

    def collect(found: Any) -> None:
        for route in found:
            if hasattr(route, "original_router"):
                collect(route.original_router.routes)
            elif hasattr(route, "endpoint"):
                endpoints.update({(method, route.path): route.endpoint for method in route.methods})

    collect(app.routes)
    given = {"request", "desk", "person", "form"}
    return {
        key: [name for name in inspect.signature(endpoints[key]).parameters if name not in given]
        for key in routes(app)
        if key in endpoints
    }


def requests(app: Any, chance: random.Random, share: float = 1.0) -> Iterator[Odd]:
    """Each route with each of its parameters odd in turn, the others plain; and all odd at once. `share` of them."""
    for (method, path), names in sorted(parameters(app).items()):
        if LEAVING.search(path):
            continue
        extra = list(FIELDS) if path.startswith("/recherche") else ["inconnu"]
        for name in [*names, *extra]:
            for value in ODD:
                if chance.random() < share:
                    yield _one(method, path, {**dict.fromkeys(names, "1"), name: value})
        for _ in range(3):
            yield _one(method, path, {name: chance.choice(ODD) for name in [*names, *extra]})


def _one(method: str, path: str, values: dict[str, str]) -> Odd:
    inside = set(re.findall(r"\{(\w+)\}", path))
    address = re.sub(r"\{(\w+)\}", lambda m: quote(values.get(m.group(1), "1"), safe="") or "1", path)
    rest = {name: value for name, value in values.items() if name not in inside}
    if method == "POST":
        return Odd(method, path, address, rest)
    return Odd(method, path, f"{address}?{urlencode(rest)}" if rest else address)


def faults(browsers: dict[str, Direct], asked: Iterator[Odd], login: Any) -> tuple[int, list[str]]:
    """Ask everything by every role that the route is open to; how many requests, and those answered badly."""
    count, bad = 0, []
    for odd in asked:
        rule = rights.TABLE[(odd.method, odd.path)]
        for role, browser in browsers.items():
            if role not in rule.roles:
                continue
            count += 1
            form = {**odd.form, "csrf": browser.token()} if odd.method == "POST" else None
            answer = browser.request(odd.method, odd.address, form)
            if answer.status >= 500 or re.search("Traceback|sqlalchemy|psycopg|sqlite3", answer.text):
                bad.append(f"{role} {odd.method} {odd.address[:120]} {odd.form}: {answer.status}")
            if browser.get("/aide").status != 200:
                login(role, browser)
    return count, bad
