"""The image of the page on the case sheet: whole, inert, recorded, and never a hint of what others decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from review_world import Browser, World
from sqlalchemy import select

from ledger.clean_tables import CleanCapture, CleanCaptureFile
from ledger.evidence_tables import Seal, SealLeaf, Stamp
from ledger.models import Event
from ledger.store import PIECE

Opener = Callable[[str], Browser]
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
BEFORE, AFTER = datetime(2026, 3, 2, tzinfo=UTC), datetime.now(UTC) + timedelta(days=1)


def visited(world: World, case_id: int, at: datetime, wording: str = "stayed", image: bytes = PNG) -> int:
    """A visit with one image, as the job of clean captures leaves it."""
    address = world.ledger.store.put(image, PIECE)
    with world.ledger.session() as session:
        row = CleanCapture(
            case_id=case_id, url="https://exemple.test/", final_url="https://exemple.test/", captured_at=at,
            ended_at=at, outcome="page", reason="", status=200, grade="incomplete", gaps=["heure non vérifiée"],
            wording=wording, profile="p", browser="Chrome/1", software="vigie", facts_sha256=address,
        )  # fmt: skip
        session.add(row)
        session.flush()
        common = {"clean_capture_id": row.id, "sha256": address, "size": len(image)}
        session.add(CleanCaptureFile(**common, position=0, kind="facts", name="facts.json", media_type="text/plain"))
        session.add(CleanCaptureFile(**common, position=1, kind="image", name="page-01.png", media_type="image/png"))
        return row.id


def test_the_sheet_shows_the_image_and_each_look_is_recorded(world: World, visit: Opener) -> None:
    case_id = world.case()
    number = visited(world, case_id, BEFORE)
    alix = visit("alix")
    page = alix.get(f"/cas/{case_id}").text
    assert f'src="/visites/{number}/image/1"' in page and "heure non vérifiée" in page
    assert "la formule y est affichée, mot pour mot" in page
    answer = alix.get(f"/visites/{number}/image/1")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    with world.ledger.session() as session:
        seen = session.scalars(select(Event).where(Event.kind == "picture.viewed")).one()
        assert (seen.actor, seen.subject, seen.subject_id) == ("alix", "clean_capture", number)


@pytest.mark.parametrize("path", ["/visites/99/image/1", "/visites/1/image/0", "/visites/1/image/7"])
def test_nothing_but_images_is_served(world: World, visit: Opener, path: str) -> None:
    visited(world, world.case(), BEFORE)
    assert visit("alix").get(path).status_code == 404


def test_an_altered_image_is_not_shown(world: World, visit: Opener) -> None:
    number = visited(world, world.case(), BEFORE)
    (stored,) = world.ledger.store.root.rglob(f"*{PIECE}")
    stored.chmod(0o600)
    stored.write_bytes(b"other")
    answer = visit("alix").get(f"/visites/{number}/image/1")
    assert answer.status_code == 409 and "altérée" in answer.text


def test_visits_after_the_first_verdict_are_for_those_who_decided(world: World, visit: Opener) -> None:
    """The pages of dismissed cases are visited no more: a later visit would say that the case was kept."""
    case_id = world.case()
    early, late = visited(world, case_id, BEFORE), visited(world, case_id, AFTER, "withdrawn")
    basile, camille = visit("basile"), visit("camille")
    assert basile.get(f"/visites/{late}/image/1").status_code == 200  # nobody has decided: nothing can be told
    for login in ("alix", "camille"):
        world.cast(case_id, login, "confirm")
    assert "formule n’y est plus" not in basile.get(f"/cas/{case_id}").text
    assert basile.get(f"/visites/{late}/image/1").status_code == 404
    assert basile.get(f"/visites/{early}/image/1").status_code == 200
    assert "formule n’y est plus" in camille.get(f"/cas/{case_id}").text
    assert camille.get(f"/visites/{late}/image/1").status_code == 200


def test_the_sheet_tells_the_seal_and_its_stamps_or_their_absence(world: World, visit: Opener) -> None:
    case_id = world.case()
    alix = visit("alix")
    assert "Pas encore scellé" in alix.get(f"/cas/{case_id}").text
    with world.ledger.session() as session:
        session.add(Seal(number=7, made_at=BEFORE, content="{}", sha256="0" * 64, count=1, log_last=0))
        session.flush()
        session.add(SealLeaf(seal_number=7, position=0, kind="capture", subject_id=1, salt="s", hash="1" * 64))
    page = alix.get(f"/cas/{case_id}").text
    assert "Sceau nº 7" in page and "Pas encore horodaté" in page
    with world.ledger.session() as session:
        session.add(
            Stamp(
                seal_number=7, authority="autorite-a", stamped_at=BEFORE, received_at=BEFORE, serial="1", policy="",
                token=b"t", certificates="",
            )
        )  # fmt: skip
    page = alix.get("/captures/1").text
    assert "Horodaté par autorite-a" in page and "Pas encore" not in page
