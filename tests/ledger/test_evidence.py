"""Evidence is written whole or not at all, read back hashed, and the same exchange gives the same bytes."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import zlib
from datetime import UTC, datetime
from pathlib import Path

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import DamagedCapture, EvidenceDamaged, EvidenceMissing, EvidenceStore, StoreFull, TooLarge, text_key
from ledger.warc import Exchange, from_warc_gz, iter_exchanges, to_warc_gz

NOW = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)


def exchange(body: bytes = b"<p>CMU accept\xc3\xa9e</p>", **changes: object) -> Exchange:
    values: dict[str, object] = {
        "url": "https://exemple.fr/dentiste/bordeaux/ange-gabarit?pid=1",
        "method": "GET",
        "request_headers": (("User-Agent", "Vigie"),),
        "request_body": b"",
        "status": 200,
        "reason": "OK",
        "response_headers": (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
        ),
        "body": body,
        "captured_at": NOW,
        "ip_address": "127.0.0.1",
    }
    return Exchange(**{**values, **changes})  # type: ignore[arg-type]


@given(
    body=st.binary(max_size=3000),
    headers=st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True).filter(
                lambda n: n.lower() not in ("content-encoding", "transfer-encoding", "content-length")
            ),
            st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True),
        ),
        max_size=5,
    ),
    status=st.sampled_from([200, 301, 404, 429, 503]),
    request_body=st.binary(max_size=200),
)
def test_what_is_written_is_read_back(
    body: bytes, headers: list[tuple[str, str]], status: int, request_body: bytes
) -> None:
    written = exchange(body, response_headers=tuple(headers), status=status, request_body=request_body, method="POST")
    packed = to_warc_gz(written)
    assert packed == to_warc_gz(written)
    assert from_warc_gz(packed) == written


@given(cut=st.integers(min_value=0, max_value=700), flip=st.integers(min_value=0, max_value=700))
def test_damage_is_never_read_as_evidence(cut: int, flip: int) -> None:
    packed = to_warc_gz(exchange())
    for damaged in (packed[: min(cut, len(packed) - 1)], packed[: -1 - cut % 40]):
        with pytest.raises(DamagedCapture):
            from_warc_gz(damaged)
    position = flip % len(packed)
    flipped = packed[:position] + bytes([packed[position] ^ 0x20]) + packed[position + 1 :]
    with contextlib.suppress(DamagedCapture):
        assert from_warc_gz(flipped).body == exchange().body


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("br", brotli.compress),
        ("", lambda data: data),
    ],
)
def test_content_codings_are_undone(coding: str, pack: object) -> None:
    text = "Patients C2S : voir l'hôpital".encode()
    packed = exchange(pack(text), response_headers=(("Content-Encoding", coding),))  # type: ignore[operator]
    assert from_warc_gz(to_warc_gz(packed)).content == text


def test_a_decompression_bomb_is_refused() -> None:
    bomb = gzip.compress(b"\0" * (80 * 1024 * 1024))
    with pytest.raises(TooLarge):
        _ = exchange(bomb, response_headers=(("Content-Encoding", "gzip"),)).content


def test_a_header_cannot_break_out_of_its_line() -> None:
    hostile = exchange(response_headers=(("X-Note", "a\r\nWARC-Type: metadata"),))
    assert "WARC-Type" not in dict(from_warc_gz(to_warc_gz(hostile)).response_headers)


def test_several_records_are_streamed(tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(b"".join(to_warc_gz(exchange(url=f"https://exemple.fr/{number}")) for number in range(5)))
    assert [one.url[-1] for one in iter_exchanges(file)] == list("01234")


def test_the_store_keeps_hashes_and_refuses_damage(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    data = to_warc_gz(exchange())
    address = store.put(data)
    assert store.put(data) == address
    assert store.exchange(address) == exchange()
    store.path(address).chmod(0o644)
    store.path(address).write_bytes(data[:-3])
    with pytest.raises(EvidenceDamaged):
        store.read(address)
    with pytest.raises(EvidenceMissing):
        store.read("0" * 64)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = EvidenceStore(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os if step == "fsync" else Path, step, full)
        with pytest.raises(StoreFull):
            store.put(b"data")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_leftovers_of_a_crash_are_swept(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    address = store.put(b"data")
    (store.path(address).parent / ".partial-abc").write_bytes(b"da")
    assert store.sweep() == 1
    assert store.read(address) == b"data"


def test_wording_is_recognised_through_accents_and_spaces() -> None:
    assert text_key("Bénéficiaires  de l’AME") == text_key("beneficiaires de l’ame\n")
    assert text_key("pas de CMU") != text_key("CMU")
