"""What is written is read back, the same bytes every time; damage is never read as evidence; other tools' files too."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import logging
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ledger import DamagedCapture, TooLarge
from ledger.coding import MAX_BODY
from ledger.warc import Exchange, from_warc_gz, iter_exchanges, to_warc_gz

NOW = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
PAGE = Exchange(
    url="https://exemple.fr/dentiste/bordeaux/ange-gabarit?pid=1",
    method="GET",
    request_headers=(("User-Agent", "Vigie"), ("Accept", "*/*")),
    request_body=b"",
    status=200,
    reason="OK",
    response_headers=(("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
    body="<p>CMU acceptée</p>".encode(),
    captured_at=NOW,
    ip_address="127.0.0.1",
)

_sound = st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="<>")
_value = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=30).map(
    lambda value: value.strip(" \t")
)
_name = st.from_regex(r"[A-Za-z][A-Za-z0-9_.!-]{0,20}", fullmatch=True)
_headers = st.lists(
    st.tuples(st.one_of(_name, st.sampled_from(["Content-Encoding", "Transfer-Encoding", "Content-Length"])), _value),
    max_size=6,
).map(tuple)
exchanges = st.builds(
    Exchange,
    url=st.text(_sound, max_size=40).map("https://exemple.fr/".__add__),
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    request_headers=_headers,
    request_body=st.binary(max_size=200),
    status=st.integers(min_value=100, max_value=999),
    reason=_value,
    response_headers=_headers,
    body=st.one_of(st.binary(max_size=2000), st.sampled_from([b"\r\n\r\n", b"HTTP/1.1 200\r\n\r\n", b"WARC/1.1\r\n"])),
    captured_at=st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ip_address=st.sampled_from(["", "127.0.0.1", "2001:db8::1"]),
)


@given(exchanges)
def test_what_is_written_is_read_back(exchange: Exchange) -> None:
    packed = to_warc_gz(exchange)
    assert packed == to_warc_gz(replace(exchange))
    assert from_warc_gz(packed) == exchange


@given(
    st.builds(
        replace,
        st.just(PAGE),
        url=st.text(max_size=30).map("http://a/".__add__),
        reason=st.text(max_size=30),
        response_headers=st.lists(st.tuples(st.text(max_size=9), st.text(max_size=30)), max_size=4).map(tuple),
    )
)
def test_whatever_a_server_sends_can_be_kept_and_then_stays_as_it_is(exchange: Exchange) -> None:
    read = from_warc_gz(to_warc_gz(exchange))
    assert (read.body, read.status, read.captured_at) == (exchange.body, exchange.status, exchange.captured_at)
    assert from_warc_gz(to_warc_gz(read)) == read


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"other"},
        {"request_body": b"other"},
        {"captured_at": NOW + timedelta(microseconds=1)},
        {"response_headers": (("Content-Type", "text/plain"),)},
        {"request_headers": ()},
        {"ip_address": "127.0.0.2"},
        {"reason": "Fine"},
    ],
)
def test_another_exchange_has_other_record_ids(change: dict[str, Any]) -> None:
    def ids(exchange: Exchange) -> set[str]:
        records = ArchiveIterator(io.BytesIO(to_warc_gz(exchange)))
        return {record.rec_headers.get_header("WARC-Record-ID") for record in records}

    assert len(ids(PAGE)) == 2
    assert not ids(PAGE) & ids(replace(PAGE, **change))


def test_the_bytes_are_the_same_on_every_machine_and_day() -> None:
    plain = gzip.decompress(to_warc_gz(PAGE))
    assert hashlib.sha256(plain).hexdigest() == "4f6800f6a46ef4a3849067d79084ec810566870925a2659adcd48001b419bf7d"
    assert to_warc_gz(PAGE)[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


def test_the_zone_of_the_clock_does_not_matter_and_its_absence_does() -> None:
    paris = NOW.astimezone(timezone(timedelta(hours=1)))
    assert to_warc_gz(replace(PAGE, captured_at=paris)) == to_warc_gz(PAGE)
    with pytest.raises(ValueError, match="time zone"):
        to_warc_gz(replace(PAGE, captured_at=NOW.replace(tzinfo=None)))


def test_stock_tools_read_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accents = replace(PAGE, url="https://exemple.fr/hôpital?é=1", response_headers=(("X-Ville", "Besançon"),))
    file = tmp_path / "page.warc.gz"
    file.write_bytes(to_warc_gz(accents))
    with file.open("rb") as stream:
        request, response = ((r.rec_type, r.rec_headers, r.content_stream().read()) for r in ArchiveIterator(stream))
    assert (request[0], response[0]) == ("request", "response")
    assert response[1].get_header("X-Vigie-Body-SHA256") == hashlib.sha256(PAGE.body).hexdigest()
    assert response[1].get_header("WARC-Target-URI") == accents.url
    assert request[1].get_header("WARC-Concurrent-To") == response[1].get_header("WARC-Record-ID")
    assert response[2] == PAGE.body
    checker = Checker(type("Options", (), {"inputs": [str(file)], "verbose": True})())
    checker.process_all()
    assert checker.exit_value == 0
    assert "digest failed" not in capsys.readouterr().out


def test_a_header_cannot_break_out_of_its_line() -> None:
    hostile = replace(
        PAGE, response_headers=(("X-Note", "a\r\n\r\nWARC-Type: metadata"), ("X\r\nY: 1", "b")), reason="OK\r\nZ: 1"
    )
    read = from_warc_gz(to_warc_gz(hostile))
    assert read.response_headers == (("X-Note", "a WARC-Type: metadata"), ("XY1", "b"))
    assert (read.reason, read.body) == ("OK Z: 1", PAGE.body)


@given(st.data())
def test_damage_is_never_read_as_evidence(data: st.DataObject) -> None:
    packed = to_warc_gz(PAGE)
    cut = data.draw(st.integers(min_value=0, max_value=len(packed) - 1))
    with pytest.raises(DamagedCapture):
        from_warc_gz(packed[:cut])
    place = data.draw(st.integers(min_value=0, max_value=len(packed) - 1))
    flipped = bytearray(packed)
    flipped[place] ^= 1 << data.draw(st.integers(min_value=0, max_value=7))
    with contextlib.suppress(DamagedCapture):  # a few bits of a gzip head mean nothing
        assert from_warc_gz(bytes(flipped)) == PAGE


@given(st.data())
def test_plain_files_too(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Without gzip's checksum the block digest notices damage to a body, and the length a cut."""
    plain = gzip.decompress(to_warc_gz(PAGE))
    file = tmp_path_factory.mktemp("plain") / "page.warc"
    file.write_bytes(plain)
    assert list(iter_exchanges(file)) == [PAGE]
    flipped = bytearray(plain)
    flipped[data.draw(st.integers(min_value=0, max_value=len(plain) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(flipped)
    with contextlib.suppress(DamagedCapture, TooLarge):
        assert {one.body for one in iter_exchanges(file)} <= {PAGE.body}
    file.write_bytes(plain[: data.draw(st.integers(min_value=0, max_value=len(plain) - 5))])
    with contextlib.suppress(DamagedCapture):
        assert list(iter_exchanges(file)) == []


@given(st.binary(max_size=400))
def test_rubbish_is_refused(data: bytes) -> None:
    for hostile in (data, gzip.compress(data), gzip.compress(b"WARC/1.1\r\n" + data)):
        with pytest.raises(DamagedCapture):
            from_warc_gz(hostile)


def test_a_body_that_is_not_the_promised_one_is_refused() -> None:
    promise = hashlib.sha256(PAGE.body).hexdigest().encode()
    plain = gzip.decompress(to_warc_gz(PAGE)).replace(promise, b"0" * 64)
    with pytest.raises(DamagedCapture, match="promises"):
        from_warc_gz(gzip.compress(plain))


# Other tools' files


def record(
    writer: WARCWriter, kind: str, url: str, body: bytes, head: str = "200 OK", headers: Any = (), **warc: str
) -> Any:
    http = None
    if kind == "response":
        http = StatusAndHeaders(head, list(headers), protocol="HTTP/1.1")
    elif kind == "request":
        http = StatusAndHeaders("GET / HTTP/1.1", list(headers), is_http_request=True)
    dated = {"WARC-Date": "2024-05-06T07:08:09Z", **{name.replace("_", "-"): value for name, value in warc.items()}}
    return writer.create_warc_record(
        url, kind, payload=io.BytesIO(body), length=len(body), http_headers=http, warc_headers_dict=dated
    )


Write = Callable[[WARCWriter], None]


@pytest.fixture
def warc_file(tmp_path: Path) -> Callable[..., Path]:
    """A file as warcio writes it for other tools."""

    def write(fill: Write, *, packed: bool = True) -> Path:
        file = tmp_path / ("crawl.warc.gz" if packed else "crawl.warc")
        with file.open("wb") as stream:
            fill(WARCWriter(stream, gzip=packed))
        return file

    return write


def mixture(writer: WARCWriter) -> None:
    writer.write_record(writer.create_warcinfo_record("crawl.warc.gz", {"software": "other"}))
    response = record(writer, "response", "https://a.fr/1", b"un", headers=[("Content-Type", "text/html")])
    request = record(writer, "request", "https://a.fr/1", b"", headers=[("User-Agent", "other")])
    writer.write_request_response_pair(request, response)
    writer.write_record(record(writer, "response", "https://a.fr/2", b"deux", "404 Not Found"))
    writer.write_record(record(writer, "resource", "https://a.fr/3", b"trois", Content_Type="text/plain"))
    writer.write_record(record(writer, "resource", "urn:pageinfo:https://a.fr/3", b"{}"))
    writer.write_record(record(writer, "metadata", "https://a.fr/3", b"fetchTimeMs: 3"))
    writer.write_record(record(writer, "request", "https://a.fr/4", b"", headers=[("User-Agent", "first")]))
    writer.write_record(record(writer, "response", "https://a.fr/4", b"quatre"))
    writer.write_record(
        writer.create_revisit_record(
            "https://a.fr/5", "sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "https://a.fr/1", "2024-05-06T07:08:09Z"
        )
    )
    writer.write_record(record(writer, "response", "https://a.fr/6", b""))


@pytest.mark.parametrize("packed", [True, False])
def test_the_files_of_other_tools(warc_file: Callable[..., Path], packed: bool) -> None:
    found = list(iter_exchanges(warc_file(mixture, packed=packed)))
    assert [(one.url[-1], one.status, one.body) for one in found] == [
        ("1", 200, b"un"),
        ("2", 404, b"deux"),
        ("3", 200, b"trois"),
        ("4", 200, b"quatre"),
        ("6", 200, b""),
    ]
    assert found[0].request_headers == (("User-Agent", "other"),)
    assert (found[1].method, found[1].request_headers) == ("GET", ())
    assert found[2].content_type == "text/plain"
    assert found[3].request_headers == (("User-Agent", "first"),)
    assert found[0].captured_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert all(from_warc_gz(to_warc_gz(one)) == one for one in found)


def test_one_gzip_member_for_all_records(warc_file: Callable[..., Path]) -> None:
    file = warc_file(mixture, packed=False)
    file.write_bytes(gzip.compress(file.read_bytes()))
    assert len(list(iter_exchanges(file))) == 5


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"3\r\nPas\r\n7;x=y\r\n de CMU\r\n0\r\n\r\n", "Pas de CMU"),
        (b"a\nPas de CMU\n0\n\n", "Pas de CMU"),
        (b"Pas de CMU", "Pas de CMU"),
        (b"cabinet", "cabinet"),
        (b"0\r\n\r\n", ""),
        (b"", ""),
    ],
)
def test_bodies_kept_in_chunks_are_joined(warc_file: Callable[..., Path], body: bytes, text: str) -> None:
    chunked = [("Transfer-Encoding", "chunked")]
    file = warc_file(lambda writer: writer.write_record(record(writer, "response", "http://a/", body, headers=chunked)))
    found = next(iter_exchanges(file))
    assert found.text == text
    assert from_warc_gz(to_warc_gz(found)) == found


def test_chunks_that_do_not_join_up(warc_file: Callable[..., Path]) -> None:
    chunked = [("Transfer-Encoding", "chunked")]
    file = warc_file(
        lambda writer: writer.write_record(
            record(writer, "response", "http://a/", b"3\r\nPas\r\n9\r\n", headers=chunked)
        )
    )
    with pytest.raises(DamagedCapture, match="chunks"):
        list(iter_exchanges(file))


def test_a_file_cut_short_gives_nothing(warc_file: Callable[..., Path]) -> None:
    file = warc_file(mixture)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DamagedCapture, match="cut short"):
        next(iter_exchanges(file))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Content-Length: 40", b"Content-Length: 38"),
        (b"Content-Length: 40", b"Content-Length: -4"),
        (b"Content-Length: 40", b"Content-Length: x"),
        (b"Content-Length: 40\r\n", b""),
        (b"HTTP/1.1 404", b"HTTP/1.1 abc"),
        (b"WARC-Date: 2024", b"WARC-Date: hier"),
        (b"deux", b"DEUX"),
        (b"WARC-Target-URI", b"WARC-Target-Ici"),
    ],
)
def test_odd_records_are_refused_or_passed_over_but_never_misread(
    warc_file: Callable[..., Path], capsys: pytest.CaptureFixture[str], old: bytes, new: bytes
) -> None:
    def fill(writer: WARCWriter) -> None:
        writer.write_record(record(writer, "response", "https://a.fr/2", b"deux", "404 Not Found", [("A", "b")]))

    file = warc_file(fill, packed=False)
    content = file.read_bytes()
    length = next(line for line in content.split(b"\r\n") if line.startswith(b"Content-Length"))
    file.write_bytes(content.replace(old.replace(b"Content-Length: 40", length), new))
    try:
        assert list(iter_exchanges(file)) == []
    except DamagedCapture as told:
        assert "\n" not in str(told)
    assert capsys.readouterr() == ("", "")


def test_a_record_above_the_limit(warc_file: Callable[..., Path]) -> None:
    file = warc_file(
        lambda writer: writer.write_record(record(writer, "response", "http://a/", b"\0" * (MAX_BODY + 1)))
    )
    with pytest.raises(TooLarge):
        list(iter_exchanges(file))


def test_a_large_file_is_streamed(warc_file: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    def fill(writer: WARCWriter) -> None:
        for number in range(40):
            writer.write_record(record(writer, "response", f"http://a/{number}", bytes([number]) * 1_000_000))

    file = warc_file(fill, packed=False)
    with caplog.at_level(logging.WARNING):
        tracemalloc.start()
        try:
            assert sum(len(one.body) for one in iter_exchanges(file)) == 40_000_000
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 12_000_000
    assert caplog.records == []


def test_an_exchange_answers_questions() -> None:
    assert (PAGE.content_type, PAGE.header("SET-COOKIE"), PAGE.header("x")) == ("text/html", "a=1", "")
    packed = replace(PAGE, body=gzip.compress(PAGE.body), response_headers=(("content-encoding", "GZIP"),))
    assert packed.content == PAGE.body
    assert packed.text == "<p>CMU acceptée</p>"
    assert packed.body_sha256 == hashlib.sha256(packed.body).hexdigest()
