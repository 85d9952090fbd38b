"""The commands of the evidence, as a shell sees them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import select
from test_command import an_exchange, refused, vigie

from ledger import Ledger
from ledger.models import Capture, Event
from ledger.warc import to_warc_gz
from monitor.evidence import purge
from monitor.local_authority import AuthorityServer, LocalAuthority
from monitor.schedule import watch_evidence
from monitor.settings import Settings

ONE = '{"name": "a", "url": "http://x/", "certificates": "x"}'


@pytest.fixture
def filled(home: Path, tmp_path: Path) -> Path:
    """A home with one imported page."""
    page = tmp_path / "page.warc.gz"
    page.write_bytes(to_warc_gz(an_exchange()))
    assert vigie("import", page, home=home).returncode == 0
    return home


def figures(*words: str | Path, home: Path, status: int = 0) -> dict[str, Any]:
    answer = vigie(*words, "--json", home=home)
    assert answer.returncode == status, answer.stderr.decode()
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def test_an_import_is_sealed_and_the_next_seal_has_nothing_to_do(filled: Path) -> None:
    told = figures("custody", home=filled)
    assert (told["seals"], told["faults"]) == (1, [])
    again = figures("seal", home=filled)
    assert (again["seals"], again["authorities"], again["waiting"]) == ([], 0, 0)
    assert (filled / "seals" / "000001.json").exists()


def test_stamps_come_from_the_configured_authorities(
    filled: Path, locals_: tuple[LocalAuthority, LocalAuthority], tmp_path: Path
) -> None:
    with (
        AuthorityServer("aa", locals_[0].certificates, locals_[0].answer) as a,
        AuthorityServer("bb", locals_[1].certificates, locals_[1].answer) as b,
    ):
        said = []
        for server in (a, b):
            (tmp_path / f"{server.name}.pem").write_text(server.certificates)
            pem = str(tmp_path / f"{server.name}.pem")
            said.append(
                {"name": server.name, "url": server.authority.url, "certificates": pem, "qualified": server is b}
            )
        with mock.patch.dict(os.environ, {"VIGIE_AUTHORITIES": json.dumps(said)}):
            told = figures("seal", home=filled)
            checks = {
                one["check"]: one for one in map(json.loads, vigie("doctor", "--json", home=filled).stdout.splitlines())
            }
    assert (told["stamped"], told["waiting"], told["files_written"]) == (2, 0, 4)
    ledger = Ledger.open(filled)
    with ledger.session() as session:
        details = session.scalars(select(Event.detail).where(Event.kind == "stamped").order_by(Event.id)).all()
    ledger.close()
    assert [(one["authority"], one["qualified"]) for one in details] == [("aa", False), ("bb", True)]
    assert (checks["authorities"]["state"], checks["custody"]["state"]) == ("passed", "passed")


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ('[{"name": "A b", "url": "http://x/", "certificates": "x"}]', "authorities"),
        ('[{"name": "a", "url": "ftp://x/", "certificates": "x"}]', "authorities"),
        ('[{"name": "a", "url": "http://x/", "certificates": "/nowhere/x.pem"}]', "cannot be read"),
        ('[{"name": "a", "url": "http://x/"}]', "certificates"),
        (f"[{ONE}, {ONE}]", "same name"),
        ("nonsense", "authorities"),
    ],
)
def test_a_configuration_that_cannot_be_meant(filled: Path, said: str, word: str) -> None:
    with mock.patch.dict(os.environ, {"VIGIE_AUTHORITIES": said}):
        refused(vigie("seal", home=filled), word)


def test_a_seal_file_that_differs_is_a_no(filled: Path) -> None:
    path = filled / "seals" / "000001.json"
    path.chmod(0o644)
    path.write_bytes(b"{}\n")
    assert figures("seal", home=filled, status=1)["files_differing"] == ["000001.json"]


def test_the_log_is_written_out(filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "custody.jsonl"
    told = figures("custody", "--out", out, home=filled)
    kinds = [json.loads(line)["kind"] for line in out.read_bytes().splitlines()]
    assert len(kinds) == told["events"]
    assert kinds[:3] == ["collected", "crawl_finished", "sealed"]
    refused(vigie("custody", "--out", tmp_path / "no" / "where", home=filled), "No such file")


def test_fixity_says_no_when_evidence_changed(filled: Path) -> None:
    told = figures("fixity", home=filled)
    assert (told["files"], told["damaged"], told["missing"]) == (1, 0, 0)
    assert figures("fixity", "--due", home=filled) == {"due": False}
    (path,) = (filled / "evidence").rglob("*.warc.gz")
    path.chmod(0o644)
    path.write_bytes(b"forged")
    assert figures("fixity", home=filled, status=1)["damaged"] == 1
    assert vigie("doctor", home=filled).returncode == 1


def test_a_copy_and_an_erasure_need_a_reason_and_leave_one(filled: Path, tmp_path: Path) -> None:
    refused(vigie("copy", "1", "--out", tmp_path / "out", "--why", " ", home=filled), "--why")
    told = figures("copy", "1", "--out", tmp_path / "out", "--why", "lecture", "--who", "alix", home=filled)
    assert Path(told["path"]).read_bytes() == to_warc_gz(an_exchange())
    refused(vigie("erase", "1", "--why", "", home=filled), "--why")
    refused(vigie("erase", "7", "--why", "demande", home=filled), "capture 7")
    assert figures("erase", "1", "--why", "demande", "--who", "alix", home=filled)["files"] == 1
    assert list((filled / "evidence").rglob("*.warc.gz")) == []
    assert figures("fixity", home=filled)["files"] == 0
    assert figures("custody", home=filled)["faults"] == []
    assert figures("replay", home=filled)["evidence_failures"] == 0
    refused(vigie("copy", "1", "--out", tmp_path / "out", "--why", "lecture", home=filled), "not in the evidence store")


def test_purge_keeps_what_has_time_and_all_without_a_limit(filled: Path) -> None:
    assert figures("purge", home=filled)["erased"] == 0
    with mock.patch.dict(os.environ, {"VIGIE_KEEP_DAYS": "100000"}):
        assert figures("purge", home=filled)["erased"] == 0
    ledger = Ledger.open(filled)
    with ledger.session() as session:
        age = datetime.now(UTC) - session.get_one(Capture, 1).captured_at
    report = purge(ledger, Settings(home=filled, keep_days=max(age.days, 1)))
    assert (report.erased, report.files) == (1, 1)
    ledger.close()


def test_the_schedule_watches_over_the_evidence(filled: Path) -> None:
    settings = Settings(home=filled)
    first = watch_evidence(settings)
    assert (first.state, first.detail) == ("done", {"erased": 0, "files": 1, "damaged_or_missing": 0})
    assert watch_evidence(settings).state == "nothing"
    (path,) = (filled / "evidence").rglob("*.warc.gz")
    path.unlink()
    with mock.patch("monitor.evidence.is_due", return_value=True):
        assert watch_evidence(settings).state == "failed"
