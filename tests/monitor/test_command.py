"""The `vigie` command: the whole path, and bad input that ends in one clear line, status 2 and nothing half-written."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import create_engine, text

from crawler.browser import find_chromium
from crawler.sandbox import Sandbox, SandboxServer
from ledger import Ledger
from ledger.lock import exclusive
from ledger.warc import Exchange, to_warc_gz
from monitor.cli import main

PAGE = """<!doctype html><html lang="fr"><head><link rel="canonical" href="https://cabinet.exemple/honoraires">
<title>Honoraires</title></head><body><main><h1>Cabinet Valmorette</h1><h2>Honoraires</h2>
<p>Nous ne prenons pas les patients relevant de la CMU.</p></main></body></html>"""


def vigie(*words: str | Path, home: Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command in this process, as a shell would see it."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    environment = {"VIGIE_HOME": str(home), "COLUMNS": "100"}
    status: Any = 0
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", ["vigie", *map(str, words)]),
        mock.patch.multiple(sys, stdout=out, stderr=err, stdin=io.TextIOWrapper(io.BytesIO(given))),
    ):
        os.environ.pop("VIGIE_DATABASE_URL", None)
        try:
            main()
        except SystemExit as stopped:
            status = stopped.code or 0
    written = [stream.buffer.getvalue() for stream in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(list(map(str, words)), status, written[0], written[1])


def refused(answer: subprocess.CompletedProcess[bytes], *words: str) -> str:
    line = answer.stderr.decode()
    assert answer.returncode == 2, line
    assert line.count("\n") == 1, line
    assert line.startswith("vigie: ")
    assert "Traceback" not in line
    for word in words:
        assert word in line, line
    return line


def an_exchange(body: str = PAGE, url: str = "https://cabinet.exemple/honoraires") -> Exchange:
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    return Exchange(url, "GET", (), b"", 200, "OK", headers, body.encode(), datetime(2026, 3, 1, 9, 0, tzinfo=UTC))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("demo") / "home"
    answer = vigie("demo", "--no-serve", "--json", "--listings", "120", "--home", home, home=home)
    assert answer.returncode == 0, answer.stderr.decode()
    report: dict[str, Any] = json.loads(answer.stdout)
    return report


def test_the_demo_walks_the_whole_path(demo: dict[str, Any]) -> None:
    assert demo["pages_seen"] > 300
    assert demo["blocked"] >= 3
    assert demo["planted"] == demo["found"] + demo["missed"] + demo["unreached"]
    assert demo["found"] >= 0.8 * (demo["planted"] - demo["unreached"])
    assert demo["unreached"] >= 1
    assert demo["cases"]["confirmed"] >= 1
    assert demo["cases"]["open"] >= 1
    assert demo["seals"] == ("present" if shutil.which("openssl") else "absent")
    expected = r"[123] pages? visited once; the second visits are due from \d" if find_chromium() else "absent"
    assert re.match(expected, demo["clean_captures"]), demo["clean_captures"]


def test_the_dossier_passes_stock_tools(demo: dict[str, Any]) -> None:
    folder = Path(demo["dossier"])
    check = subprocess.run(
        ["sha256sum", "-c", "manifest-sha256.txt", "tagmanifest-sha256.txt"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout.decode()
    assert Path(demo["dossier_pdf"]).read_bytes().startswith(b"%PDF-")
    gaps = json.loads((folder / "data/facts.json").read_bytes())["gaps"]
    assert not [gap for gap in gaps if "identité" in gap or "personne" in gap], gaps
    assert Path(demo["dossier_zip"]).stat().st_size > 10_000


def test_other_commands_open_the_demo_home(demo: dict[str, Any]) -> None:
    home = Path(demo["home"])
    for kind in ("crawls", "captures", "listings", "passages", "findings", "cases"):
        lines = vigie("list", kind, "--json", home=home).stdout.splitlines()
        assert lines, kind
        assert json.loads(lines[0])["id"]
    assert json.loads(vigie("stats", "--json", home=home).stdout)
    doctor = vigie("doctor", "--json", home=home)
    states = {one["check"]: one["state"] for one in map(json.loads, doctor.stdout.splitlines())}
    assert states["evidence"] == "passed"
    again = json.loads(vigie("detect", "--json", home=home).stdout)
    assert (again["read"], again["cases_opened"]) == (0, 0)
    assert json.loads(vigie("replay", "--json", home=home).stdout)["passages_added"] == 0


def test_a_damaged_capture_is_found_and_never_leaves(demo: dict[str, Any], tmp_path: Path) -> None:
    home = Path(demo["home"])
    ledger = Ledger.open(home)
    case = int(Path(demo["dossier"]).name.split("-")[1])
    for path in (home / "evidence").rglob("*.warc.gz"):
        path.chmod(0o644)
        data = path.read_bytes()
        path.write_bytes(data[:-5])
        break
    assert vigie("doctor", home=home).returncode == 1
    path.write_bytes(data)
    ledger.close()
    open_case = next(
        one["id"]
        for one in map(json.loads, vigie("list", "cases", "--json", home=home).stdout.splitlines())
        if one["status"] == "open"
    )
    refused(vigie("dossier", str(open_case), "--out", tmp_path / "out", home=home))
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
    assert case


def test_the_demo_refuses_a_home_in_use(demo: dict[str, Any]) -> None:
    home = Path(demo["home"])
    refused(vigie("demo", "--no-serve", "--home", home, home=home), "holds a ledger already")


def test_a_page_saved_from_a_browser(home: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(PAGE, "utf-8")
    report = json.loads(vigie("import", page, "--json", home=home).stdout)
    assert report["platform"] == "practice_site"
    assert report["passages"] >= 1
    detected = json.loads(vigie("detect", "--json", home=home).stdout)
    assert detected["flagged"] >= 1
    captures = [json.loads(line) for line in vigie("list", "captures", "--json", home=home).stdout.splitlines()]
    assert {one["provenance"] for one in captures} == {"import:page.html"}


def test_a_warc_of_another_tool(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "web.warc.gz"
    file.write_bytes(to_warc_gz(an_exchange()))
    assert json.loads(vigie("import", file, "--json", home=home).stdout)["captures"] == 1


def _bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    good = to_warc_gz(an_exchange())
    files = {
        "empty": ("empty.html", b"", "empty"),
        "binary": ("photo.html", b"\x89PNG\r\n\x1a\n" + b"\0" * 500, "not an HTML page"),
        "no address": ("page.html", b"<html><body><p>Bonjour</p></body></html>", "--url"),
        "unknown kind": ("notes.docx", b"PK..", ".warc.gz"),
        "cut short": ("cut.warc.gz", good[:-20], "cut short"),
        "damaged": ("bad.warc.gz", good[:60] + b"\xff" * 20 + good[80:], "damaged"),
        "not a warc": ("fake.warc.gz", gzip.compress(b"hello world" * 50), "fake.warc.gz"),
    }
    made = {}
    for name, (file, data, word) in files.items():
        (folder / file).write_bytes(data)
        made[name] = (folder / file, word)
    with (folder / "huge.html").open("wb") as huge:
        huge.truncate(200 * 1024 * 1024)
    made["200 MB"] = (folder / "huge.html", "209715200")
    made["missing"] = (folder / "nothing.html", "No such file")
    return made


def test_bad_imports(home: Path, tmp_path: Path) -> None:
    for _, (path, word) in _bad_files(tmp_path).items():
        refused(vigie("import", path, home=home), path.name, word)
    with Ledger.open(home).session() as session:
        assert session.scalar(text("SELECT count(*) FROM capture")) == 0
        assert session.scalar(text("SELECT count(*) FROM crawl")) == 0
    assert not list((home / "evidence").rglob("*")) if (home / "evidence").exists() else True


def test_unknown_platform_and_hosts(home: Path) -> None:
    refused(vigie("crawl", "doktolib", home=home), "doktolib", "no such platform")
    refused(vigie("crawl", "practice_site", "--start", "http://127.0.0.1:9/", home=home), "not a public machine")
    refused(
        vigie("crawl", "practice_site", "--start", "http://127.0.0.1:9/", "--allow-host", "127.0.0.1:9", home=home),
        "no answer",
    )


def test_classify_keeps_order_and_names_the_bad_line(home: Path) -> None:
    good = [{"id": 1, "text": "Pas de CMU.", "field": "payment"}, {"id": 2, "text": "Bonjour", "field": "banner"}]
    given = "".join(json.dumps(one) + "\n" for one in good).encode()
    answers = [json.loads(line) for line in vigie("classify", home=home, given=given).stdout.splitlines()]
    assert [one["id"] for one in answers] == [1, 2]
    assert [one["stance"] for one in answers] == ["refusal", "none"]
    first = answers[0]
    assert good[0]["text"][first["start"] : first["end"]] == first["trigger"]  # type: ignore[index]
    keys = {
        "id",
        "stance",
        "benefits",
        "trigger",
        "start",
        "end",
        "confidence",
        "reasons",
        "context",
        "version",
        "abstained",
    }
    assert set(first) == keys
    bad = b"{not json\n" + b'{"id": 9, "text": "\xff"}\n' + b'{"id": 8, "text": 3, "field": "faq"}\n\n'
    mixed = vigie("classify", home=home, given=bad + given)
    refused(mixed, "standard input:1", "2 more")
    answers = [json.loads(line) for line in mixed.stdout.splitlines()]
    assert [one["id"] for one in answers] == [None, None, 8, 1, 2]
    assert ["error" in one for one in answers] == [True, True, True, False, False]
    lone = vigie("classify", home=home, given=b'{"id": 1, "text": "\\ud800 Pas de CMU \\u0000", "field": "faq"}\n')
    assert json.loads(lone.stdout)["stance"] == "refusal"
    refused(vigie("classify", home=home, given=b'{"id": 1, "text": "x", "field": "nowhere"}\n'), "nowhere")
    refused(vigie("classify", home / "none.jsonl", home=home), "No such file")
    assert not home.exists()


def test_a_database_of_a_newer_version(home: Path) -> None:
    Ledger.open(home).close()
    with create_engine(f"sqlite:///{home / 'ledger.sqlite'}").begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    refused(vigie("stats", home=home), "newer version")


def test_a_second_run_beside_the_first(home: Path) -> None:
    with exclusive(home, "crawl doctolib"):
        refused(vigie("detect", home=home), "crawl doctolib")


def test_no_ledger_and_no_case(home: Path, tmp_path: Path) -> None:
    refused(vigie("dossier", "1", "--out", tmp_path / "out", home=home), "no ledger")
    Ledger.open(home).close()
    refused(vigie("dossier", "1", "--out", tmp_path / "out", home=home))
    refused(vigie("list", "unicorns", home=home), "unicorns")
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let tests mount a small disk")
    try:
        with SandboxServer(Sandbox(listings=200)) as server:
            start = server.start_urls("practice_site")[0]
            answer = vigie(
                "crawl",
                "practice_site",
                "--start",
                start,
                "--allow-host",
                server.host,
                "--delay",
                "0",
                home=disk / "home",
            )
        refused(answer, "full")
        assert not list(disk.rglob(".partial-*"))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
