"""An import takes a file whole or not at all, and says in one line why it does not."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from crawler.importing import CannotImport, import_file
from ledger import DamagedCapture, Ledger, StoreFull, TooLarge
from ledger.models import Capture, Crawl, Event, Listing, ListingView, Passage
from ledger.warc import Exchange, to_warc_gz
from reference.errors import VigieError

URL = "https://cabinet-durand.example/honoraires"
WORDS = "Les bénéficiaires de la C2S sont reçus comme tous les autres patients, en tiers payant intégral."
PAGE = f"""<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>Cabinet Durand</title>
<link rel="canonical" href="{URL}"></head><body><h1>Cabinet Durand, chirurgien-dentiste</h1>
<h2>Honoraires</h2><p>{WORDS}</p></body></html>"""
TABLES = (Crawl, Capture, Listing, ListingView, Passage, Event)


def rows(ledger: Ledger) -> int:
    with ledger.session() as session:
        return sum(session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES)


def warc(url: str = URL, page: str = PAGE, kind: str = "text/html; charset=utf-8") -> bytes:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return to_warc_gz(Exchange(url, "GET", (), b"", 200, "OK", (("Content-Type", kind),), page.encode(), moment))


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def refused(ledger: Ledger, path: Path, kind: type[VigieError], **named: str) -> str:
    """The one line of the error; and nothing of the file is in the ledger or the store."""
    with pytest.raises(kind) as caught:
        import_file(ledger, path, **named)
    assert rows(ledger) == 0
    assert not list((ledger.home / "evidence").rglob("*.warc.gz"))
    line = str(caught.value)
    assert path.name in line
    assert "\n" not in line
    return line


def test_a_saved_page(ledger: Ledger, tmp_path: Path) -> None:
    path = written(tmp_path, "page.html", PAGE.encode())
    report = import_file(ledger, path)
    assert (report.platform, report.captures, report.listings, report.unreadable) == ("practice_site", 1, 1, 0)
    with ledger.session() as session:
        capture = session.scalars(select(Capture)).one()
        assert (capture.url, capture.provenance, capture.outcome) == (URL, "import:page.html", "page")
        assert WORDS in " ".join(session.scalars(select(Passage.text)))
        stored = ledger.store.exchange(str(capture.warc_sha256))
    assert stored.body == PAGE.encode()


def test_a_warc_file(ledger: Ledger, tmp_path: Path) -> None:
    path = written(tmp_path, "two.warc.gz", warc() + warc("https://cabinet-durand.example/"))
    report = import_file(ledger, path)
    assert (report.captures, report.listings) == (2, 1)
    with ledger.session() as session:
        moments = set(session.scalars(select(Capture.captured_at)))
    assert moments == {datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}


def test_the_same_file_twice_adds_no_passage(ledger: Ledger, tmp_path: Path) -> None:
    path = written(tmp_path, "page.html", PAGE.encode())
    first = import_file(ledger, path)
    again = import_file(ledger, path)
    assert first.passages > 0
    assert again.passages == 0
    assert len(list((ledger.home / "evidence").rglob("*.warc.gz"))) == 1


@pytest.mark.parametrize(
    "mark",
    [
        '<meta property="og:url" content="https://cabinet-durand.example/honoraires">',
        "<!-- saved from url=(0041)https://cabinet-durand.example/honoraires -->",
    ],
    ids=["og", "browser"],
)
def test_the_address_a_page_tells(sqlite_ledger: Ledger, tmp_path: Path, mark: str) -> None:
    page = PAGE.replace(f'<link rel="canonical" href="{URL}">', mark)
    import_file(sqlite_ledger, written(tmp_path, "page.html", page.encode()))
    with sqlite_ledger.session() as session:
        assert session.scalars(select(Capture.url)).one() == URL


def test_the_address_given_wins(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    path = written(tmp_path, "page.html", PAGE.encode())
    import_file(sqlite_ledger, path, url="https://autre.example/")
    with sqlite_ledger.session() as session:
        assert session.scalars(select(Capture.url)).one() == "https://autre.example/"


def test_a_page_without_address(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    path = written(tmp_path, "page.html", b"<html><body><p>Bonjour</p></body></html>")
    assert "--url" in refused(sqlite_ledger, path, CannotImport)


@pytest.mark.parametrize("url", ["file:///tmp/page.html", "javascript:alert(1)", "nonsense"])
def test_an_address_that_is_no_web_page(sqlite_ledger: Ledger, tmp_path: Path, url: str) -> None:
    refused(sqlite_ledger, written(tmp_path, "page.html", PAGE.encode()), CannotImport, url=url)


@pytest.mark.parametrize("name", ["page.html", "page.warc.gz"])
def test_an_empty_file(sqlite_ledger: Ledger, tmp_path: Path, name: str) -> None:
    assert "empty" in refused(sqlite_ledger, written(tmp_path, name, b""), CannotImport)


def test_a_binary_called_html(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    data = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR<" + bytes(range(256)) * 8
    refused(sqlite_ledger, written(tmp_path, "photo.html", data), CannotImport, url=URL)


def test_a_text_called_html(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    refused(sqlite_ledger, written(tmp_path, "notes.html", b"trois mots seulement"), CannotImport, url=URL)


@pytest.mark.parametrize("name", ["page.pdf", "page", "page.gz", "html"])
def test_an_unknown_suffix(sqlite_ledger: Ledger, tmp_path: Path, name: str) -> None:
    refused(sqlite_ledger, written(tmp_path, name, PAGE.encode()), CannotImport)


def test_a_file_that_is_not_there(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    refused(sqlite_ledger, tmp_path / "absent.html", CannotImport)


def test_a_folder_called_html(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "folder.html"
    folder.mkdir()
    refused(sqlite_ledger, folder, CannotImport, url=URL)


def test_a_huge_page_is_refused_unread(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "huge.html"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 200 * 1024 * 1024)  # sparse: it costs no disk
    began = time.monotonic()
    refused(sqlite_ledger, path, TooLarge, url=URL)
    assert time.monotonic() - began < 1


def test_a_huge_file_of_zeros_called_warc(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "huge.warc.gz"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 200 * 1024 * 1024)
    refused(sqlite_ledger, path, DamagedCapture)


@pytest.mark.parametrize("length", [3, 40, -12, -1], ids=["head", "first record", "near the end", "one byte"])
def test_a_warc_cut_short(ledger: Ledger, tmp_path: Path, length: int) -> None:
    data = warc() + warc("https://cabinet-durand.example/")
    refused(ledger, written(tmp_path, "cut.warc.gz", data[:length]), DamagedCapture)


def test_a_warc_with_a_changed_byte(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    data = bytearray(warc())
    data[len(data) // 2] ^= 0xFF
    refused(sqlite_ledger, written(tmp_path, "changed.warc.gz", bytes(data)), DamagedCapture)


def test_a_page_called_warc(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    refused(sqlite_ledger, written(tmp_path, "page.warc.gz", PAGE.encode()), DamagedCapture)


def test_a_wall_is_kept_and_not_read(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    path = written(tmp_path, "wall.warc.gz", warc(page="Retry later", kind="text/plain"))
    report = import_file(sqlite_ledger, path)
    assert (report.captures, report.listings, report.passages) == (1, 0, 0)


def test_a_page_in_latin_letters(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    page = PAGE.replace('charset="utf-8"', 'charset="iso-8859-1"').encode("latin-1")
    import_file(sqlite_ledger, written(tmp_path, "latin.html", page))
    with sqlite_ledger.session() as session:
        assert WORDS in " ".join(session.scalars(select(Passage.text)))


def test_a_full_disk_leaves_no_row(sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: object, _data: bytes) -> str:
        raise StoreFull("the disk is full")

    monkeypatch.setattr(type(sqlite_ledger.store), "put", full)
    with pytest.raises(StoreFull):
        import_file(sqlite_ledger, written(tmp_path, "page.html", PAGE.encode()))
    assert rows(sqlite_ledger) == 0


def test_a_live_answer_does_not_lean_on_an_import(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    from crawler.outcomes import Outcome
    from crawler.recording import open_crawl, record_capture

    import_file(sqlite_ledger, written(tmp_path, "page.html", PAGE.encode()))
    exchange = Exchange(
        URL, "GET", (), b"", 200, "", (("Content-Type", "text/html"),), PAGE.encode(), datetime(2026, 2, 1, tzinfo=UTC)
    )
    with sqlite_ledger.session() as session:
        run = open_crawl(session, "practice_site", "live", "vigie")
        kept = record_capture(session, sqlite_ledger.store, run.id, exchange, Outcome.PAGE, "")
        assert kept.warc_sha256 is not None
        assert kept.revisit_of_id is None


def test_a_redirect_that_changes_its_place_is_kept(sqlite_ledger: Ledger) -> None:
    from crawler.outcomes import Outcome
    from crawler.recording import open_crawl, record_capture

    with sqlite_ledger.session() as session:
        run = open_crawl(session, "practice_site", "live", "vigie")
        for day, place in ((1, "/a"), (2, "/b")):
            moment = datetime(2026, 2, day, tzinfo=UTC)
            exchange = Exchange(URL, "GET", (), b"", 301, "", (("Location", place),), b"", moment)
            record_capture(session, sqlite_ledger.store, run.id, exchange, Outcome.REDIRECT, "")
        places = [
            sqlite_ledger.store.exchange(str(one)).header("location")
            for one in session.scalars(select(Capture.warc_sha256).order_by(Capture.id))
            if one
        ]
    assert places == ["/a", "/b"]


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"], ids=["nul", "half a pair"])
def test_hostile_text_is_stored_as_replacement(ledger: Ledger, bad: str) -> None:
    from crawler.items import FoundListing, FoundPassage, ShownPractitioner
    from crawler.outcomes import Outcome
    from crawler.recording import open_crawl, record_capture, record_listing

    exchange = Exchange(URL, "GET", (), b"", 200, "", (), b"x", datetime(2026, 2, 1, tzinfo=UTC))
    shown = ShownPractitioner(display_name=bad)
    found = FoundListing("practice_site", "k", URL, shown, (FoundPassage("bio", "/bio", bad),))
    with ledger.session() as session:
        run = open_crawl(session, "practice_site", "live", "vigie")
        kept = record_capture(session, ledger.store, run.id, exchange, Outcome.PAGE, "")
        record_listing(session, found, kept.id, "v1")
    with ledger.session() as session:
        assert session.scalars(select(Passage.text)).one() == "a\ufffdb"
