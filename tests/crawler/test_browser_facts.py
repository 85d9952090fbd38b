"""What the facts of a visit rest on, without a browser: clock, names, guard, machine, and no fact taken for granted."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from crawler.browser import ChromiumMissing, Order, surroundings, take, visiting
from crawler.browser.asking import Named, named
from crawler.browser.chromium import Chromium, Emptiness
from crawler.browser.clock import ClockOffset, clock_offset
from crawler.browser.outcomes import CleanOutcome, VisitEnded
from crawler.browser.seen import Seen
from crawler.browser.traffic import Traffic
from crawler.browser.twenty import read_address, twenty
from ledger.clean_facts import CODES, SCHEMA, Fact, Piece, facts_json
from ledger.clean_schedule import OUTCOMES

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
Answer = Callable[[bytes, float], bytes]


def ntp(question: bytes, ahead: float, head: int = 0b00_100_100, stratum: int = 2) -> bytes:
    """A server's answer, its clock `ahead` seconds of ours."""
    whole, fraction = divmod(time.time() + ahead + 2_208_988_800, 1)
    stamp = struct.pack("!II", int(whole), int(fraction * 2**32))
    return struct.pack("!BB2xII8x4x", head, stratum, 65536 // 100, 65536 // 50) + question[40:48] + stamp + stamp


@pytest.fixture
def time_server() -> Iterator[Callable[[Answer], str]]:
    """Serve one answer on loopback."""
    sockets = []

    def serve(answer: Answer) -> str:
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.bind(("127.0.0.1", 0))
        sockets.append(wire)

        def once() -> None:
            question, place = wire.recvfrom(512)
            wire.sendto(answer(question, 0), place)

        threading.Thread(target=once, daemon=True).start()
        return f"127.0.0.1:{wire.getsockname()[1]}"

    yield serve
    for wire in sockets:
        wire.close()


def test_clock_offset(time_server: Callable[[Answer], str]) -> None:
    server = time_server(lambda question, _: ntp(question, 90.0))
    found = clock_offset([server])
    assert isinstance(found, ClockOffset)
    assert abs(found.offset - 90_000_000) <= found.error + 2_000
    assert (found.server, found.stratum) == (server, 2)
    assert 25_000 <= found.error < 5_000_000  # half the delay and the dispersion that the server admits, at least


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda *_: b"short", "trop courte"),
        (lambda *_: ntp(bytes(48), 0), "autre question"),
        (lambda question, _: ntp(question, 0, head=0b11_100_100), "pas à l’heure"),
        (lambda question, _: ntp(question, 0, stratum=0), "pas à l’heure"),
        (lambda question, _: ntp(question, 0)[:32] + bytes(16), "sans heure"),
    ],
)
def test_a_clock_that_proves_nothing_is_not_believed(
    time_server: Callable[[Answer], str], answer: Answer, why: str
) -> None:
    assert why in str(clock_offset([time_server(answer)]))


def test_without_a_time_server_the_clock_is_not_established(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "aucun serveur" in str(clock_offset([]))
    monkeypatch.setattr("crawler.browser.clock.SECONDS", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert "timed out" in str(clock_offset([f"127.0.0.1:{silent.getsockname()[1]}"]))


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def answer(*_: Any) -> tuple[str, ...]:
        return addresses

    monkeypatch.setattr("crawler.browser.asking._resolve", answer)
    monkeypatch.setattr("crawler.browser.asking._source", lambda *_: "198.51.100.7")


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://127.0.0.1:81/", ()),
        ("http://[::1]/", ()),
        ("http://169.254.169.254/latest/meta-data", ()),
        ("http://localhost/", ()),
        ("file:///etc/passwd", ()),
        ("http://exemple.fr/", ("10.0.0.1",)),
        ("http://exemple.fr/", ("93.184.215.14", "192.168.1.1")),  # one of two: the browser might take it
        ("http://exemple.fr/", ("fd00::1",)),
    ],
)
def test_a_machine_that_is_not_public_is_refused_before_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, url: str, addresses: tuple[str, ...]
) -> None:
    resolving(monkeypatch, *addresses)
    with pytest.raises(VisitEnded) as ended:
        asyncio.run(named(url, ["127.0.0.1:80"]))
    assert ended.value.outcome is CleanOutcome.PRIVATE_ADDRESS


def test_a_public_name_and_a_named_host_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "93.184.215.14")
    assert asyncio.run(named("https://exemple.fr/", [])).addresses == ("93.184.215.14",)
    assert asyncio.run(named("http://127.0.0.1:80/", ["127.0.0.1:80"])).literal


class Silent:
    """A connection that only takes handlers."""

    def __init__(self) -> None:
        self.handlers: list[Any] = []


def test_an_answer_from_a_private_machine_is_dropped() -> None:
    """A name that changed its address between the check and the connection (rebinding) brings no evidence."""
    wire = Silent()
    traffic = Traffic(wire, frozenset(), 1000)  # type: ignore[arg-type]
    tell = wire.handlers[0]
    request = {"url": "http://exemple.fr/", "method": "GET", "headers": {}}
    tell("Network.requestWillBeSent", {"requestId": "1", "request": request, "type": "Document", "frameId": "f"}, "")
    answer = {"url": request["url"], "status": 200, "headers": {}, "remoteIPAddress": "[fd00::1]"}
    tell("Network.responseReceived", {"requestId": "1", "response": answer}, "")
    assert traffic.private == ["http://exemple.fr/ (fd00::1)"]
    assert traffic.exchanges() == []
    assert traffic.document("f") is None


def facts_of(seen: Seen, order: Order | None = None) -> dict[str, Fact]:
    facts = twenty(order or Order("https://exemple.fr/"), seen, AT, "vigie 0.1.0")
    assert tuple(fact.code for fact in facts) == CODES
    return {fact.code: fact for fact in facts}


def seen_well() -> Seen:
    """A visit of which everything that a visit can see was seen."""
    line = "chromium --disable-extensions --no-proxy-server about:blank"
    return Seen(
        started_at=AT,
        profile="a" * 32,
        host=Named("exemple.fr", ("93.184.215.14",), AT, False, "198.51.100.7"),
        before=Emptiness((), ()),
        version={"product": "Chrome/1", "userAgent": "x"},
        command_line=line,
        targets=["about:blank"],
        cookies=0,
        history=0,
        cache_entries=0,
        visited=[{"url": "https://exemple.fr/", "status": 200, "address": "93.184.215.14"}],
        remote="93.184.215.14",
        pieces=[Piece("image", "page.png", "image/png", b"x")],
        final_url="https://exemple.fr/",
        profile_removed=True,
    )


OF_THE_VISIT = (
    *("browser", "extensions", "browser_proxy", "dns_answers", "cache", "temporary_files", "cookies_history"),
    *("navigation", "captures", "end"),
)


def test_a_good_visit_proves_what_a_visit_can_prove() -> None:
    facts = facts_of(seen_well())
    for code in OF_THE_VISIT:
        assert facts[code].state == "proved", facts[code]


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("extensions", {"targets": ["chrome-extension://abc/background"]}),
        ("extensions", {"command_line": "chromium --no-proxy-server"}),
        ("extensions", {"command_line": "chromium --disable-extensions --load-extension=/x --no-proxy-server"}),
        ("browser_proxy", {"command_line": "chromium --disable-extensions --proxy-server=a:1 --no-proxy-server"}),
        ("browser_proxy", {"command_line": "chromium --disable-extensions"}),
        ("browser_proxy", {"remote": "203.0.113.9"}),
        ("browser_proxy", {"remote": ""}),
        ("dns_answers", {"host": None}),
        ("cache", {"cache_entries": 1}),
        ("cache", {"from_cache": 1}),
        ("cache", {"before": Emptiness(("Default/Cache/x",), ())}),
        ("temporary_files", {"before": Emptiness((), ("x",))}),
        ("cookies_history", {"cookies": 1}),
        ("cookies_history", {"history": 1}),
        ("cookies_history", {"history": None}),
        ("navigation", {"final_url": ""}),
        ("captures", {"pieces": []}),
        ("end", {"profile_removed": False}),
        ("browser", {"version": {}}),
    ],
)
def test_nothing_is_proved_that_was_not_seen(code: str, change: dict[str, Any]) -> None:
    fact = facts_of(replace(seen_well(), **change))[code]
    assert fact.state == "not established"
    assert fact.told


def test_a_visit_that_never_began_proves_nothing_of_the_browser() -> None:
    facts = facts_of(Seen(started_at=AT))
    for code in OF_THE_VISIT[:-1]:
        assert facts[code].state == "not established"


def test_proxies_and_policies_of_the_machine_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.exemple:3128")
    (tmp_path / "managed").mkdir()
    rules = {"ProxyMode": "fixed_servers", "ExtensionInstallForcelist": ["abc"]}
    (tmp_path / "managed" / "rules.json").write_text(json.dumps(rules))
    monkeypatch.setattr(surroundings, "POLICIES", (str(tmp_path),))
    facts = facts_of(seen_well())
    assert facts["system_proxy"].state == "not established"
    assert "secret" not in json.dumps(dict(facts["system_proxy"].value))
    for code in ("browser_proxy", "extensions"):
        assert facts[code].state == "not established"
        assert "rules.json" in str(facts[code].value["imposed"])


def test_no_proxy_of_ours_reaches_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.exemple:3128")
    browser = Chromium(Path("/bin/true"), ())
    try:
        assert not [name for name in browser.environment() if "proxy" in name.lower()]
        assert "--no-proxy-server" in browser.flags
    finally:
        asyncio.run(browser.stop())
    assert not browser.root.exists()


def test_the_public_address_is_proved_by_its_own_means_alone() -> None:
    seen = seen_well()
    assert facts_of(seen)["public_address"].state == "not established"
    assert "VIGIE_ADDRESS_SERVICE" in facts_of(seen)["public_address"].told
    seen.public_address = ("93.184.215.20", "https://adresse.exemple/")
    assert facts_of(seen)["public_address"].value == {"address": "93.184.215.20"}
    assert [read_address(text) for text in (" 93.184.215.20\n", "<html>", "")] == ["93.184.215.20", "", ""]


def test_without_a_chromium_it_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visiting, "find_chromium", lambda: None)
    with pytest.raises(ChromiumMissing, match="make setup"):
        take(Order("https://exemple.fr/"))


@pytest.mark.parametrize("program", ["/bin/true", "/bin/cat", "/nowhere/chromium"])
def test_a_program_that_is_no_chromium_is_said_so(program: str, free_port: Callable[[], int]) -> None:
    from crawler.sandbox import Sandbox, SandboxServer

    with SandboxServer(Sandbox(seed=1, listings=20)) as server, pytest.raises(ChromiumMissing, match="does not start"):
        limits = visiting.Order("x").limits
        order = Order(
            server.start_urls("practice_site")[0],
            allow_hosts=(server.host,),
            pause_seconds=0,
            limits=replace(limits, start_seconds=0.5),
        )
        take(order, program=Path(program))


def test_a_site_that_does_not_answer_is_an_outcome_with_twenty_facts(free_port: Callable[[], int]) -> None:
    place = f"127.0.0.1:{free_port()}"
    taken = take(Order(f"http://{place}/", allow_hosts=(place,), pause_seconds=0), program=Path("/bin/true"))
    assert (taken.outcome, taken.pieces, taken.grade) == ("no_answer", (), "incomplete")
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(json.loads(facts_json(taken)))


def test_every_outcome_has_french_words_and_fits_its_column() -> None:
    assert set(OUTCOMES) == {str(outcome) for outcome in CleanOutcome}
    assert max(map(len, OUTCOMES)) <= 20
