"""Seals are stamped by two authorities; every way an authority can fail is told apart, recorded, and asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import authority_faults as faults
import pytest
from sqlalchemy import func, select

from ledger import Ledger
from ledger.custody import check_chain
from ledger.evidence_tables import Stamp, StampTask
from ledger.models import Capture, Crawl, Event
from ledger.sealing import tokens
from ledger.sealing.der import NotDer, read_answer
from ledger.sealing.files import write_files
from ledger.sealing.openssl import openssl
from ledger.sealing.seals import make_seals
from ledger.sealing.stamping import LONGEST_WAIT, stamp_due, wait_after
from ledger.sealing.tokens import Authority, BadCertificates, Fault, StampFault, Transport, accept, ask_for
from monitor.authorities import over_http
from monitor.local_authority import AuthorityServer, LocalAuthority

Locals = tuple[LocalAuthority, LocalAuthority]
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def one_more_seal(ledger: Ledger, count: int = 1) -> None:
    """So many crawls of one page each, sealed."""
    for _ in range(count):
        with ledger.session() as session:
            crawl = Crawl(platform="doctolib", kind="live", started_at=START, software="vigie test")
            session.add(crawl)
            session.flush()
            session.add(Capture(crawl_id=crawl.id, url="https://exemple.fr/", captured_at=START, outcome="page"))
        make_seals(ledger, "vigie test")


def known(local: LocalAuthority, name: str = "aa") -> Authority:
    return Authority(name, "http://127.0.0.1:9/", local.certificates)


def answered_by(answers: dict[str, Callable[[bytes], bytes]]) -> Transport:
    """A transport without a network: the authority's name to its way of answering."""
    return lambda authority, request: answers[authority.name](request)


def tasks(ledger: Ledger) -> dict[tuple[int, str], StampTask]:
    with ledger.session() as session:
        return {(one.seal_number, one.authority): one for one in session.scalars(select(StampTask))}


def kinds(ledger: Ledger, kind: str) -> list[dict[str, Any]]:
    with ledger.session() as session:
        return list(session.scalars(select(Event.detail).where(Event.kind == kind).order_by(Event.id)))


def test_two_authorities_over_http_and_a_stranger_checks(ledger: Ledger, locals_: Locals) -> None:
    one_more_seal(ledger, 2)
    first, second = locals_
    with (
        AuthorityServer("aa", first.certificates, first.answer) as a,
        AuthorityServer("bb", second.certificates, second.answer) as b,
    ):
        report = stamp_due(ledger, [a.authority, b.authority], over_http(10))
    assert (report.stamped, report.waiting, report.failed) == (4, 0, {})
    write_files(ledger)
    folder = ledger.home / "seals"
    for number in (1, 2):
        for name in ("aa", "bb"):
            stem = f"{number:06d}"
            checked = openssl(
                *("ts", "-verify", "-data", folder / f"{stem}.json", "-in", folder / f"{stem}.{name}.tsr"),
                *("-CAfile", folder / f"{stem}.{name}.pem"),
            )
            assert b"Verification: OK" in checked
    with ledger.session() as session:
        stamps = session.scalars(select(Stamp)).all()
    assert len({stamp.serial for stamp in stamps if stamp.authority == "aa"}) == 2
    assert all(abs(stamp.stamped_at - datetime.now(UTC)) < timedelta(minutes=2) for stamp in stamps)
    assert len(kinds(ledger, "stamped")) == 4
    assert [kinds(ledger, state) for state in ("seal_absent",)] == [[]]
    assert len(kinds(ledger, "seal_present")) == 2
    assert check_chain(ledger).holds


def test_the_request_says_what_openssl_says_it_should(tmp_path: Path) -> None:
    asked = ask_for(b"un sceau")
    (tmp_path / "query").write_bytes(asked.der)
    shown = openssl("ts", "-query", "-in", tmp_path / "query", "-text").decode()
    assert "Hash Algorithm: sha256" in shown
    assert "Certificate required: yes" in shown
    assert f"Nonce: 0x{asked.nonce:X}" in shown
    dump = [line.split(" - ")[1][:47] for line in shown.splitlines() if " - " in line]
    assert "".join(dump).replace("-", "").replace(" ", "") == asked.digest.hex()
    assert ask_for(b"un sceau").nonce != asked.nonce


@pytest.mark.parametrize(
    ("way", "fault"),
    [
        ("refusing", Fault.REFUSED),
        ("past", Fault.WRONG_TIME),
        ("future", Fault.WRONG_TIME),
        ("stranger", Fault.WRONG_SIGNER),
        ("root", Fault.WRONG_SIGNER),
        ("altered", Fault.WRONG_SIGNER),
        ("else", Fault.WRONG_IMPRINT),
        ("nonce", Fault.WRONG_NONCE),
        ("nothing", Fault.MALFORMED),
        ("html", Fault.MALFORMED),
        ("cut", Fault.MALFORMED),
        ("granted without a token", Fault.MALFORMED),
        ("huge", Fault.TOO_LARGE),
    ],
)
def test_each_lie_is_told_apart_recorded_and_nothing_kept(
    sqlite_ledger: Ledger, locals_: Locals, way: str, fault: Fault
) -> None:
    local, other = locals_
    ways: dict[str, Callable[[bytes], bytes]] = {
        "refusing": faults.refusing,
        "past": faults.at_time(local, datetime.now(UTC) - timedelta(days=2)),
        "future": faults.at_time(local, datetime.now(UTC) + timedelta(hours=1)),
        "stranger": other.answer,
        "root": faults.by_the_root(local),
        "altered": faults.altered(local),
        "else": faults.about_something_else(local),
        "nonce": faults.to_somebody_else(local),
        "nothing": lambda _: b"",
        "html": lambda _: b"<html>Bienvenue</html>",
        "cut": lambda request: local.answer(request)[:-40],
        "granted without a token": lambda _: bytes.fromhex("30053003020100"),
        "huge": lambda _: b"\x30" * (tokens.LARGEST_ANSWER + 1),
    }
    one_more_seal(sqlite_ledger)
    authorities = [known(local, "bad"), known(other, "good")]
    report = stamp_due(sqlite_ledger, authorities, answered_by({"bad": ways[way], "good": other.answer}))
    assert (report.stamped, report.failed, report.waiting) == (1, {"bad": fault.value}, 1)
    task = tasks(sqlite_ledger)[1, "bad"]
    assert (task.state, task.fault, task.attempts) == ("pending", fault.value, 1)
    assert task.reason
    assert task.next_at > datetime.now(UTC)
    (told,) = kinds(sqlite_ledger, "stamp_failed")
    assert (told["authority"], told["fault"]) == ("bad", fault.value)
    assert [one["reason"] for one in kinds(sqlite_ledger, "seal_pending")] == ["0 of 2 tokens", "1 of 2 tokens"]
    again = stamp_due(sqlite_ledger, authorities, answered_by({"bad": local.answer}), everything=True)
    assert (again.stamped, again.waiting) == (1, 0)
    assert len(kinds(sqlite_ledger, "seal_present")) == 1


def test_a_resigned_token_with_the_right_time_is_accepted(locals_: Locals) -> None:
    """The lies above fail for their lie alone: the same re-signing without one is a good token."""
    local = locals_[0]
    asked, now = ask_for(b"x"), datetime.now(UTC)
    token = accept(faults.at_time(local, now)(asked.der), asked, known(local), now)
    assert abs(token.time - now) < timedelta(seconds=1)


def test_every_cut_and_many_altered_answers_are_refused(locals_: Locals) -> None:
    """No answer crashes the reader, and none that says something else is taken."""
    local = locals_[0]
    asked, now = ask_for(b"x"), datetime.now(UTC)
    good = local.answer(asked.der)
    true = read_answer(good)
    for end in range(len(good)):
        with pytest.raises(NotDer):
            read_answer(good[:end])
    for at in range(len(good)):
        changed = good[:at] + bytes([good[at] ^ (1 << at % 8)]) + good[at + 1 :]
        try:
            read = read_answer(changed)
        except NotDer:
            continue
        if at % 29 == 0 or read != true:
            try:
                accept(changed, asked, known(local), now)
            except StampFault:
                continue
            # Only bytes that no signature covers, and that state nothing, may differ: a certificate that is not used.
            assert read.info == true.info, at


@contextmanager
def odd_server(behave: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        body = b""

        def do_POST(self) -> None:
            self.body = self.rfile.read(int(self.headers["Content-Length"]))
            behave(self)

        def do_GET(self) -> None:
            behave(self)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def _status(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return behave


def _drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: each read succeeds in time, the whole never does."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b"\x30")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        return


@pytest.mark.parametrize(
    ("behave", "fault"),
    [
        (lambda _: time.sleep(3), Fault.TIMEOUT),
        (_drip, Fault.TIMEOUT),
        (_status(500), Fault.HTTP_ERROR),
        (_status(404), Fault.HTTP_ERROR),
        (_status(302, Location="http://127.0.0.1:1/"), Fault.HTTP_ERROR),
        (lambda handler: handler.wfile.write(b"rubbish\r\n\r\n"), Fault.UNREACHABLE),
        (lambda handler: handler.connection.close(), Fault.UNREACHABLE),
    ],
    ids=["hangs", "drips", "500", "404", "redirects", "speaks no HTTP", "hangs up"],
)
def test_an_authority_that_is_away_costs_a_bounded_time(behave: Any, fault: Fault, locals_: Locals) -> None:
    with odd_server(behave) as url:
        began = time.monotonic()
        with pytest.raises(StampFault) as told:
            over_http(0.5)(replace(known(locals_[0]), url=url), ask_for(b"x").der)
        assert time.monotonic() - began < 2
    assert told.value.fault is fault
    assert "\n" not in str(told.value)


def test_nobody_listens(locals_: Locals, free_port: Callable[[], int]) -> None:
    with pytest.raises(StampFault) as told:
        over_http(2)(replace(known(locals_[0]), url=f"http://127.0.0.1:{free_port()}/"), b"x")
    assert told.value.fault is Fault.UNREACHABLE


def test_72_hours_without_any_authority_lose_nothing(ledger: Ledger, locals_: Locals) -> None:
    """Seals go on being made; each waits with its reason; the first pass after the outage stamps the whole backlog."""
    now = [START]
    away = True
    asked: list[tuple[str, datetime]] = []

    def ask(authority: Authority, request: bytes) -> bytes:
        asked.append((authority.name, now[0]))
        if away:
            raise StampFault(Fault.UNREACHABLE, "no route to host")
        return faults.at_time(locals_[0] if authority.name == "aa" else locals_[1], now[0])(request)

    authorities = [known(locals_[0], "aa"), known(locals_[1], "bb")]
    for pass_ in range(24):
        now[0] = START + timedelta(hours=3 * pass_)
        if pass_ % 8 == 0:
            one_more_seal(ledger)
        report = stamp_due(ledger, authorities, ask, clock=lambda: now[0])
        assert report.stamped == 0
    waiting = tasks(ledger)
    assert len(waiting) == 6
    assert {task.state for task in waiting.values()} == {"pending"}
    assert {task.fault for task in waiting.values()} == {"unreachable"}
    assert sum(name == "aa" for name, _ in asked) == 24
    assert len(kinds(ledger, "stamp_failed")) <= 8
    away = False
    now[0] = START + timedelta(hours=73)
    report = stamp_due(ledger, authorities, ask, clock=lambda: now[0])
    assert (report.stamped, report.waiting, report.failed) == (6, 0, {})
    assert len(kinds(ledger, "seal_present")) == 3
    assert check_chain(ledger).holds


def test_an_authority_that_is_away_is_asked_once_a_pass(sqlite_ledger: Ledger, locals_: Locals) -> None:
    one_more_seal(sqlite_ledger, 5)
    asked: list[str] = []

    def ask(authority: Authority, _request: bytes) -> bytes:
        asked.append(authority.name)
        raise StampFault(Fault.TIMEOUT, "no answer")

    for _ in range(3):
        stamp_due(sqlite_ledger, [known(locals_[0])], ask)
    assert asked == ["aa"]


def test_one_success_makes_what_was_held_up_due_in_the_same_pass(sqlite_ledger: Ledger, locals_: Locals) -> None:
    """An older seal that waits out its turn is stamped as soon as a newer one shows that the authority is back."""
    now = [START]
    authority = known(locals_[0])

    def away(_authority: Authority, _request: bytes) -> bytes:
        raise StampFault(Fault.UNREACHABLE, "no route to host")

    def back(_authority: Authority, request: bytes) -> bytes:
        return faults.at_time(locals_[0], now[0])(request)

    one_more_seal(sqlite_ledger, 2)
    stamp_due(sqlite_ledger, [authority], away, clock=lambda: now[0])
    one_more_seal(sqlite_ledger)
    now[0] += timedelta(seconds=30)
    report = stamp_due(sqlite_ledger, [authority], back, clock=lambda: now[0])
    assert (report.stamped, report.waiting) == (3, 0)


def test_waits_grow_and_end() -> None:
    waits = [wait_after(attempts) for attempts in range(1, 40)]
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT


def test_without_an_authority_the_state_is_absent_and_later_ones_stamp_what_was_sealed(
    ledger: Ledger, locals_: Locals
) -> None:
    one_more_seal(ledger, 2)
    for _ in range(2):
        report = stamp_due(ledger, [], answered_by({}))
        assert (report.stamped, report.authorities) == (0, 0)
    assert len(kinds(ledger, "seal_absent")) == 2
    done = stamp_due(ledger, [known(locals_[0])], answered_by({"aa": locals_[0].answer}))
    assert done.stamped == 2
    assert [one["reason"] for one in kinds(ledger, "seal_pending")][-1] == "1 of 2 tokens"
    assert kinds(ledger, "seal_present") == []


def test_without_openssl_no_token_is_kept(
    sqlite_ledger: Ledger, locals_: Locals, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_more_seal(sqlite_ledger)
    answers: dict[bytes, bytes] = {}

    def ask(_authority: Authority, request: bytes) -> bytes:
        monkeypatch.undo()
        answer = answers[request] = locals_[0].answer(request)
        monkeypatch.setenv("PATH", "/nowhere")
        return answer

    report = stamp_due(sqlite_ledger, [known(locals_[0])], ask)
    assert report.failed == {"aa": "no_openssl"}
    with sqlite_ledger.session() as session:
        assert session.scalar(select(func.count()).select_from(Stamp)) == 0


@pytest.mark.parametrize("certificates", ["", "rubbish", "-----BEGIN CERTIFICATE-----\nZZ\n-----END CERTIFICATE-----"])
def test_certificates_that_are_none_are_told_before_anything_is_asked(sqlite_ledger: Ledger, certificates: str) -> None:
    one_more_seal(sqlite_ledger)
    with pytest.raises(BadCertificates, match="authority aa"):
        stamp_due(sqlite_ledger, [Authority("aa", "http://127.0.0.1:9/", certificates)], answered_by({}))


def test_two_that_stamp_at_once_keep_one_token(ledger: Ledger, locals_: Locals) -> None:
    one_more_seal(ledger)
    authority = known(locals_[0])

    def ask(_authority: Authority, request: bytes) -> bytes:
        answer = locals_[0].answer(request)
        if not nested:
            nested.append(True)
            assert stamp_due(ledger, [authority], ask).stamped == 1
        return answer

    nested: list[bool] = []
    assert stamp_due(ledger, [authority], ask).stamped == 0
    assert len(kinds(ledger, "stamped")) == 1
    assert check_chain(ledger).holds
