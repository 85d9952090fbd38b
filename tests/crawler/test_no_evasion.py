"""Nothing evades a refusal: no disguise, no proxy, no solver, in the code or in what is sent; and bounds hold."""

from __future__ import annotations

import gzip
import re
import ssl
import subprocess
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from benchmarks.crawls import crawl_apart
from benchmarks.small_site import Page, SmallSite, home, page
from crawler.browser.chromium import FLAGS
from crawler.capture import failure_of
from crawler.pace import Agreement, Pace
from crawler.politeness import Manners
from crawler.reading import Unreadable
from crawler.reading.documents import parse_html, parse_json
from crawler.run import CrawlSpec, Unreachable
from crawler.settings import MAX_BODY, scrapy_settings
from ledger import Ledger
from ledger.frontier import Address
from ledger.models import Capture

ROOT = Path(__file__).parents[2]
EVASIONS = re.compile(
    r"undetected|stealth|fake.?user.?agent|user.?agents?\.(txt|json)|rotat\w*.{0,20}(prox|agent|ip)|prox(y|ies).{0,20}rotat"
    r"|2captcha|anticaptcha|anti-captcha|capsolver|deathbycaptcha|cloudscraper|curl_cffi|curl-impersonate|impersonate"
    r"|tls.?client|flaresolverr|webdriver|puppeteer|solve.{0,12}(captcha|challenge)|residential|tor://|socks[45]",
    re.IGNORECASE,
)


ASKING = sorted([*(ROOT / "crawler").rglob("*.py"), *(ROOT / "monitor").rglob("*.py")])  # whatever asks, or has asked
# What makes a browser pass for one that no program drives, and what lets it past a certificate or a page's own rules.
DISGUISES = re.compile(
    r"AutomationControlled|exclude.?switches|navigator\.(webdriver|plugins|languages)|--user-agent|ignore.certificate"
    r"|setBypassCSP|disable-web-security|setTimezoneOverride|addScriptToEvaluateOnNewDocument|humani[sz]e|bezier",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", ASKING, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_code_holds_no_means_of_evasion(path: Path) -> None:
    assert not EVASIONS.search(path.read_text("utf-8"))


def test_browser_and_import_are_among_what_is_searched() -> None:
    names = {str(path.relative_to(ROOT)) for path in ASKING}
    assert {"crawler/browser/chromium.py", "crawler/browser/visiting.py", "monitor/clean_captures.py"} <= names
    assert {"crawler/importing.py", "crawler/collected.py", "monitor/import_commands.py"} <= names


def test_the_browser_wears_no_disguise() -> None:
    assert "--enable-automation" in FLAGS  # pages may know
    assert "--no-proxy-server" in FLAGS
    for path in sorted((ROOT / "crawler" / "browser").rglob("*.py")):
        assert not DISGUISES.search(path.read_text("utf-8")), path
    names = re.findall(r'"userAgent": ([\w.]+)', (ROOT / "crawler/browser/page.py").read_text("utf-8"))
    assert names == ["self._agent"]  # the name that `crawler.settings.user_agent` gives, as a crawl's
    assert "self.agent = user_agent(order.contact)" in (ROOT / "crawler/browser/visiting.py").read_text("utf-8")


def test_no_dependency_is_a_means_of_evasion() -> None:
    names = re.findall(r'^name = "([^"]+)"', (ROOT / "uv.lock").read_text("utf-8"), re.MULTILINE)
    assert len(names) > 50
    assert not [name for name in names if EVASIONS.search(name)]


def test_the_settings_send_no_disguise() -> None:
    settings = scrapy_settings("contact@exemple.fr")
    assert settings["USER_AGENT"].startswith("Vigie/") and "mailto:contact@exemple.fr" in settings["USER_AGENT"]
    assert settings["COOKIES_ENABLED"] is settings["HTTPPROXY_ENABLED"] is settings["RETRY_ENABLED"] is False
    assert settings["DOWNLOAD_VERIFY_CERTIFICATES"] is settings["ROBOTSTXT_OBEY"] is True
    assert "Mozilla" not in str(settings)


def spec(home_: Path, start: str, host: str, **more: Any) -> CrawlSpec:
    return CrawlSpec(home_, None, "practice_site", (start,), allow_hosts=(host,), delay_seconds=0.0, **more)


def test_what_is_sent_names_us_and_a_bomb_or_an_endless_redirect_is_bounded(tmp_path: Path) -> None:
    bomb = gzip.compress(b"<html><body>" + b"a" * (MAX_BODY + 1_000_000))
    pages: dict[str, Any] = {
        "/": Page(home("/tarifs-bombe", "/tarifs-boucle", "/tarifs-ailleurs", "/tarifs")),
        "/tarifs-bombe": Page(bomb, headers={"Content-Encoding": "gzip"}),
        "/tarifs": Page(page("Tarif : 30 euros.")),
        "/tarifs-ailleurs": Page(status=302, headers={"Location": "http://169.254.169.254/latest/"}),
    }
    pages["/tarifs-boucle"] = Page(status=302, headers={"Location": "/tarifs-pas-0"})
    for step in range(40):
        pages[f"/tarifs-pas-{step}"] = Page(status=302, headers={"Location": f"/tarifs-pas-{step + 1}"})
    with SmallSite(pages) as site:
        report = crawl_apart(spec(tmp_path, site.start, site.host))
        log = list(site.log)
    assert report is not None
    assert report.left == 0
    assert sum(one.path.startswith("/tarifs-pas") for one in log) <= 6
    assert any("169.254.169.254" in one for one in report.refused)
    for one in log:
        assert one.headers["User-Agent"].startswith("Vigie/")
        assert not {"Cookie", "Referer", "Origin", "X-Forwarded-For"} & set(one.headers)
    with Ledger.open(tmp_path).session() as session:
        states = {one.url: one.state for one in session.scalars(select(Address))}
    assert states[f"{site.start}tarifs-bombe"] == "unreadable"
    assert states[f"{site.start}tarifs"] == "present"


def test_nesting_is_bounded() -> None:
    with pytest.raises(Unreadable):
        parse_json(b"[" * 200_000 + b"]" * 200_000)
    deep = b"<html><body>" + b"<div>" * 50_000 + b"x" + b"</div>" * 50_000
    with suppress(Unreadable):
        assert len(parse_html(deep).get_text()) < 10


def test_the_key_of_an_agreement_goes_to_its_host_over_tls_alone() -> None:
    agreed = Agreement("www.exemple.fr", "lettre", 1.0, header="X-Key", key="secret")
    pace = Pace.__new__(Pace)
    pace.usual, pace.agreements = Manners(5), {"www.exemple.fr": agreed}
    assert pace.key_header("https://www.exemple.fr/a") == ("X-Key", "secret")
    assert pace.key_header("http://www.exemple.fr/a") is None
    assert pace.key_header("https://exemple.fr/a") is None
    assert pace._agreed(agreed).delay == 1.0


def test_a_certificate_that_proves_nothing_is_a_typed_outcome(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    host = f"localhost:{server.server_address[1]}"
    try:
        with pytest.raises(Unreachable):
            crawl_apart(spec(tmp_path / "home", f"https://{host}/", host))
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []
    with Ledger.open(tmp_path / "home").session() as session:
        capture = session.scalars(select(Capture)).one()
    assert (capture.outcome, capture.status) == ("bad_certificate", None)
    assert "certificate" in capture.reason


def test_a_mere_silence_is_no_bad_certificate() -> None:
    assert failure_of(OSError("connection refused"))[0] == "no_answer"
