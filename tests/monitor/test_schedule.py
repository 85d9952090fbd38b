"""The schedule may be called at any time; alarms reach people; a held run opens no case; the switch stops all."""

from __future__ import annotations

import json
import smtplib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from benchmarks.small_site import Page, SmallSite, home, page
from ledger import Ledger
from ledger.frontier import Address, RunReport, StopSwitch, stop_file, stopped
from ledger.models import Capture, Crawl, Listing, Passage
from monitor import alerts, jobs, runs, schedule
from monitor.cli import app
from monitor.settings import AgreementSettings, AlertSettings, CrawlSettings, Settings, load_settings

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ALARMS = ["field: name (html:3): 0 of 40 answers, usually 98%"]


def test_run_due_crawls_once_and_again_only_when_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("read_new", "visit_new", "watch_evidence"):
        monkeypatch.setattr(schedule, name, lambda _: schedule.Done("other", "nothing"))
    with SmallSite({"/": Page(home("/tarifs")), "/tarifs": Page(page("Tarif : 30 euros."))}) as site:
        one = CrawlSettings(platform="practice_site", start=[site.start], allow_host=[site.host], delay_seconds=0)
        settings = Settings(home=tmp_path, crawls=[one])
        told: list[schedule.Done] = []
        schedule.run_due(settings, told.append)
        asked = len(site.log)
        again = schedule.run_due(settings, lambda _: None)
        assert len(site.log) == asked > 2
        with Ledger.open(tmp_path).session() as session:
            session.execute(
                update(Address).where(Address.url.endswith("/tarifs")).values(due_at=datetime.now(UTC) - timedelta(1))
            )
        third = schedule.run_due(settings, lambda _: None)
        assert [one.path for one in site.log[asked:]] == ["/robots.txt", "/tarifs"]
    assert [one.state for one in told] == ["done", "nothing", "nothing", "done", "nothing", "nothing"]
    assert again[0].state == "nothing"
    assert (third[0].state, third[0].detail["unchanged"]) == ("done", 1)


def test_run_due_while_it_runs_says_busy_and_is_no_error(tmp_path: Path) -> None:
    from ledger.lock import exclusive

    with exclusive(tmp_path, "crawl doctolib"):
        result = CliRunner().invoke(app, ["run-due", "--home", str(tmp_path), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["state"] == "busy"


def test_stop_and_start_on_both_databases(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    url = ledger.engine.url.render_as_string(hide_password=False)
    if url.startswith("postgresql"):
        monkeypatch.setenv("VIGIE_DATABASE_URL", url)
    run = CliRunner().invoke
    assert run(app, ["stop", "--why", "panne", "--home", str(ledger.home)]).exit_code == 0
    with ledger.session() as session:
        assert stopped(session, ledger.home) == "panne"
        stop_file(ledger.home).unlink()
        assert stopped(session, ledger.home) == "panne"  # another machine of the fleet: no file there
        assert session.scalars(select(StopSwitch)).one().reason == "panne"
    done = schedule.crawl_due(
        Settings(home=ledger.home, database_url=url, crawls=[CrawlSettings(platform="doctolib")]), "doctolib"
    )
    assert (done.state, done.detail["reason"]) == ("stopped", "panne")
    assert "may go on" in run(app, ["start", "--home", str(ledger.home)]).output
    assert "nothing was" in run(app, ["start", "--home", str(ledger.home)]).output


def test_a_platform_that_nobody_scheduled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(schedule.NotScheduled, match="doktolib"):
        schedule.crawl_due(Settings(home=tmp_path), "doktolib")


def test_settings_of_crawls_agreements_and_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vigie.toml").write_text(
        '[[crawls]]\nplatform = "doctolib"\n[[agreements]]\nhost = "www.exemple.fr"\nreference = "lettre du 3 mars"\n'
        'delay_seconds = 1.5\nheader = "X-Key"\nkey = "secret"\n[alerts]\nmail_to = ["a@exemple.fr"]\n'
    )
    settings = load_settings()
    assert [one.platform for one in settings.crawls] == ["doctolib"]
    agreement = schedule.agreements_of(settings)[0]
    assert (agreement.host, agreement.delay_seconds, agreement.key) == ("www.exemple.fr", 1.5, "secret")
    assert "secret" not in repr(settings)
    with pytest.raises(ValueError, match="reference"):
        AgreementSettings(host="a.fr", reference="", delay_seconds=1)


class Inbox:
    """A mail server that remembers."""

    sent: list[Any] = []

    def __init__(self, host: str, _port: int, **_: Any) -> None:
        if host == "down.exemple.fr":
            raise OSError("connection refused")

    def __enter__(self) -> Inbox:
        return self

    def __exit__(self, *_: object) -> None: ...

    def send_message(self, mail: Any) -> None:
        self.sent.append(mail)


def test_alarms_go_by_mail_and_a_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtplib, "SMTP", Inbox)
    monkeypatch.setattr(Inbox, "sent", [])
    settings = AlertSettings(mail_to=["a@exemple.fr", "b@exemple.fr"])
    assert alerts.alert(settings, "doctolib", "7", ALARMS) == []
    mail = Inbox.sent[0]
    assert (mail["To"], mail["Subject"]) == ("a@exemple.fr, b@exemple.fr", "Vigie: 1 alarm on doctolib (run 7)")
    assert ALARMS[0] in mail.get_content()
    assert alerts.alert(settings, "doctolib", "8", []) == []
    assert len(Inbox.sent) == 1
    down = AlertSettings(mail_to=["a@exemple.fr"], smtp_host="down.exemple.fr")
    assert alerts.alert(down, "doctolib", "7", ALARMS) == ["mail over down.exemple.fr: connection refused"]


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    """A webhook that remembers."""
    heard: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path.startswith("/broken") else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", heard
    server.shutdown()
    server.server_close()


def test_alarms_go_to_a_webhook(hook: tuple[str, list[Any]]) -> None:
    address, heard = hook
    assert alerts.alert(AlertSettings(webhook=f"{address}/hook"), "doctolib", "7", ALARMS) == []
    assert heard == [{"platform": "doctolib", "run": "7", "alarms": ALARMS}]
    (reason,) = alerts.alert(AlertSettings(webhook=f"{address}/broken?token=x"), "doctolib", "7", ALARMS)
    assert "500" in reason and "token" not in reason


def held_run(ledger: Ledger) -> int:
    with ledger.session() as session:
        run = Crawl(platform="doctolib", kind="live", started_at=NOW, software="vigie 0.1.0")
        session.add(run)
        session.flush()
        seen = Capture(crawl_id=run.id, url="https://exemple.fr/", captured_at=NOW, outcome="page", status=200)
        session.add(seen)
        session.flush()
        listing = Listing(platform="doctolib", key="ange", url="https://exemple.fr/", first_capture_id=seen.id)
        session.add(listing)
        session.flush()
        text = {"text": "Pas de CMU", "text_key": "k", "field": "presentation", "locator": "/b"}
        session.add(Passage(listing_id=listing.id, capture_id=seen.id, parser_version="1", **text))
        figures = {"outcomes": {"page": 40, "blocked": 2}, "listings": 40}
        session.add(
            RunReport(
                crawl_id=run.id, platform="doctolib", made_at=NOW, figures=figures, alarms=["sitewide: x"], held=True
            )
        )
        return run.id


def test_a_held_run_is_read_only_when_a_person_has_looked(ledger: Ledger) -> None:
    run = held_run(ledger)
    assert not jobs.has_unread(ledger)
    with ledger.session() as session:
        assert list(jobs._unread(session, "v", 0)) == []
    runs.release_run(ledger, run)
    assert jobs.has_unread(ledger)
    with ledger.session() as session:
        assert len(jobs._unread(session, "v", 0)) == 1
    assert runs.reports(ledger)[0].state == "released"
    with pytest.raises(runs.NoSuchRun, match="run 99"):
        runs.release_run(ledger, 99)


def test_the_report_of_a_run_as_line_table_json_and_plot(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    run = held_run(sqlite_ledger)
    arguments = ["runs", "--home", str(sqlite_ledger.home)]
    line = CliRunner().invoke(app, arguments).stdout
    assert "held" in line and "sitewide" in line and "pages 40 listings 40 walls 2" in line
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert (told["state"], told["figures"]["outcomes"]["page"]) == ("held", 40)
    plot = tmp_path / "runs.svg"
    assert "sitewide" in CliRunner().invoke(app, [*arguments, "--show", str(run), "--plot", str(plot)]).stdout
    assert plot.read_text("utf-8").startswith("<svg") and "circle" in plot.read_text("utf-8")


def test_what_could_not_be_told_is_an_event(sqlite_ledger: Ledger) -> None:
    run = held_run(sqlite_ledger)
    settings = Settings(home=sqlite_ledger.home, alerts=AlertSettings(webhook="http://127.0.0.1:9/"))
    assert schedule.tell(sqlite_ledger, settings, "doctolib", str(run), ALARMS)
