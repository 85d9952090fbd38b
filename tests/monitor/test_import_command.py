"""`vigie import` of a list of addresses: fetched at once, each platform by itself, and honest about whose they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crawler.collected import CannotImport
from crawler.run import CrawlSpec, Unreachable
from crawler.sandbox import Sandbox, SandboxServer
from ledger import Ledger
from ledger.models import Listing
from monitor.cli import app


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(seed=2, listings=40)) as running:
        yield running


def run(*words: str | Path) -> tuple[list[dict[str, Any]], BaseException | None]:
    answer = CliRunner().invoke(app, [*map(str, words), "--json"])
    lines = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    return lines, answer.exception


def test_the_addresses_of_a_list_are_fetched_and_nothing_more(
    server: SandboxServer, home: Path, tmp_path: Path
) -> None:
    person = server.world.person(4)
    address = f"http://{server.host}/sites/{person.slug}/"
    path = tmp_path / "liste.txt"
    path.write_text(f"# à voir\n{address}\n{address}\n", "utf-8")
    lines, error = run("import", path, "--home", home, "--allow-host", server.host, "--delay", "0")
    assert error is None
    assert lines[0] == {"list": "liste.txt", "platform": "practice_site", "addresses": 1}
    assert (lines[1]["platform"], lines[1]["listings"]) == ("practice_site", 1)
    with Ledger.open(home).session() as session:
        assert [one.key for one in session.query(Listing)] == [f"{server.host}/sites/{person.slug}"]


def test_each_platform_is_fetched_by_itself_and_one_failure_does_not_stop_the_next(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[CrawlSpec] = []

    def crawl(spec: CrawlSpec, _: object) -> object:
        asked.append(spec)
        raise Unreachable(f"{spec.start_urls[0]}: no answer to any request")

    monkeypatch.setattr("crawler.run.crawl", crawl)
    path = tmp_path / "liste.txt"
    path.write_text(
        "https://www.maiia.com/dentiste/01000-a/b\nhttps://cabinet.example/\n"
        "https://booking.keldoc.com/x\nhttps://app.ordoclic.fr/app/medecin/c\nhttps://m.maiia.com/dentiste/01000-a/d\n",
        "utf-8",
    )
    lines, error = run("import", path, "--home", home)
    assert [(spec.platform, len(spec.start_urls), spec.limit) for spec in asked] == [
        ("maiia", 2, 2), ("practice_site", 1, 1), ("keldoc", 1, 1), ("ordoclic", 1, 1),
    ]  # fmt: skip
    assert isinstance(error, Unreachable)
    assert [one["error"] for one in lines if "error" in one] == [
        f"{spec.start_urls[0]}: no answer to any request" for spec in asked
    ]


def test_a_bad_list_fetches_nothing(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "liste.txt"
    path.write_text("https://a.example/\npas une adresse\n", "utf-8")
    lines, error = run("import", path, "--home", home)
    assert lines == []
    assert isinstance(error, CannotImport)
    assert f"{path}:2" in str(error)
