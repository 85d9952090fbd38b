"""An outside archive, when one is configured, keeps the page of a case; what it answers is a recorded state."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote

import pytest
from sqlalchemy import select
from test_clean_captures import add_case
from test_command import refused, vigie
from test_stamping import odd_server

from ledger import EvidenceMissing, Ledger
from ledger.bundle.gather import gather_evidence
from ledger.custody import check_chain, lines
from ledger.evidence_services import ThirdArchive
from ledger.models import Event, Reviewer, Verdict
from ledger.sealing.seals import make_seals
from ledger.sealing.tokens import Fault, StampFault
from ledger.third_archives import Copy, archives_due, copies_of
from monitor.archives import ask_archives
from monitor.schedule import run_due
from monitor.settings import BadSettings, Settings

PAGE = "https://exemple.fr/praticien?ville=Lyon&n=1"
AT = datetime(2026, 3, 1, 9, 0, 1, tzinfo=UTC)
Behave = Callable[[BaseHTTPRequestHandler], None]


def answer(code: int, body: bytes = b"", **headers: str) -> Behave:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def said(**value: Any) -> Behave:
    return answer(200, json.dumps(value).encode())


def configured(home: Path, url: str, **more: str) -> Settings:
    archive = {"name": "essai", "save": f"{url}save/{{url}}", "status": f"{url}save/status/{{job}}"}
    archive["copy_at"] = f"{url}web/{{timestamp}}/{{url}}"
    return Settings(home=home, archives=[{**archive, **more}], archive_seconds=0.6)  # type: ignore[list-item]


def confirm(ledger: Ledger, case: int) -> None:
    with ledger.session() as session:
        for login in ("alix", "camille"):
            person = Reviewer(login=login, display_name=login, password_hash="x", created_at=AT)
            session.add(person)
            session.flush()
            session.add(
                Verdict(
                    case_id=case, reviewer_id=person.id, decided_at=AT, decision="confirm", reason="r", stance="refusal"
                )
            )


def events(ledger: Ledger) -> list[tuple[str, dict[str, Any]]]:
    with ledger.session() as session:
        query = select(Event.kind, Event.detail).where(Event.kind.like("archive%")).order_by(Event.id)
        return [(kind, detail) for kind, detail in session.execute(query)]


def only(ledger: Ledger) -> ThirdArchive:
    with ledger.session() as session:
        (row,) = copies_of(session, 1)
        return row


def test_row_third_party_archive_optional(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """By configuration alone: a confirmed case's page is kept once; address and time are in the log and the bundle."""
    confirm(ledger, add_case(ledger, PAGE))
    add_case(ledger, "https://exemple.fr/autre")  # not confirmed: nobody is told of it
    asked: list[str] = []

    def keep(handler: BaseHTTPRequestHandler) -> None:
        asked.append(f"{handler.path} {handler.headers.get('Authorization')}")
        answer(200, b"<html>", Content_Location=f"/web/20260301090001/{PAGE}")(handler)

    with odd_server(keep) as url:
        assert ask_archives(ledger, Settings(home=ledger.home)).kept == 0
        assert asked == [] and events(ledger) == []
        settings = configured(ledger.home, url, key_variable="ESSAI_KEY")
        with pytest.raises(BadSettings, match="ESSAI_KEY"):
            ask_archives(ledger, settings)
        monkeypatch.setenv("ESSAI_KEY", "LOW a:secret")
        assert ask_archives(ledger, settings).kept == 1
        assert ask_archives(ledger, settings, everything=True).kept == 0
    ((path, _, key),) = [one.partition(" ") for one in asked]
    assert unquote(path) == f"/save/{PAGE}" and key == "LOW a:secret"
    row = only(ledger)
    assert (row.state, row.address, row.archived_at) == ("kept", f"{url}web/20260301090001/{PAGE}", AT)
    ((kind, detail),) = events(ledger)
    assert (
        kind == "archive_kept" and detail["address"] == row.address and detail["time"].startswith("2026-03-01T09:00:01")
    )
    make_seals(ledger, "vigie test")
    told = gather_evidence(ledger, {("capture", 1): ("a", "b")}).events
    assert [proof["leaf"]["kind"] for proof in told if proof["leaf"]["subject"] == "capture"] == ["archive_kept"]
    assert check_chain(ledger).holds
    with ledger.session() as session:
        assert b"secret" not in b"".join(lines(session))


def test_an_archive_that_works_at_a_job(sqlite_ledger: Ledger) -> None:
    case = add_case(sqlite_ledger, PAGE)
    state: dict[str, Any] = {"status": "pending", "job_id": "spn2-1"}

    def behave(handler: BaseHTTPRequestHandler) -> None:
        said(**(state if "/status/" in handler.path else {"url": PAGE, "job_id": "spn2-1"}))(handler)

    with odd_server(behave) as url:
        settings = configured(sqlite_ledger.home, url)
        assert ask_archives(sqlite_ledger, settings, case_id=case).pending == 1
        assert ask_archives(sqlite_ledger, settings, case_id=case).pending == 0  # not its turn
        assert ask_archives(sqlite_ledger, settings, case_id=case, everything=True).pending == 1
        assert (only(sqlite_ledger).state, only(sqlite_ledger).job) == ("pending", "spn2-1")
        state.update(status="success", timestamp="20260301090001", original_url=PAGE)
        assert ask_archives(sqlite_ledger, settings, case_id=case, everything=True).kept == 1
    assert only(sqlite_ledger).address == f"{url}web/20260301090001/{PAGE}"
    assert [kind for kind, _ in events(sqlite_ledger)] == ["archive_pending", "archive_kept"]


FAULTS: dict[str, tuple[Behave, str]] = {
    "refuses": (answer(403, b"<p>Cette page est exclue.</p>"), "refused"),
    "has too much to do": (answer(429), "http_error"),
    "is broken": (answer(502), "http_error"),
    "hangs": (lambda _: time.sleep(2), "timeout"),
    "hangs up": (lambda handler: handler.connection.close(), "unreachable"),
    "answers rubbish": (answer(200, b"\x00\xff<html>"), "malformed"),
    "answers a list": (answer(200, b"[1]"), "malformed"),
    "answers nested rubbish": (answer(200, b"[" * 100_000), "malformed"),
    "says error": (said(status="error", message="blocked"), "refused"),
    "kept another page": (
        said(status="success", timestamp="20260301090001", original_url="https://x.fr/"),
        "wrong_imprint",
    ),
    "points elsewhere": (answer(302, Location="https://ailleurs.fr/web/20260301090001/x"), "malformed"),
    "points to no copy": (answer(302, Location="/connexion"), "malformed"),
    "says an odd job": (said(job_id="../../x"), "malformed"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_an_archive_that_does_not_keep_the_page(sqlite_ledger: Ledger, what: str) -> None:
    case = add_case(sqlite_ledger, PAGE)
    behave, fault = FAULTS[what]
    with odd_server(behave) as url:
        report = ask_archives(sqlite_ledger, configured(sqlite_ledger.home, url), case_id=case)
    assert (report.kept, report.failed) == (0, {"essai": fault})
    row = only(sqlite_ledger)
    assert (row.state, row.fault, row.attempts) == ("absent", fault, 1) and row.reason
    ((kind, detail),) = events(sqlite_ledger)
    assert kind == "archive_failed" and detail["fault"] == fault and "\n" not in detail["reason"]


def test_what_failed_is_asked_again_later_and_the_reason_is_told_once(sqlite_ledger: Ledger) -> None:
    case = add_case(sqlite_ledger, PAGE)
    now, asked = [AT], []

    def away(*_: str) -> Copy:
        asked.append(now[0])
        raise StampFault(Fault.TIMEOUT, "no answer")

    for _ in range(30):
        archives_due(sqlite_ledger, ["essai"], away, case_id=case, clock=lambda: now[0])
        now[0] += timedelta(minutes=10)
    assert 5 < len(asked) < 15 and len(events(sqlite_ledger)) == 1
    kept = Copy("https://archive.exemple/web/20260301090001/x", AT)
    now[0] += timedelta(hours=2)
    assert archives_due(sqlite_ledger, ["essai"], lambda *_: kept, case_id=case, clock=lambda: now[0]).kept == 1
    with pytest.raises(EvidenceMissing, match="case 99"):
        archives_due(sqlite_ledger, ["essai"], away, case_id=99)


def test_the_command_and_the_schedule_ask_nobody_by_default(sqlite_ledger: Ledger) -> None:
    confirm(sqlite_ledger, add_case(sqlite_ledger, PAGE))
    refused(vigie("archive", home=sqlite_ledger.home), "VIGIE_ARCHIVES")
    done: list[str] = []
    settings = Settings(home=sqlite_ledger.home, crawls=[])
    quiet = dict.fromkeys(("read_new", "visit_new"), mock.DEFAULT)
    with mock.patch("monitor.schedule.scheduled", return_value={}), mock.patch.multiple("monitor.schedule", **quiet):
        run_due(settings, lambda one: done.append(one.job))
        assert "archive" not in done
        with odd_server(answer(302, Location=f"/web/20260301090001/{PAGE}")) as url:
            run_due(configured(sqlite_ledger.home, url), lambda one: done.append(one.job))
    assert "archive" in done and only(sqlite_ledger).state == "kept"
