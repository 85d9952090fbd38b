"""OpenTimestamps calendars, when some are configured: promises, attestations, every failure a state that is retried."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from test_stamping import kinds, odd_server, one_more_seal

from ledger import Ledger
from ledger.bundle import Means
from ledger.bundle.export import Order, export_bag, export_wacz
from ledger.evidence_services import CalendarProof, CalendarTask
from ledger.evidence_tables import Seal
from ledger.models import Capture
from ledger.sealing.calendar_passes import FIRST_LOOK, NEXT_LOOK, calendars_due
from ledger.sealing.calendars import Calendar, NotOts, Question, walk
from ledger.sealing.files import write_files
from ledger.sealing.seals import make_seals
from ledger.sealing.tokens import Fault, StampFault
from ledger.verifying import calendars as verifying
from ledger.verifying.paths import Verified, verify_path
from ledger.verifying.verify import Stop
from ledger.warc import Exchange, to_warc_gz
from monitor.authorities import calendar_over_http, calendars_of
from monitor.evidence import seal_and_stamp
from monitor.settings import Settings

URL = "https://alice.calendrier.exemple"
ALICE = Calendar("alice", URL)
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PROMISE, BLOCK = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")

# Made with python-opentimestamps 0.4.5: SHA-256 of b"vigie", then append, sha256, a fork, a promise and block 840000.
STOCK = bytes.fromhex(
    "004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e8929401082374c0804b960b46f07984ad88efd0475d"
    "62bcdaa883eff5fc732600c0160791f00f6e6f6e63656e6f6e63656e6f6e636508ff0083dfe30d2ef90c8e21206874747073"
    "3a2f2f616c6963652e63616c656e64726965722e6578656d706c65f114787878787878787878787878787878787878787808"
    "02f0017908000588960d73d7190103c0a233"
)


def varuint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def counted(data: bytes) -> bytes:
    return varuint(len(data)) + data


def promise(url: str = URL) -> bytes:
    return b"\x00" + PROMISE + counted(counted(url.encode()))


class FalseCalendar:
    """A calendar as the protocol describes it: it prepends the hour, appends a secret, and keeps its promise later."""

    def __init__(self, url: str = URL) -> None:
        self.url, self.asked = url, list[Question]()
        self.blocks = False
        self.roots: list[str] = []

    def __call__(self, _: Calendar, question: Question) -> bytes:
        self.asked.append(question)
        path, posted = question
        if path == "digest" and posted is not None and len(posted) == 32:
            return b"\xf1" + counted(b"heur") + b"\x08" + b"\xf0" + counted(b"8 octets") + promise(self.url)
        if not self.blocks:
            raise StampFault(Fault.NOT_YET, "HTTP status 404")
        message = bytes.fromhex(path.removeprefix("timestamp/"))
        root = hashlib.sha256(hashlib.sha256(message + b"soeur".ljust(32)).digest()).digest()
        self.roots.append(root[::-1].hex())
        return b"\xf0" + counted(b"soeur".ljust(32)) + b"\x08\x08" + b"\x00" + BLOCK + counted(varuint(840000))


def tasks(ledger: Ledger) -> dict[int, CalendarTask]:
    with ledger.session() as session:
        return {one.seal_number: one for one in session.scalars(select(CalendarTask))}


def seal_something(ledger: Ledger) -> int:
    """One stored page under a seal."""
    page = Exchange("https://exemple.fr/", "GET", (), b"", 200, "", (), b"<p>x</p>", START)
    packed = to_warc_gz(page)
    address = ledger.store.put(packed)
    one_more_seal(ledger)
    with ledger.session() as session:
        row = Capture(crawl_id=1, url=page.url, captured_at=START, outcome="page", status=200, warc_sha256=address)
        row.body_sha256, row.body_size, row.warc_size = page.body_sha256, len(page.body), len(packed)
        session.add(row)
        session.flush()
        number = row.id
    make_seals(ledger, "vigie test")
    return number


def state(found: Verified, name: str = "calendars") -> tuple[str, str]:
    return next((check.state, check.detail) for check in found.checks if check.name == name)


def test_row_opentimestamps_optional(ledger: Ledger, tmp_path: Path) -> None:
    """Off by default; configured: a promise, hours later an attestation; in ledger, files and bundle, and checked."""
    number = seal_something(ledger)
    assert calendars_of(Settings(home=ledger.home)) == []
    calendar = FalseCalendar()
    calendars_due(ledger, [], calendar)
    assert calendar.asked == [] and tasks(ledger) == {} and kinds(ledger, "calendar_failed") == []

    now = [START]
    report = calendars_due(ledger, [ALICE], calendar, clock=lambda: now[0])
    assert (report.promised, report.completed, report.waiting, report.failed) == (2, 0, 2, {})
    assert {one.state for one in tasks(ledger).values()} == {"pending"}
    assert len({posted for _, posted in calendar.asked}) == 2  # a nonce: the seal's own hash is never sent
    assert not {hashlib.sha256(seal).digest() for seal in contents(ledger)} & {posted for _, posted in calendar.asked}
    calendars_due(ledger, [ALICE], calendar, clock=lambda: now[0])
    assert len(calendar.asked) == 2

    now[0] += FIRST_LOOK
    report = calendars_due(ledger, [ALICE], calendar, clock=lambda: now[0])
    assert (report.completed, report.failed, len(calendar.asked)) == (0, {}, 4)
    assert {one.reason for one in tasks(ledger).values()} == {"no block yet"} and kinds(ledger, "calendar_failed") == []

    order = Order("capture", number, (number,), "operator", "essai", "vigie test")
    told, detail = state(verify_path(export_bag(ledger, order, tmp_path / "a", Means()).path))
    assert told == "not_applicable" and "promesse" in detail

    calendar.blocks = True
    now[0] += NEXT_LOOK
    report = calendars_due(ledger, [ALICE], calendar, clock=lambda: now[0])
    assert (report.completed, report.waiting) == (2, 0)
    assert [len(kinds(ledger, f"calendar_{name}")) for name in ("pending", "complete")] == [2, 2]
    assert make_seals(ledger, "vigie test") == [] or len(kinds(ledger, "exported")) == 1  # they breed no seals

    write_files(ledger)
    names = {path.name for path in (ledger.home / "seals").glob("*.ots")}
    assert {"000002.alice.ots", "000002.alice.pending.ots"} <= names
    bag = export_bag(ledger, order, tmp_path / "b", Means())
    told, detail = state(verify_path(bag.path))
    assert told == "not_applicable" and "bloc Bitcoin 840000" in detail and "--block" in detail
    root = calendar.roots[1]
    assert bag.zip_path is not None
    assert state(verify_path(bag.zip_path, block=root))[0] == "passed"
    assert state(verify_path(bag.zip_path, block="0" * 64))[0] == "failed"
    assert state(verify_path(export_wacz(ledger, order, tmp_path / "b").path, block=root))[0] == "passed"
    assert state(verify_path(ledger.home / "seals" / "000002.json", block=root))[0] == "passed"
    assert "failed" not in {check.state for check in verify_path(bag.path).checks}


def contents(ledger: Ledger) -> list[bytes]:
    with ledger.session() as session:
        return [content.encode() for content in session.scalars(select(Seal.content))]


def test_a_home_with_proofs_verifies_and_a_changed_proof_does_not(sqlite_ledger: Ledger) -> None:
    seal_something(sqlite_ledger)
    calendars_due(sqlite_ledger, [ALICE], FalseCalendar())
    write_files(sqlite_ledger)
    assert "failed" not in {check.state for check in verify_path(sqlite_ledger.home).checks}
    path = sqlite_ledger.home / "seals" / "000001.alice.pending.ots"
    proof = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(proof[:40] + bytes([proof[40] ^ 1]) + proof[41:])
    assert state(verify_path(sqlite_ledger.home), "copies")[0] == "failed"
    assert state(verify_path(path.with_name("000001.json")))[0] == "failed"


RUBBISH: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "a page": lambda _: b"<html>maintenance</html>",
    "no end": lambda _: b"\xf0\x01a" * 900,
    "forks without end": lambda _: b"\xff" * 5000,
    "cut short": lambda good: good[:-3],
    "a tail": lambda good: good + b"\x00",
    "an unknown operation": lambda good: b"\x67" + good,
    "a huge length": lambda _: b"\xf0\xff\xff\xff\xff\xff\xff\x7f",
    "too long a message": lambda good: (b"\xf0" + counted(b"a" * 3000)) * 2 + good,
    "a foreign promise": lambda _: promise("https://ailleurs.exemple"),
    "no promise": lambda _: b"\x00" + b"12345678" + counted(b""),
    "too large": lambda good: good * 1000,
}


@pytest.mark.parametrize("what", RUBBISH)
def test_a_calendar_that_answers_rubbish(sqlite_ledger: Ledger, what: str) -> None:
    one_more_seal(sqlite_ledger)
    calendar = FalseCalendar()
    good = calendar(ALICE, ("digest", bytes(32)))
    report = calendars_due(sqlite_ledger, [ALICE], lambda *_: RUBBISH[what](good))
    faults = {"a foreign promise": "another_calendar", "no promise": "another_calendar", "too large": "too_large"}
    assert report.failed == {"alice": faults.get(what, "malformed")}
    (task,) = tasks(sqlite_ledger).values()
    assert (task.state, task.attempts) == ("absent", 1) and task.reason and task.next_at > datetime.now(UTC)
    (event,) = kinds(sqlite_ledger, "calendar_failed")
    assert event["calendar"] == "alice"
    assert calendars_due(sqlite_ledger, [ALICE], calendar, everything=True).promised == 1


@pytest.mark.parametrize("what", ["a page", "cut short", "no promise"])
def test_a_promise_survives_rubbish_in_place_of_its_attestation(sqlite_ledger: Ledger, what: str) -> None:
    one_more_seal(sqlite_ledger)
    calendar = FalseCalendar()
    calendars_due(sqlite_ledger, [ALICE], calendar)
    report = calendars_due(sqlite_ledger, [ALICE], lambda *_: RUBBISH[what](promise()), everything=True)
    assert set(report.failed) == {"alice"}
    assert tasks(sqlite_ledger)[1].state == "pending"
    calendar.blocks = True
    assert calendars_due(sqlite_ledger, [ALICE], calendar, everything=True).completed == 1


def test_an_outage_loses_nothing_and_costs_one_question_a_pass(sqlite_ledger: Ledger) -> None:
    one_more_seal(sqlite_ledger, 4)
    asked: list[datetime] = []
    now = [START]

    def away(*_: object) -> bytes:
        asked.append(now[0])
        raise StampFault(Fault.TIMEOUT, "no answer")

    for _ in range(24):
        calendars_due(sqlite_ledger, [ALICE], away, clock=lambda: now[0])
        now[0] += timedelta(hours=3)
    assert len(asked) == 24 and len(kinds(sqlite_ledger, "calendar_failed")) <= 4
    assert calendars_due(sqlite_ledger, [ALICE], FalseCalendar(), clock=lambda: now[0]).promised == 4


def _serve(calendar: FalseCalendar) -> Callable[[BaseHTTPRequestHandler], None]:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        posted: bytes | None = getattr(handler, "body", b"") or None
        try:
            body = calendar(ALICE, (handler.path.lstrip("/"), posted))
        except StampFault:
            handler.send_response(404)
            handler.end_headers()
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def _refuse(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(403)
    handler.end_headers()


def test_over_http_by_configuration(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    one_more_seal(sqlite_ledger)
    calendar = FalseCalendar()
    with odd_server(_serve(calendar)) as url:
        calendar.url = url
        monkeypatch.setenv("VIGIE_CALENDARS", json.dumps([{"name": "alice", "url": url}]))
        settings = Settings(home=sqlite_ledger.home)
        assert seal_and_stamp(sqlite_ledger, settings).calendars.promised == 1
        again = seal_and_stamp(sqlite_ledger, settings, everything=True).calendars
        assert (again.completed, again.failed) == (0, {})
        calendar.blocks = True
        assert seal_and_stamp(sqlite_ledger, settings, everything=True).calendars.completed == 1


@pytest.mark.parametrize(
    ("behave", "fault"),
    [(_refuse, "http_error"), (lambda _: time.sleep(2), "timeout"), (lambda h: h.connection.close(), "unreachable")],
    ids=["refuses", "hangs", "hangs up"],
)
def test_a_calendar_that_is_away(behave: Any, fault: str, sqlite_ledger: Ledger) -> None:
    one_more_seal(sqlite_ledger)
    with odd_server(behave) as url:
        began = time.monotonic()
        report = calendars_due(sqlite_ledger, [Calendar("alice", url)], calendar_over_http(0.4))
        assert time.monotonic() - began < 2
    assert report.failed == {"alice": fault}
    assert tasks(sqlite_ledger)[1].state == "absent"


def test_a_proof_made_by_the_common_library_is_read_alike() -> None:
    digest = hashlib.sha256(b"vigie").hexdigest()
    ends = verifying.ends_of(STOCK, digest)
    assert [(tag, len(message)) for tag, _, message in ends] == [(PROMISE.hex(), 32), (BLOCK.hex(), 32)]
    assert [(one.tag.hex(), one.payload, one.message) for one in walk(STOCK[65:], bytes.fromhex(digest))] == ends
    for place in range(len(STOCK)):
        changed = bytearray(STOCK)
        changed[place] ^= 1
        try:
            assert verifying.ends_of(bytes(changed), digest) != ends, place
        except (Stop, IndexError):
            continue
    with pytest.raises(NotOts):
        walk(STOCK[65:-1], bytes.fromhex(digest))


def test_a_proof_is_kept_for_good(ledger: Ledger) -> None:
    one_more_seal(ledger)
    calendars_due(ledger, [ALICE], FalseCalendar())
    with ledger.session() as session:
        assert session.scalars(select(CalendarProof.state)).all() == ["pending"]
    with pytest.raises(IntegrityError, match="calendar_proof is insert-only"), ledger.engine.begin() as connection:
        connection.execute(text("UPDATE calendar_proof SET state = 'complete'"))
