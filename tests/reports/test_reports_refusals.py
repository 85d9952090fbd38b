"""What may not leave does not leave, and a failure leaves nothing behind."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import reports_world as world
from pypdf import PdfReader
from sqlalchemy import select, text

from ledger import Ledger, StoreFull
from ledger.events import record
from ledger.models import Dossier, Event
from reference.errors import VigieError
from reports import CannotWrite, DossierRefused, NoSuchCase, WrittenDossier, write_dossier


def write(made: world.World, out: Path, *, allow_incomplete: bool = False) -> WrittenDossier:
    return write_dossier(made.ledger, made.case_id, out, allow_incomplete=allow_incomplete, actor="x", now=world.NOW)


def nothing_was_written(made: world.World, out: Path) -> bool:
    with made.ledger.session() as session:
        recorded = (
            session.scalars(select(Dossier)).all()
            or session.scalars(select(Event).where(Event.kind == "dossier_written")).all()
        )
    return not recorded and (not out.exists() or not list(out.iterdir()))


@pytest.mark.parametrize("verdicts", [(), ("confirm",), ("confirm", "dismiss"), ("dismiss", "dismiss"), ("doubt",) * 3])
def test_a_case_that_is_not_confirmed_never_leaves(ledger: Ledger, tmp_path: Path, verdicts: Sequence[str]) -> None:
    made = world.build(ledger, verdicts=verdicts)
    for allow_incomplete in (False, True):
        with pytest.raises(DossierRefused, match="n’est pas confirmé"):
            write(made, tmp_path / "out", allow_incomplete=allow_incomplete)
    assert nothing_was_written(made, tmp_path / "out")


def test_an_unknown_identity_is_refused_or_marked_on_every_page(ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(ledger, status="none")
    with pytest.raises(DossierRefused) as refused:
        write(made, tmp_path / "out")
    assert isinstance(refused.value, VigieError) and "\n" not in str(refused.value)
    assert refused.value.gaps == ("l’identité du professionnel n’est pas établie (identité non établie)",)
    assert nothing_was_written(made, tmp_path / "out")
    written = write(made, tmp_path / "out", allow_incomplete=True)
    assert not written.complete and written.gaps == refused.value.gaps
    reader = PdfReader(written.pdf_path)
    assert all("À COMPLÉTER" in page.extract_text() for page in reader.pages)
    assert reader.metadata is not None and (reader.metadata.title or "").startswith("À COMPLÉTER")
    with ledger.session() as session:
        row = session.scalars(select(Dossier)).one()
        assert not row.complete and tuple(row.gaps) == written.gaps
    assert json.loads((written.path / "data/facts.json").read_bytes())["gaps"] == list(written.gaps)


@pytest.mark.parametrize("status", ["ambiguous", "organisation", "no_order"])
def test_only_a_linked_identity_is_enough(sqlite_ledger: Ledger, tmp_path: Path, status: str) -> None:
    with pytest.raises(DossierRefused, match="identité"):
        write(world.build(sqlite_ledger, status=status), tmp_path / "out")


def test_a_number_that_the_page_does_not_show_is_a_gap(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger, content=world.page([world.WORDING], rpps="81000999999"))
    with pytest.raises(DossierRefused, match="numéro RPPS"):
        write(made, tmp_path / "out")


def test_an_unknown_council_is_a_gap(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(DossierRefused, match="conseil de l’Ordre"):
        write(world.build(sqlite_ledger, postcode=""), tmp_path / "out")


def test_a_profession_without_an_order_is_a_gap(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(DossierRefused, match="Ordre compétent"):
        write(world.build(sqlite_ledger, profession="inconnue"), tmp_path / "out")


@pytest.mark.parametrize("damage", ["removed", "flipped", "emptied"])
def test_a_key_exhibit_that_is_not_whole_never_leaves(sqlite_ledger: Ledger, tmp_path: Path, damage: str) -> None:
    made = world.build(sqlite_ledger)
    path = sqlite_ledger.store.path(made.warc_sha256)
    path.chmod(0o644)
    if damage == "removed":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(bytes(data) if damage == "flipped" else b"")
    for allow_incomplete in (False, True):
        with pytest.raises(DossierRefused, match=r"la pièce principale est (absente|altérée)"):
            write(made, tmp_path / "out", allow_incomplete=allow_incomplete)
    assert nothing_was_written(made, tmp_path / "out")


def test_a_damaged_second_exhibit_is_a_gap(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    second = world.exchange(world.page([world.WORDING, "Autre."]), world.T0 + timedelta(days=3))
    number = world.capture(sqlite_ledger, second)
    world.passage(sqlite_ledger, made.listing_id, number, world.WORDING, trigger=world.TRIGGER)
    with sqlite_ledger.session() as session:
        address = session.scalar(text("SELECT warc_sha256 FROM capture WHERE id = 2"))
    sqlite_ledger.store.path(str(address)).unlink()
    with pytest.raises(DossierRefused, match="la capture du 05/03/2026 09:15:30 est absente"):
        write(made, tmp_path / "out")
    written = write(made, tmp_path / "out", allow_incomplete=True)
    assert not written.complete and not list(written.path.glob("data/exhibits/piece-02*"))


def test_a_wording_that_the_page_does_not_hold_never_leaves(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger, content=world.page(["La CMU est acceptée au cabinet."]))
    for allow_incomplete in (False, True):
        with pytest.raises(DossierRefused, match="n’est pas retrouvée"):
            write(made, tmp_path / "out", allow_incomplete=allow_incomplete)


def test_a_body_that_does_not_unpack_never_leaves(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.gzip, "compress", lambda *_, **__: b"not gzip at all")
    made = world.build(sqlite_ledger)
    with pytest.raises(DossierRefused, match="illisible"):
        write(made, tmp_path / "out", allow_incomplete=True)


def test_an_unknown_case(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(NoSuchCase, match="42"):
        write_dossier(sqlite_ledger, 42, tmp_path, actor="x")


def test_a_full_disk_leaves_nothing(sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.build(sqlite_ledger)
    for survived in (0, 4, 9, 10):  # the first file, a later one, the ZIP, the last folder
        left = iter([None] * survived)

        def full(_handle: int, left: Iterator[None] = left) -> None:
            if next(left, "full") == "full":
                raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("ledger.bundle.folder.os.fsync", full)
            with pytest.raises(StoreFull, match="disque est plein"):
                write(made, tmp_path / "out")
        assert nothing_was_written(made, tmp_path / "out")
    assert write(made, tmp_path / "out").path.name == world.NAME


def test_a_ledger_that_fails_takes_the_files_back(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.build(sqlite_ledger)

    def fail(*args: object, **detail: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reports.dossier.events.record", fail)
    with pytest.raises(KeyboardInterrupt):
        write(made, tmp_path / "out")
    monkeypatch.undo()
    assert nothing_was_written(made, tmp_path / "out")


def test_a_place_that_cannot_be_written_to(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(CannotWrite):
        write(made, tmp_path / "file")


@pytest.mark.parametrize(("subject", "number"), [("case", 1), ("capture", 1), ("crawl", 1)])
def test_a_pending_proof_is_a_gap_and_the_last_state_counts(
    sqlite_ledger: Ledger, tmp_path: Path, subject: str, number: int
) -> None:
    made = world.build(sqlite_ledger)
    with sqlite_ledger.session() as session:
        record(session, "seal_pending", subject, number, "x", reason="awaiting the authority")
    with pytest.raises(DossierRefused, match="preuve en attente : scellement horodaté"):
        write(made, tmp_path / "out")
    with sqlite_ledger.session() as session:
        record(session, "seal_present", subject, number, "x")
    written = write(made, tmp_path / "out")
    assert written.complete
    facts = json.loads((written.path / "data/facts.json").read_bytes())
    assert [proof["state"] for proof in facts["proofs"]] == ["present", "absent"]


def test_an_identity_that_two_people_did_not_confirm_is_a_gap(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger, keys=1)
    expected = ("l’identité n’a pas été confirmée par deux personnes",)
    with pytest.raises(DossierRefused) as refused:
        write(made, tmp_path / "out")
    assert refused.value.gaps == expected
    assert write(made, tmp_path / "out", allow_incomplete=True).gaps == expected
    with sqlite_ledger.session() as session:
        world.confirm_person(session, made.case_id)
    assert write(made, tmp_path / "whole").complete
    with sqlite_ledger.session() as session:
        world.confirm_person(session, made.case_id, rpps="81000000026")  # both think better of it: another person
    with pytest.raises(DossierRefused) as refused:
        write(made, tmp_path / "other")
    assert refused.value.gaps == ("la personne confirmée n’est pas celle que le registre désigne aujourd’hui",)
