"""Archives from a browser, single-file pages, lists of addresses: taken in with their provenance, or refused whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from crawler import collected
from crawler.collected import CannotImport, read_addresses
from crawler.importing import import_file
from crawler.replay import replay
from ledger import DamagedCapture, Ledger, TooLarge
from ledger.models import Capture, Crawl, Listing, Passage
from ledger.warc import Exchange, to_warc_gz
from reference.errors import VigieError

SITE = "https://cabinet-durand.example/honoraires"
MAIIA = "https://www.maiia.com/api/pat-public/hcd?page=0"
PAGE = "<!doctype html><html><head><title>Cabinet Durand</title></head><body><h1>Honoraires</h1><p>{}</p></body></html>"
WORDS = "Les patients de la CMU sont reçus le jeudi, en tiers payant intégral."
CARD = {
    "items": [{
        "url": "/medecin-generaliste/01000-ville-inventee/exemple-noa",
        "professional": {"firstName": "Noa", "lastName": "EXEMPLE"},
        "publicInformation": {"officeDescription": "Pas d’AME au cabinet."},
    }],
    "total": 1,
}  # fmt: skip
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def exchange(url: str, body: str, kind: str = "text/html; charset=utf-8", **headers: str) -> Exchange:
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    response = (("Content-Type", kind), ("Set-Cookie", "session=secret-of-a-person"))
    return Exchange(url, "GET", sent, b"", 200, "OK", response, body.encode(), MOMENT)


def warc() -> bytes:
    return b"".join(
        to_warc_gz(one)
        for one in (
            exchange(SITE, PAGE.format(WORDS), Cookie="session=secret-of-a-person", Accept="text/html"),
            exchange(MAIIA, json.dumps(CARD), "application/json"),
            exchange(
                "https://compteur.example/pixel", "<html><body><p>Docteur compteur, CMU refusée.</p></body></html>"
            ),
        )
    )


def wacz(**changes: Any) -> bytes:
    """An archive as a browser extension writes it; `changes`: of its files by name (None leaves one out), `edit`."""
    data = warc()
    digest = hashlib.sha256(data).hexdigest()
    package = {"profile": "data-package", "wacz_version": "1.1.1",
               "resources": [{"name": "data.warc.gz", "path": "archive/data.warc.gz", "hash": f"sha256:{digest}",
                              "bytes": len(data)}]}  # fmt: skip
    files: dict[str, bytes | None] = {
        "archive/data.warc.gz": data,
        "pages/pages.jsonl": b'{"format":"json-pages-1.0"}\n'
        + json.dumps({"url": SITE, "title": "x"}).encode()
        + b"\n",
        "datapackage.json": json.dumps(package).encode(),
        "indexes/index.cdx.gz": gzip.compress(b""),
        **changes.pop("files", {}),
    }
    edit: Callable[[zipfile.ZipFile], None] = changes.pop("edit", lambda _: None)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", changes.pop("compression", zipfile.ZIP_STORED)) as archive:
        for name, content in files.items():
            if content is not None:
                archive.writestr(name, content)
        edit(archive)
    return buffer.getvalue()


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_an_archive_of_a_browser_extension(ledger: Ledger, tmp_path: Path) -> None:
    path = written(tmp_path, "recueil.wacz", wacz())
    report = import_file(ledger, path)
    assert (report.captures, report.others, report.listings) == (2, 1, 2)
    assert report.platforms == {"practice_site": 1, "maiia": 1}
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    with ledger.session() as session:
        columns = (Crawl.platform, Crawl.kind, Crawl.settings, Capture.provenance, Capture.captured_at)
        rows = session.execute(select(*columns).join(Capture, Capture.crawl_id == Crawl.id)).all()
        assert {row.platform for row in rows} == {"practice_site", "maiia"}
        assert {(row.kind, row.provenance, row.captured_at) for row in rows} == {
            ("import", "import:recueil.wacz", MOMENT)
        }
        assert all(row.settings == {"file": "recueil.wacz", "sha256": report.sha256} for row in rows)
        texts = session.scalars(select(Passage.text)).all()
        keys = set(session.scalars(select(Listing.key)))
    assert WORDS in texts
    assert "Pas d’AME au cabinet." in texts
    assert keys == {"cabinet-durand.example", "medecin-generaliste/01000-ville-inventee/exemple-noa"}
    again = replay(ledger)
    assert (again.captures, again.passages_added) == (2, 0)


def test_the_session_of_whoever_collected_is_not_kept(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    import_file(sqlite_ledger, written(tmp_path, "recueil.wacz", wacz()))
    with sqlite_ledger.session() as session:
        for sha256 in session.scalars(select(Capture.warc_sha256)):
            kept = sqlite_ledger.store.exchange(str(sha256))
            assert "secret" not in str(kept.request_headers) + str(kept.response_headers)
            assert kept.header("content-type")


def test_a_platform_that_is_named_reads_every_page(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    report = import_file(sqlite_ledger, written(tmp_path, "recueil.warc.gz", warc()), platform="practice_site")
    assert report.platforms == {"practice_site": 3}
    assert report.others == 0


def test_without_a_list_of_pages_the_first_address_says_what_a_file_is_about(
    sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    files = {"pages/pages.jsonl": None, "datapackage.json": None}
    report = import_file(sqlite_ledger, written(tmp_path, "recueil.wacz", wacz(files=files)))
    assert (report.platform, report.captures, report.others) == ("practice_site", 2, 1)


def link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("archive/link.warc.gz")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


def twice(archive: zipfile.ZipFile) -> None:
    archive.writestr("archive/data.warc.gz", b"other")


HOSTILE: dict[str, tuple[Callable[[], bytes], type[VigieError], str]] = {
    "leads up": (lambda: wacz(files={"../../etc/cron.d/x": b"x"}), CannotImport, "leads out"),
    "absolute": (lambda: wacz(files={"/etc/passwd": b"x"}), CannotImport, "leads out"),
    "backslash": (lambda: wacz(files={"archive\\..\\x": b"x"}), CannotImport, "leads out"),
    "drive": (lambda: wacz(files={"C:/x": b"x"}), CannotImport, "leads out"),
    "link": (lambda: wacz(edit=link), CannotImport, "link"),
    "bomb": (
        lambda: wacz(files={"archive/bomb.warc.gz": b"\0" * (8 << 20)}, compression=zipfile.ZIP_DEFLATED),
        TooLarge, "unpacks",
    ),
    "bomb inside": (
        lambda: wacz(files={"archive/bomb.warc.gz": gzip.compress(b"WARC/1.0" + b"\0" * (8 << 20))}),
        TooLarge, "unpacks",
    ),
    "other digest": (
        lambda: wacz(files={"datapackage.json": json.dumps({"resources": [
            {"path": "archive/data.warc.gz", "hash": "sha256:" + "0" * 64}]}).encode()}),
        DamagedCapture, "digest",
    ),
    "no warc": (lambda: wacz(files={"archive/data.warc.gz": None}), CannotImport, "no WARC"),
    "not json": (lambda: wacz(files={"datapackage.json": b"{"}), DamagedCapture, "not JSON"),
    "page as warc": (
        lambda: wacz(files={"archive/data.warc.gz": b"<html>", "datapackage.json": None}), DamagedCapture, "none",
    ),
    "cut": (lambda: wacz()[:-40], DamagedCapture, "archive"),
    "changed byte": (lambda: wacz()[:2000] + b"#" + wacz()[2001:], DamagedCapture, "recueil.wacz"),
    "text": (lambda: b"PK nothing", DamagedCapture, "archive"),
    "empty": (lambda: b"", CannotImport, "empty"),
    "many": (lambda: wacz(edit=lambda z: [z.writestr(f"x/{n}", b"") for n in range(10_001)]), TooLarge, "files"),  # type: ignore[arg-type,func-returns-value,return-value]
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_damaged_archive_is_refused_whole(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made, kind, words = HOSTILE[name]
    monkeypatch.setattr(collected, "LEAST_UNPACKED", 1 << 20)
    path = written(tmp_path, "recueil.wacz", made())
    before = set(tmp_path.rglob("*"))
    with pytest.raises(kind, match=words) as caught:
        import_file(sqlite_ledger, path)
    assert "recueil.wacz" in str(caught.value)
    assert "\n" not in str(caught.value)
    with sqlite_ledger.session() as session:
        assert session.scalar(select(func.count(Capture.id))) == 0
        assert session.scalar(select(func.count(Crawl.id))) == 0
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(CannotImport, match="twice"):
        import_file(sqlite_ledger, written(tmp_path, "recueil.wacz", wacz(edit=twice)))


def test_a_packed_warc_that_unpacks_beyond_reason_is_refused(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected, "LEAST_UNPACKED", 1 << 20)
    path = written(tmp_path, "bomb.warc.gz", gzip.compress(b"WARC/1.0\r\n" + b"\0" * (8 << 20)))
    with pytest.raises(TooLarge, match="unpacks"):
        import_file(sqlite_ledger, path)


MHTML = f"""From: <Saved by Blink>
Snapshot-Content-Location: {SITE}
Subject: Cabinet Durand
Date: Fri, 2 Jan 2026 04:04:05 +0100
MIME-Version: 1.0
Content-Type: multipart/related; type="text/html"; boundary="----B"

------B
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable
Content-Location: {SITE}

<html><body><h1>Honoraires</h1><p>CMU re=C3=A7ue le jeudi, patients pr=
=C3=A9venus.</p></body></html>
------B
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable
Content-Location: cid:frame-1@mhtml.blink

<html><body>Autre cadre</body></html>
------B--
""".replace("\n", "\r\n")


@pytest.mark.parametrize("name", ["page.mhtml", "page.mht"])
def test_a_page_saved_as_a_single_file(ledger: Ledger, tmp_path: Path, name: str) -> None:
    report = import_file(ledger, written(tmp_path, name, MHTML.encode()))
    assert (report.platform, report.captures, report.listings) == ("practice_site", 1, 1)
    with ledger.session() as session:
        capture = session.scalars(select(Capture)).one()
        assert (capture.url, capture.captured_at, capture.provenance) == (SITE, MOMENT, f"import:{name}")
        assert "CMU reçue le jeudi, patients prévenus." in session.scalars(select(Passage.text)).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MHTML.replace("Snapshot-Content-Location", "X").replace("Content-Location", "Y"), "--url"),
        (MHTML.replace("text/html", "image/png"), "no HTML page"),
        ("\0\1\2" * 100, "no HTML page"),
    ],
    ids=["without address", "without page", "binary"],
)
def test_a_single_file_that_is_no_page_is_refused(sqlite_ledger: Ledger, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CannotImport, match=words):
        import_file(sqlite_ledger, written(tmp_path, "page.mhtml", text.encode()))


def test_a_list_of_addresses(tmp_path: Path) -> None:
    text = (
        "\ufeff# à voir\nhttps://www.maiia.com/a/01000-b/c\r\n\n  https://cabinet.example/ \nhttps://cabinet.example/\n"
    )
    path = written(tmp_path, "liste.txt", text.encode())
    assert read_addresses(path) == ("https://www.maiia.com/a/01000-b/c", "https://cabinet.example/")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"https://a.example/\nftp://b.example/\n", r"liste\.txt:2"),
        (b"cabinet.example\n", r"liste\.txt:1"),
        (b"https://a.example/ https://b.example/\n", r"liste\.txt:1"),
        (b"https://[broken\n", r"liste\.txt:1"),
        (b"# rien\n", "no address"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_a_list_with_a_line_that_is_no_address_is_refused_with_its_number(
    tmp_path: Path, data: bytes, words: str
) -> None:
    with pytest.raises(CannotImport, match=words):
        read_addresses(written(tmp_path, "liste.txt", data))
