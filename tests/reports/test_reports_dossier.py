"""A dossier is complete, verifiable with stock tools, readable by people and machines, and never overwritten."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import reports_world as world
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pypdf import PdfReader
from sqlalchemy import select

from ledger import Ledger
from ledger.bundle import Means, Signer, sign_pdf
from ledger.clean_captures import Target, keep
from ledger.clean_facts import CODES, Fact, Piece, Taken
from ledger.models import Dossier, Event
from ledger.sealing.seals import make_seals
from ledger.verifying.paths import verify_path
from reports import WrittenDossier, write_dossier


def write(made: world.World, out: Path, *, allow_incomplete: bool = False) -> WrittenDossier:
    return write_dossier(
        made.ledger, made.case_id, out, allow_incomplete=allow_incomplete, actor="conductor", now=world.NOW
    )


def text_of(pdf: Path) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(pdf).pages).split())


def test_a_confirmed_case_gives_a_whole_dossier(ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(ledger)
    written = write(made, tmp_path / "out")
    assert written.complete and written.gaps == ()
    assert written.path.name == world.NAME and written.zip_path.name == f"{world.NAME}.zip"
    names = {path.relative_to(written.path).as_posix() for path in written.path.rglob("*") if path.is_file()}
    assert names == {
        "bagit.txt",
        "bag-info.txt",
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
        "closing.json",
        "data/dossier.pdf",
        "data/facts.json",
        "data/method.md",
        "data/LISEZMOI.txt",
        "data/verify.py",
        "data/evidence.json",
        "data/custody.jsonl",
        "data/proofs/custody.jsonl",
        "data/captures.wacz",
        "data/exhibits/piece-01-capture.warc.gz",
        "data/exhibits/piece-01-page.html",
        "data/exhibits/piece-01-passage.txt",
    }
    assert (written.path / "data/exhibits/piece-01-capture.warc.gz").read_bytes() == ledger.store.read(made.warc_sha256)
    assert (written.path / "data/exhibits/piece-01-page.html").read_bytes() == world.page([world.WORDING])
    assert (written.path / "data/exhibits/piece-01-passage.txt").read_text(encoding="utf-8") == world.WORDING
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [world.NAME, f"{world.NAME}.zip"]
    with ledger.session() as session:
        row = session.scalars(select(Dossier)).one()
        assert (row.case_id, row.name, row.complete, row.gaps) == (made.case_id, world.NAME, True, [])
        event = session.scalars(select(Event).where(Event.kind == "dossier_written")).one()
        assert (event.subject, event.subject_id, event.actor) == ("dossier", row.id, "conductor")
        assert event.detail["manifest_sha256"] == row.manifest_sha256 == written.manifest_sha256


def test_stock_tools_accept_it(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    written = write(world.build(sqlite_ledger), tmp_path)
    check = ["sha256sum", "-c", "--strict", "manifest-sha256.txt", "tagmanifest-sha256.txt"]
    done = subprocess.run(check, cwd=written.path, capture_output=True, text=True, env={"LC_ALL": "C"}, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 16
    assert hashlib.sha256((written.path / "tagmanifest-sha256.txt").read_bytes()).hexdigest() == written.manifest_sha256
    (written.path / "data/facts.json").write_text("{}", encoding="utf-8")
    assert subprocess.run(check, cwd=written.path, capture_output=True, check=False).returncode == 1
    with zipfile.ZipFile(written.zip_path) as archive:
        assert archive.testzip() is None
        assert (
            archive.read(f"{world.NAME}/tagmanifest-sha256.txt")
            == (written.path / "tagmanifest-sha256.txt").read_bytes()
        )
        assert len(archive.namelist()) == 17


def test_the_pdf_is_archival_accessible_and_carries_its_facts(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    written = write(world.build(sqlite_ledger), tmp_path)
    reader = PdfReader(written.pdf_path)
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "fr-FR" and root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    metadata = root["/Metadata"].get_data().decode()
    for mark in ("<pdfaid:part>3<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<", "2026-03-20T09:00:00"):
        assert mark in metadata
    assert reader.metadata is not None and reader.metadata.title == f"Dossier de signalement {world.NUMBER}"
    assert reader.attachments["facts.json"] == [(written.path / "data/facts.json").read_bytes()]
    last = len(reader.pages)
    for number, page in enumerate(reader.pages, 1):
        text = " ".join(page.extract_text().split())
        assert f"page {number} / {last}" in text and world.NUMBER in text and "COMPLÉTER" not in text
        for font in page["/Resources"]["/Font"].values():
            held = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(held)


def test_what_the_pdf_says(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    text = text_of(write(made, tmp_path).pdf_path)
    for said in (
        "n’accepte pas la CMU ni l’AME",
        "Tarifs et paiement",
        "2 mars 2026 à 9 h 15 min 30 s (heure de Paris)",
        "02/03/2026 08:15:30 UTC",
        world.URL,
        made.warc_sha256,
        "présumé innocent",
        "reste à confirmer par l’Ordre",
        "Rhône (69)",
        "du tableau auquel le professionnel est inscrit",
        "Relecteur A",
        "Relecteur B",
        "à vérifier",
        "Scellement horodaté : absent",
        "Capture dans un navigateur vierge : absent",
        "ne prouve pas",
        "retrouvé mot pour mot à son emplacement",
    ):
        assert said in text, said
    assert "Relecteur C" not in text and "EXERCICE" not in text
    assert "Article L. 1110-3 du code de la santé publique" in text.replace("\u00a0", " ")


def test_reviewers_stay_unnamed(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    written = write(world.build(sqlite_ledger), tmp_path)
    for path in written.path.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert b"Nom-Secret" not in held and b"lecteur0" not in held
    told = text_of(written.pdf_path)
    assert "Nom-Secret" not in told and "ont reconnu" in told and "(heure de Paris)" in told  # when, never who


def test_the_facts_are_complete_and_readable(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    facts = json.loads((write(made, tmp_path).path / "data/facts.json").read_bytes())
    assert facts["schema"] == "vigie-dossier/2" and facts["complete"] is True
    assert facts["practitioner"]["rpps"] == world.RPPS and facts["authority"]["confirmed"] is None
    assert facts["wordings"][0]["wording"]["text"] == world.WORDING and facts["wordings"][0]["wording"]["exhibit"] == 1
    assert (
        facts["wordings"][0]["wording"]["text"][
            facts["wordings"][0]["wording"]["start"] : facts["wordings"][0]["wording"]["end"]
        ]
        == world.TRIGGER
    )
    assert facts["captures"][0]["captured_at"] == "2026-03-02T08:15:30Z"
    assert [vote["letter"] for vote in facts["wordings"][0]["verdicts"]] == ["A", "B"]
    assert {proof["state"] for proof in facts["proofs"]} == {"absent"}
    assert all(rule["verified"] in (True, False) and rule["source"] for rule in facts["wordings"][0]["law"])


def test_the_same_moment_gives_the_same_bytes(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    first, second = write(made, tmp_path / "a"), write(made, tmp_path / "b")
    assert first.zip_path.read_bytes() == second.zip_path.read_bytes()
    assert first.manifest_sha256 == second.manifest_sha256


def test_an_earlier_dossier_is_kept(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    first = write(made, tmp_path)
    before = first.zip_path.read_bytes()
    second = write(made, tmp_path)
    assert second.path.name == f"{world.NAME}-2" and f"{world.NUMBER}-2" in text_of(second.pdf_path)
    assert first.zip_path.read_bytes() == before


def test_what_speaks_for_the_practitioner_is_told(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    kind = "Le tiers payant est pratiqué pour les patients C2S."
    made = world.build(sqlite_ledger, others=[kind], verdicts=("confirm", "dismiss", "confirm"))
    world.passage(
        sqlite_ledger,
        made.listing_id,
        made.capture_id,
        kind,
        stance="acceptance",
        trigger="tiers payant est pratiqué",
        locator="html > body > p:nth-of-type(2)",
    )
    world.capture(
        sqlite_ledger, world.exchange(world.page(["Tous les patients sont reçus."]), world.T0 + timedelta(days=9))
    )
    written = write(made, tmp_path)
    text = text_of(written.pdf_path)
    assert f"« {kind} »" in text.replace("\u00a0", " ")
    assert "La formule n’apparaissait plus" in text and "11 mars 2026" in text
    assert "Un relecteur au moins ne l’a pas confirmée" in text and "Relecteur C" in text
    facts = json.loads((written.path / "data/facts.json").read_bytes())
    assert (
        facts["wordings"][0]["observed"]["withdrawn"] is True and facts["wordings"][0]["in_favour"][0]["text"] == kind
    )


def test_every_sighting_is_dated_and_kept(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    world.repeat(sqlite_ledger, made.capture_id, world.T0 + timedelta(days=2))
    again = world.capture(
        sqlite_ledger, world.exchange(world.page([world.WORDING, "Autre."]), world.T0 + timedelta(days=60))
    )
    world.passage(sqlite_ledger, made.listing_id, again, world.WORDING, trigger=world.TRIGGER)
    written = write(made, tmp_path)
    text = text_of(written.pdf_path)
    assert "3 captures" in text and "page identique à celle de la capture" in text
    assert "01/05/2026 10:15:30" in text  # summer time
    facts = json.loads((written.path / "data/facts.json").read_bytes())
    assert [exhibit["captures"] for exhibit in facts["exhibits"]] == [["C1", "C2"], ["C3"]]
    assert facts["wordings"][0]["observed"]["withdrawn"] is False


def test_pages_of_the_machine_itself_are_marked_as_an_exercise(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    written = write(world.build(sqlite_ledger, url="http://127.0.0.1:8080/dentiste/lyon/camille"), tmp_path)
    assert all("EXERCICE" in page.extract_text() for page in PdfReader(written.pdf_path).pages)


def test_an_import_is_told(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    written = write(world.build(sqlite_ledger, provenance="import:page.html"), tmp_path)
    assert "viennent d’un fichier remis" in text_of(written.pdf_path)


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json"])
def test_a_wording_in_json(sqlite_ledger: Ledger, tmp_path: Path, kind: str) -> None:
    content = world.as_json(
        {"data": {"profile": {"bio": "<p>Le cabinet n’accepte pas la CMU</p>"}, "rpps": world.RPPS}}
    )
    made = world.build(
        sqlite_ledger,
        text="Le cabinet n’accepte pas la CMU",
        trigger="n’accepte pas la CMU",
        content=content,
        kind=kind,
        locator="/data/profile/bio",
    )
    written = write(made, tmp_path)
    assert (written.path / "data/exhibits/piece-01-page.json").read_bytes() == content
    assert "à son emplacement" in text_of(written.pdf_path)


def office() -> Signer:
    """A certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Association d’essai")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    return Signer(made.not_valid_after(datetime(2090, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256()), key)


def test_a_signed_dossier_verifies(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    signer = office()
    means = Means("Association d’essai", signer, sign_pdf=lambda data: sign_pdf(data, signer, reason="Essai"))
    made = world.build(sqlite_ledger)
    written = write_dossier(made.ledger, made.case_id, tmp_path, actor="conductor", now=world.NOW, means=means)
    states = {check.name: check.state for check in verify_path(written.zip_path, signer=signer.sha256).checks}
    assert states["signature"] == states["pdf"] == states["manifests"] == "passed" and "failed" not in states.values()
    closing = json.loads((written.path / "closing.json").read_bytes())
    assert closing["pdf"] == {"level": "B-B", "reason": "aucune autorité d’horodatage n’est configurée"}
    assert PdfReader(written.pdf_path).attachments["facts.json"] == [(written.path / "data/facts.json").read_bytes()]


def test_a_clean_capture_goes_into_the_dossier(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    at = world.T0 + timedelta(days=1)
    taken = Taken(
        url=world.URL,
        final_url=world.URL,
        started_at=at,
        ended_at=at,
        outcome="page",
        reason="",
        status=200,
        profile="a" * 32,
        browser="Chrome/1",
        software="vigie 0.1.0",
        facts=tuple(Fact(code, "proved", "vu") for code in CODES),
        pieces=(Piece("image", "page-01.png", "image/png", b"image"),),
        visible_text=world.WORDING,
    )
    target = Target(made.case_id, world.URL, "doctolib", world.WORDING, world.TRIGGER, True)
    kept = keep(sqlite_ledger, target, taken, "vigie")
    make_seals(sqlite_ledger, "vigie 0.1.0")
    written = write(made, tmp_path, allow_incomplete=True)  # a second visit, a day later, is still to come
    assert (written.path / "data/exhibits/clean-000001/page-01.png").read_bytes() == b"image"
    entries = json.loads((written.path / "data/evidence.json").read_bytes())["captures"]
    told = [(entry["kind"], entry["id"]) for entry in entries]
    assert told == [("capture", made.capture_id), ("clean_capture", kept.id)]
    states = {check.name: check.state for check in verify_path(written.zip_path).checks}
    assert states["inclusion"] == states["warc"] == "passed" and "failed" not in states.values()


def test_the_zip_holds_only_plain_relative_names(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    written = write(world.build(sqlite_ledger), tmp_path)
    with zipfile.ZipFile(io.BytesIO(written.zip_path.read_bytes())) as archive:
        for entry in archive.infolist():
            assert entry.filename.startswith(f"{world.NAME}/") and ".." not in entry.filename
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
