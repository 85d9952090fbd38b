"""What an invented organisation keeps to write letters: itself, addresses, a mandate; and a case ready for one."""

from __future__ import annotations

from datetime import date

import reports_world as world

from ledger import Ledger
from ledger.councils import confirm_council
from ledger.models import Dossier

ORGANISATION = """
name: Association Exemple pour l’accès aux soins
form: association régie par la loi du 1er juillet 1901
address: [3 rue du Modèle, 69001 Lyon]
city: Lyon
represented_by: Dominique Modèle
quality: présidente
email: contact@association.example
purpose: la défense des droits des usagers du système de santé et des personnes en situation de précarité
statutes: article 2 des statuts
approval: agrément fictif nº 0, pour l’exercice
"""
ADDRESSES = """
chirurgiens_dentistes/69: &address
  name: Conseil départemental de l’Ordre (fictif)
  lines: [1 place de l’Essai, 69002 Lyon]
  source: adresse inventée pour un essai
  read_on: 2026-03-01
cpam/69: *address
ars/69: *address
ddd: *address
national/chirurgiens_dentistes: *address
platform/doctolib: *address
"""
MANDATE = """
person: Claude Essai
address: [5 rue du Test, 69003 Lyon]
given_on: 2026-03-10
account: Le 9 mars 2026, le secrétariat m’a dit au téléphone que le cabinet ne recevait pas les patients à la CMU.
"""


def prepared(
    ledger: Ledger, *, practice: str = "liberal", confirmed: bool = True, dossier: bool = True, **more: object
) -> world.World:
    """A case with everything a letter needs, or with one thing less."""
    made = world.build(ledger, **more)  # type: ignore[arg-type]
    (ledger.home / "organisation.yaml").write_text(ORGANISATION, encoding="utf-8")
    (ledger.home / "annuaire.yaml").write_text(ADDRESSES, encoding="utf-8")
    (ledger.home / "mandat.yaml").write_text(MANDATE, encoding="utf-8")
    if confirmed:
        with ledger.session() as session:
            confirm_council(
                session,
                made.case_id,
                council="chirurgiens_dentistes/69",
                practice=practice,
                answered_on=date(2026, 3, 15),
                how="l’annuaire public de l’Ordre",
                actor="x",
            )
    if dossier:
        with ledger.session() as session:
            session.add(
                Dossier(
                    case_id=made.case_id,
                    written_at=world.NOW,
                    name=world.NAME,
                    complete=True,
                    gaps=[],
                    manifest_sha256="5" * 64,
                )
            )
    return made
