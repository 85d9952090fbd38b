"""Every kind of PDF that leaves, made from invented worlds: dossiers, letters of each route, barometers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import reports_world as world
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from letters_world import prepared
from survey_world import PLAN, fill
from visits_world import png, visit

from ledger import Ledger
from ledger.bundle import Means, Signer, sign_pdf
from reference import load_reference
from reports import write_dossier, write_letter
from reports.barometer import write_barometer
from reports.intervals import reader_error
from reports.survey import survey

ACCEPTED = "Le tiers payant est pratiqué pour la C2S."


def office() -> Signer:
    """A certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Association d’essai")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    return Signer(made.not_valid_after(datetime(2090, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256()), key)


def variants(folder: Path, template: bytes, wanted: Collection[str] = ()) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each wanted, or of all. `template` is an empty ledger's file, migrated once."""
    for name in wanted or VARIANTS:
        home = folder / name
        home.mkdir()
        (home / "ledger.sqlite").write_bytes(template)
        ledger = Ledger.open(home)
        try:
            yield name, VARIANTS[name](ledger, home / "out")
        finally:
            ledger.close()


def _dossier(made: world.World, out: Path, *, incomplete: bool = False, means: Means | None = None) -> bytes:
    more = {"means": means} if means else {}
    written = write_dossier(
        made.ledger, made.case_id, out, actor="x", now=world.NOW, allow_incomplete=incomplete, **more
    )
    return written.pdf_path.read_bytes()


def _plain(ledger: Ledger, out: Path) -> bytes:
    return _dossier(world.build(ledger), out)


def _with_images(ledger: Ledger, out: Path) -> bytes:
    made = world.build(ledger)
    visit(made, world.T0 + timedelta(hours=1), png(1280, 3000), "a" * 32)
    visit(made, world.T0 + timedelta(hours=30), png(1280, 900), "b" * 32)
    return _dossier(made, out)


def _fine_images(ledger: Ledger, out: Path) -> bytes:
    made = world.build(ledger)
    for hours, profile in ((1, "a"), (30, "b")):
        visit(made, world.T0 + timedelta(hours=hours), png(2600, 100), profile * 32)
    return _dossier(made, out)


def _incomplete(ledger: Ledger, out: Path) -> bytes:
    return _dossier(world.build(ledger, status="ambiguous"), out, incomplete=True)


def _exercise(ledger: Ledger, out: Path) -> bytes:
    return _dossier(world.build(ledger, url="http://127.0.0.1:8081/dentiste/lyon/camille-exemple"), out)


def _many(ledger: Ledger, out: Path) -> bytes:
    made = world.build(ledger, verdicts=("confirm", "dismiss", "confirm"), others=[ACCEPTED])
    world.passage(
        ledger,
        made.listing_id,
        made.capture_id,
        ACCEPTED,
        stance="acceptance",
        trigger=ACCEPTED[:-1],
        locator="html > body > p:nth-of-type(2)",
    )
    for number in range(1, 8):
        page = world.page([world.WORDING, f"Fermé le {number} mai."])
        again = world.capture(ledger, world.exchange(page, world.T0 + timedelta(days=number)))
        world.passage(ledger, made.listing_id, again, world.WORDING, trigger=world.TRIGGER)
    world.capture(ledger, world.exchange(world.page(["Ouvert à tous."]), world.T0 + timedelta(days=9)))
    return _dossier(made, out)


def _strange(ledger: Ledger, out: Path) -> bytes:
    text = "😀 Pas de CMU\u200b ni ⟦AME⟧ ; 診療 ; א ; \ufb01n."
    return _dossier(world.build(ledger, text=text, trigger="Pas de CMU", name="Dr Zoë Œuvre-Łódź 😀"), out)


def _signed(ledger: Ledger, out: Path) -> bytes:
    signer = office()
    means = Means("Association d’essai", signer, sign_pdf=lambda data: sign_pdf(data, signer, reason="Essai"))
    return _dossier(world.build(ledger), out, means=means)


def _letter(route: str, *, incomplete: bool = False) -> Callable[[Ledger, Path], bytes]:
    def make(ledger: Ledger, out: Path) -> bytes:
        made = prepared(ledger, practice="hospital" if route == "ars" else "liberal")
        if incomplete:
            (ledger.home / "annuaire.yaml").unlink()
        written = write_letter(
            ledger,
            made.case_id,
            route,
            out,
            home=ledger.home,
            mandate=ledger.home / "mandat.yaml" if route == "mandate" else None,
            allow_incomplete=incomplete,
            actor="x",
            now=world.NOW,
        )
        return written.pdf_path.read_bytes()

    return make


def _barometer(*, empty: bool) -> Callable[[Ledger, Path], bytes]:
    def make(ledger: Ledger, out: Path) -> bytes:
        if not empty:
            fill(ledger, PLAN)
        reference = load_reference()
        write_barometer(survey(ledger, reference, reader_error()), reference, out, world.NOW)
        return (out / "barometre.pdf").read_bytes()

    return make


DOSSIERS: dict[str, Callable[[Ledger, Path], bytes]] = {
    "dossier": _plain,
    "dossier-images": _with_images,
    "dossier-images-trop-fines": _fine_images,
    "dossier-incomplet": _incomplete,
    "dossier-exercice": _exercise,
    "dossier-long": _many,
    "dossier-caracteres": _strange,
    "dossier-signe": _signed,
}
LETTERS = {f"lettre-{route}": _letter(route) for route in load_reference().routes} | {
    "lettre-incomplete": _letter("complaint", incomplete=True)
}
BAROMETERS = {"barometre": _barometer(empty=False), "barometre-vide": _barometer(empty=True)}
VARIANTS = {**DOSSIERS, **LETTERS, **BAROMETERS}
