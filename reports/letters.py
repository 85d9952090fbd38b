"""Write one letter about a confirmed case, by route, from a French template that an organisation can adapt.

It sends nothing and claims nothing that the evidence does not show; what is missing is named, and the letter refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from sqlalchemy import select

from ledger import Ledger, events
from ledger.bundle import told
from ledger.models import Dossier, Json, Reviewer
from reference import Reference, Route, load_reference
from reference.errors import VigieError
from reports import moments, words
from reports.assembly import Assembly, assemble
from reports.letter_checks import Draft, check
from reports.letter_words import TO_CHECK, context
from reports.organisation import (
    LETTERS,
    Address,
    Mandate,
    Organisation,
    load_addresses,
    load_mandate,
    load_organisation,
)
from reports.pdf import typeset

NO_ROUTE = "no route of that name"


class LetterRefused(VigieError):
    """The letter may not leave; `missing` says why, each « check: what is missing »."""

    def __init__(self, missing: Sequence[str]) -> None:
        """Make the one line an operator reads."""
        self.missing = tuple(missing)
        super().__init__("lettre refusée : " + " ; ".join(self.missing))


class BadTemplate(VigieError):
    """A template of the organisation cannot be filled in."""


@dataclass(frozen=True)
class WrittenLetter:
    """Where a letter lies, and what is still missing before it may leave (empty: nothing)."""

    pdf_path: Path
    text_path: Path
    sha256: str
    missing: tuple[str, ...]


def write_letter(
    ledger: Ledger,
    case_id: int,
    route: str,
    out: Path,
    *,
    home: Path,
    mandate: Path | None = None,
    allow_incomplete: bool = False,
    actor: str,
    now: datetime | None = None,
) -> WrittenLetter:
    """Write `<route>-<reference>.pdf` and `.txt` into `out`, and record an event.

    `home` holds `organisation.yaml`, `annuaire.yaml` and, for templates of its own, `lettres/<route>.txt`. Raises
    `LetterRefused` when something is missing, unless `allow_incomplete`: the letter then says « à compléter » on top.
    Raises `NoSuchCase`, `BadOrganisation`, `BadTemplate`, `CannotWrite`, `VigieError` for an unknown route.
    """
    at = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    reference = load_reference()
    if route not in reference.routes:
        raise VigieError(f"{NO_ROUTE}: {route}; there are {', '.join(reference.routes)}")
    chosen = reference.routes[route]
    assembly = assemble(ledger, case_id, reference, chosen.articles)
    draft = _draft(ledger, assembly, chosen, reference, home, load_mandate(mandate) if mandate else None, at)
    missing = tuple(f"{found.check} : {found.text}" for found in check(draft, reference))
    if missing and not allow_incomplete:
        raise LetterRefused(missing)
    pdf = typeset(_model(draft, missing), b"", at, template="letter.typ")
    name = f"{route}-{draft.reference.lower()}"
    digest = hashlib.sha256(pdf).hexdigest()
    with ledger.session() as session:  # what cannot be written is not recorded
        detail = {"route": route, "complete": not missing, "pdf_sha256": digest}
        events.record(session, "letter_written", "case", case_id, actor, **detail)
        paths = _write(out, name, pdf, _plain(draft, missing))
    return WrittenLetter(*paths, digest, missing)


def _draft(
    ledger: Ledger,
    assembly: Assembly,
    route: Route,
    reference: Reference,
    home: Path,
    mandate: Mandate | None,
    at: datetime,
) -> Draft:
    organisation = load_organisation(home)
    dossier, people = _dossier(ledger, assembly), _people(ledger)
    written = f"VIGIE-{at.year}-{assembly.person.token}"
    number = dossier.name.replace("dossier", "VIGIE", 1) if dossier else written
    values = context(assembly, route, reference, organisation, mandate, dossier, number)
    return Draft(
        route=route,
        assembly=assembly,
        organisation=organisation,
        mandate=mandate,
        key=(key := _key(route, assembly)),
        address=_address(load_addresses(home), key, route, assembly),
        dossier=dossier,
        reference=number,
        text=fill(template(route.code, home), values),
        quotes=tuple(fact["quote"] for fact in values["facts"]),
        people=people,
        on=moments.paris(at).date(),
    )


def template(route: str, home: Path | None = None) -> str:
    """The organisation's own template of a route, or the one shipped."""
    own = home / LETTERS / f"{route}.txt" if home else None
    if own is not None and own.exists():
        return own.read_text(encoding="utf-8")
    return resources.files("reports").joinpath(f"data/letters/{route}.txt").read_text(encoding="utf-8")


def fill(source: str, values: Mapping[str, Any]) -> str:
    """The template with its values. Values stand on one line each: none of them can begin a heading or a list.

    Raises `BadTemplate` for a template that asks for what does not exist.
    """
    environment = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    try:
        return environment.from_string(source).render(values)
    except TemplateError as error:
        raise BadTemplate(f"the template of the letter cannot be filled in: {error}") from error


def blocks(text: str) -> list[dict[str, str]]:
    """The filled template as blocks: `object`, `heading`, `quote`, `item` or `paragraph`, each a text."""
    found: list[dict[str, str]] = []
    marks = (("## ", "heading"), ("> ", "quote"), ("- ", "item"), ("Objet : ", "object"))
    for line in text.splitlines():
        bare = line.strip()
        if not bare:
            continue
        kind, start = next(((kind, mark) for mark, kind in marks if bare.startswith(mark)), ("paragraph", ""))
        found.append({"kind": kind, "text": bare[len(start) :]})
    return found


def _key(route: Route, assembly: Assembly) -> str:
    """The key of the address in the organisation's file."""
    main, authority = assembly.person.main, assembly.authority
    reference = load_reference()
    department = reference.department_of(main.shown.postcode)
    place = department.code if department else "?"
    order = reference.order_of(main.shown.profession)
    return {
        "council": authority.key if authority else "",
        "national": f"national/{order.code}" if order else "",
        "cpam": f"cpam/{place}",
        "ars": f"ars/{place}",
        "ddd": "ddd",
        "platform": f"platform/{main.platform}",
        "practitioner": "practitioner",
    }[route.addressee]


def _address(known: Mapping[str, Address], key: str, route: Route, assembly: Assembly) -> Address | None:
    """The address kept by the organisation; for the practitioner, the one that the page shows."""
    if route.addressee != "practitioner":
        return known.get(key)
    shown = assembly.person.main.shown
    lines = tuple(line for line in (shown.street, f"{shown.postcode} {shown.city}".strip()) if line)
    if not (shown.street and shown.postcode and shown.city):
        return None
    seen = assembly.parts[0].key.captured_at
    return Address(shown.display_name, lines, "", "adresse affichée sur la page", moments.paris(seen).date())


def _dossier(ledger: Ledger, assembly: Assembly) -> Dossier | None:
    """The newest complete dossier of the case."""
    query = select(Dossier).where(Dossier.case_id == assembly.person.main.case_id, Dossier.complete)
    with ledger.session() as session:
        return session.scalars(query.order_by(Dossier.id.desc()).limit(1)).first()


def _people(ledger: Ledger) -> tuple[str, ...]:
    """Names that no letter may hold."""
    with ledger.session() as session:
        rows = session.execute(select(Reviewer.login, Reviewer.display_name)).all()
    return tuple(name for row in rows for name in row if name)


def _model(draft: Draft, missing: Sequence[str]) -> Json:
    organisation: Organisation = draft.organisation
    return {
        "title": f"{draft.route.label} — {draft.reference}",
        "organisation": asdict(organisation),
        "to": [draft.address.name, *draft.address.lines] if draft.address else ["[adresse à compléter]"],
        "method": draft.route.method,
        "place": f"{organisation.city}, le {moments.day(draft.on)}",
        "reference": draft.reference,
        "blocks": blocks(draft.text),
        "copies": _copies(draft.route),
        "signature": [organisation.represented_by, organisation.quality, organisation.name],
        "missing": list(missing),
        "exercise": draft.assembly.exercise,
    }


def _copies(route: Route) -> str:
    """How many copies go with the letter and why, marked when the rule was not verified; nothing without copies."""
    if not route.copies:
        return ""
    said = f"{words.plural(route.copies, 'copie jointe', 'copies jointes')} : {route.copies_rule}"
    return said if route.verified else f"{said} {TO_CHECK}"


def _plain(draft: Draft, missing: Sequence[str]) -> bytes:
    """The letter as plain text, for a form or an e-mail."""
    to = [draft.address.name, *draft.address.lines] if draft.address else ["[adresse à compléter]"]
    head = [f"À COMPLÉTER : {text}" for text in missing]
    organisation = draft.organisation
    sender = [organisation.name, *organisation.address, organisation.email]
    place = f"{organisation.city}, le {moments.day(draft.on)}"
    lines = [*head, *filter(None, sender), "", *to, "", place, "", draft.text.strip(), ""]
    signed = [*lines, organisation.represented_by, organisation.quality, ""]
    return "\n".join(signed).encode("utf-8", "backslashreplace")


def _write(out: Path, name: str, pdf: bytes, text: bytes) -> tuple[Path, Path]:
    """Both files under a name that is free, or neither."""
    with told(out):
        out.mkdir(parents=True, exist_ok=True)
        number, free = 1, name
        while (out / f"{free}.pdf").exists() or (out / f"{free}.txt").exists():
            number += 1
            free = f"{name}-{number}"
        paths = out / f"{free}.pdf", out / f"{free}.txt"
        begun = []
        try:
            for path, data in zip(paths, (pdf, text), strict=True):
                with path.open("xb") as file:
                    begun.append(path)
                    file.write(data)
                path.chmod(0o600)
        except OSError:
            for path in begun:
                path.unlink(missing_ok=True)
            raise
    return paths
