"""Clean captures with a real Chromium: what a good visit brings, and that no page can make one fail or lie."""

from __future__ import annotations

import io
import json
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hostile_site import WORDS, HostileSite, children
from jsonschema import Draft202012Validator
from pypdf import PdfReader

from crawler.browser import Limits, Order, find_chromium, take
from ledger.clean_facts import SCHEMA, Piece, Taken, facts_json
from ledger.warc import Exchange, iter_exchanges

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
]
PATIENT = Limits(quiet_seconds=2)
HURRIED = Limits(load_seconds=1.5, quiet_seconds=1, step_seconds=2, total_seconds=60)  # of a page that never answers
IMPATIENT = Limits(navigate_seconds=1.5)  # of a server that never answers
VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
Visit = Callable[..., Taken]


@pytest.fixture(scope="module")
def other() -> Iterator[HostileSite]:
    """A machine on loopback that no visit is allowed to ask."""
    site = HostileSite()
    yield site
    site.close()


@pytest.fixture(scope="module")
def site(other: HostileSite) -> Iterator[HostileSite]:
    """The site that is visited."""
    made = HostileSite(other.address)
    yield made
    made.close()


@pytest.fixture(scope="module")
def good(site: HostileSite) -> Taken:
    """One visit of an ordinary page, which a redirect leads to; most tests look at it."""
    return take(Order(f"{site.address}/redirect", allow_hosts=(site.host,), pause_seconds=0))


@pytest.fixture
def visit(site: HostileSite) -> Visit:
    """Visit a page of the site; whatever came of it is well told and leaves no process behind."""

    def go(path: str, limits: Limits = PATIENT) -> Taken:
        taken = take(Order(site.address + path, allow_hosts=(site.host,), pause_seconds=0, limits=limits))
        VALIDATOR.validate(json.loads(facts_json(taken)))
        assert not any("vigie-visit" in line for line in children().values())
        return taken

    return go


def piece(taken: Taken, kind: str) -> Piece:
    return next(one for one in taken.pieces if one.kind == kind)


def fact(taken: Taken, code: str) -> Any:
    return next(one for one in taken.facts if one.code == code)


def exchanges(taken: Taken, tmp_path: Path) -> list[Exchange]:
    path = tmp_path / "echanges.warc.gz"
    path.write_bytes(piece(taken, "traffic").data)
    return list(iter_exchanges(path))


def test_full_page_image(good: Taken) -> None:
    images = [one.data for one in good.pieces if one.kind == "image"]
    sizes = [struct.unpack("!II", data[16:24]) for data in images]
    assert [width for width, _ in sizes] == [1280, 1280]
    assert sizes[0][1] == 8000  # a page of some 9,200 pixels, in two strips
    assert 1000 < sizes[1][1] < 2000


def test_dom_and_text(good: Taken) -> None:
    document, text = piece(good, "dom").data.decode(), piece(good, "text").data.decode()
    assert document.startswith("<!DOCTYPE html>")
    for words in (WORDS, "Écrit par un script", "Tout en bas"):
        assert words in document
        assert words in text
    assert "Texte caché" in document
    assert "Texte caché" not in text
    assert (good.visible_text, "Texte caché" in good.hidden_text) == (text, True)


def test_pdf(good: Taken, site: HostileSite) -> None:
    reader = PdfReader(io.BytesIO(piece(good, "pdf").data))
    pages = [page.extract_text() for page in reader.pages]
    assert WORDS in " ".join(" ".join(pages).split())
    assert f"{site.address}/page" in pages[0].replace("\n", "")
    assert f"{good.started_at:%Y-%m-%d %H:%M:%S} UTC" in pages[0]
    assert f"1/{len(pages)}" in pages[0]


def test_raw_exchange_as_warc(good: Taken, site: HostileSite, tmp_path: Path) -> None:
    found = {exchange.url.removeprefix(site.address): exchange for exchange in exchanges(good, tmp_path)}
    assert {"/robots.txt", "/redirect", "/page", "/style.css", "/image.png", "/data.json"} <= set(found)
    page = found["/page"]
    assert (page.status, page.reason, page.ip_address) == (200, "OK", "127.0.0.1")
    assert WORDS in page.body.decode()
    assert ("X-CaSe", "Kept") in page.response_headers  # the case as sent
    assert ("Accept-Encoding", "identity") in page.request_headers
    assert found["/redirect"].status == 301
    assert found["/redirect"].body == b""  # the browser does not give it
    path = tmp_path / "echanges.warc.gz"
    tool = shutil.which("warcio", path=str(Path(shutil.os.sys.executable).parent))
    assert subprocess.run([str(tool), "check", str(path)], check=False).returncode == 0


def test_clean_profile_proved(good: Taken) -> None:
    for code in ("cache", "temporary_files", "cookies_history", "extensions", "end"):
        assert fact(good, code).state == "proved", fact(good, code)
    assert fact(good, "cookies_history").value == {"cookies_before": 0, "history_before": 0}
    assert fact(good, "end").value["profile_removed"] is True
    assert re.fullmatch("[0-9a-f]{32}", good.profile)
    assert not list(Path(tempfile.gettempdir()).glob(f"vigie-visit-*/{good.profile}"))


def test_dns_and_proxy(good: Taken, site: HostileSite) -> None:
    assert fact(good, "browser_proxy").state == "proved"
    assert fact(good, "browser_proxy").value["connected_to"] == "127.0.0.1"
    assert "--no-proxy-server" in fact(good, "browser").value["command_line"]
    assert fact(good, "dns_answers").value["addresses"] == ["127.0.0.1"]
    assert fact(good, "dns_answers").state == "proved"


def test_provenance_of_the_visit(good: Taken, site: HostileSite) -> None:
    assert (good.outcome, good.status, good.final_url) == ("page", 200, f"{site.address}/page")
    value = fact(good, "navigation").value
    assert [one["status"] for one in value["requests"]] == [301, 200]
    assert (value["typed"], value["clicks"]) == (f"{site.address}/redirect", 0)
    assert good.browser.startswith("Chrome/")
    assert good.ended_at - good.started_at < timedelta(seconds=60)
    asked = dict(site.asked)["/page"]
    assert "Vigie/" in asked["User-Agent"]  # the visitor says who it is
    assert "Cookie" not in asked


def test_the_facts_follow_their_schema(good: Taken) -> None:
    facts = json.loads(facts_json(good))
    VALIDATOR.validate(facts)
    assert facts["grade"] == "incomplète"
    assert any("sans TLS" in gap for gap in facts["gaps"])
    assert {one["kind"] for one in facts["files"]} == {"image", "pdf", "dom", "text", "traffic"}


def test_robots_are_obeyed(visit: Visit, site: HostileSite) -> None:
    taken = visit("/forbidden")
    assert (taken.outcome, taken.pieces) == ("forbidden_by_robots", ())
    assert "/forbidden" not in site.paths()


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/hang", "timed_out"),
        ("/silent", "timed_out"),
        ("/dialogs", "dialogs"),
        ("/crash", "crashed"),
        ("/crash-browser", "crashed"),
        ("/download", "download"),
        ("/wall", "blocked"),
        ("/redirect-away", "private_address"),
        ("/away", "private_address"),
    ],
)
def test_whatever_a_page_does_is_a_recorded_outcome(visit: Visit, other: HostileSite, path: str, outcome: str) -> None:
    taken = visit(path, {"/hang": HURRIED, "/silent": IMPATIENT}.get(path, PATIENT))
    assert taken.outcome == outcome, taken.reason
    assert taken.grade == "incomplete"
    assert taken.reason or outcome == "page"
    assert other.asked == []


def test_a_gigantic_page_is_bounded(visit: Visit) -> None:
    taken = visit("/huge", Limits(traffic_bytes=2_000_000))
    assert taken.outcome == "too_large"
    tall = visit("/tall", Limits(page_height=4_000, strip_height=2_000, pdf_pages=2))
    assert [struct.unpack("!I", one.data[20:24])[0] for one in tall.pieces if one.kind == "image"] == [2000, 2000]
    assert len(PdfReader(io.BytesIO(piece(tall, "pdf").data)).pages) == 2
    assert any("plus haute" in gap for gap in tall.gaps)


def test_nothing_on_a_page_reaches_a_private_machine_and_a_dialog_does_not_stop_it(
    visit: Visit, site: HostileSite, other: HostileSite
) -> None:
    taken = visit("/inner")
    assert (taken.outcome, WORDS in taken.visible_text) == ("page", True)
    assert fact(taken, "navigation").value["dialogs_dismissed"] == 1
    assert "/popup" not in site.paths()
    assert other.asked == []
    refused = fact(taken, "navigation").value["refused"]
    for part in ("/secret.png", "/secret ", "/secret-worker", "/redirected"):
        assert any(part in f"{one} " for one in refused), (part, refused)
    assert any("refusée" in gap for gap in taken.gaps)


def test_the_browser_itself_refuses_local_machines_when_it_connects(site: HostileSite, other: HostileSite) -> None:
    """The moment between our check of a name and the connection: Chromium knows where it connects to."""
    order = Order(
        f"{site.address}/inner",
        allow_hosts=(site.host, other.host),  # our own gate lets everything pass
        pause_seconds=0,
        limits=PATIENT,
        extra_flags=(f"--ip-address-space-overrides={site.host}=public",),
    )
    assert WORDS in take(order).visible_text
    assert other.asked == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost with the one that signed it, made by openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        *new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Autorité d’essai", "-days", "2", "-utf8"
    )
    openssl(*new, "-keyout", "site.key", "-out", "site.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    openssl(
        *("x509", "-req", "-in", "site.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-out", "site.pem", "-days", "1", "-extfile", "names"),
    )
    whole = folder / "whole.pem"
    whole.write_text("".join((folder / name).read_text() for name in ("site.key", "site.pem", "ca.pem")))
    return whole


def test_tls_chain_of_a_page_sent_packed(certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = HostileSite(certificate=certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.parent / "ca.pem"))
    try:
        key = subprocess.run(
            "openssl x509 -in site.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary"
            " | openssl base64",
            shell=True,
            cwd=certificate.parent,
            capture_output=True,
            check=True,
        ).stdout.decode()
        order = Order(f"{site.address}/packed", allow_hosts=(site.host,), pause_seconds=0, limits=PATIENT)
        refused = take(order)  # the browser does not know the authority
        assert refused.outcome == "tls_error", refused.reason
        assert not any(one.kind == "image" for one in refused.pieces)
        flag = f"--ignore-certificate-errors-spki-list={key.strip()}"
        taken = take(Order(order.url, allow_hosts=order.allow_hosts, pause_seconds=0, extra_flags=(flag,)))
        assert taken.outcome == "page", taken.reason
        chain = piece(taken, "certificates").data.decode()
        assert chain.count("BEGIN CERTIFICATE") == 2
        told = fact(taken, "navigation").value["certificates"]
        assert [one["subject"] for one in told] == ["CN=localhost", "CN=Autorité d’essai"]
        assert fact(taken, "navigation").value["tls"]["protocol"].startswith("TLS 1.")
        assert not any("TLS" in gap for gap in taken.lacks)
        packed = next(one for one in exchanges(taken, tmp_path) if one.url.endswith("/packed"))
        assert packed.header("X-Archive-Orig-Content-Encoding") == "gzip"
        assert not packed.header("Content-Encoding")
        assert WORDS in packed.text
        assert flag in fact(taken, "browser").value["command_line"]
    finally:
        site.close()
