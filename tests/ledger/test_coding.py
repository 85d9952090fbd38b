"""Bodies are unpacked within limits, and read in the charset a browser would choose; nothing hostile gets through."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import DamagedCapture, TooLarge
from ledger.coding import MAX_BODY, decode, unpack

TEXT = "Patients C2S : voir l’hôpital".encode()
CODINGS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": lambda data: brotli.compress(data, quality=2)}


@pytest.mark.parametrize(
    ("header", "packed"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZip ", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:9], mtime=0) + gzip.compress(TEXT[9:], mtime=0)),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"\0\0rubbish"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)[2:-4]),
        ("br", brotli.compress(TEXT)),
        ("gzip, br", brotli.compress(gzip.compress(TEXT, mtime=0))),
    ],
)
def test_content_codings_are_undone(header: str, packed: bytes) -> None:
    assert unpack(packed, header) == TEXT


@pytest.mark.parametrize("coding", CODINGS)
@given(data=st.binary(min_size=1, max_size=5000), cut=st.integers(min_value=1, max_value=50))
def test_whole_or_refused(coding: str, data: bytes, cut: int) -> None:
    packed = CODINGS[coding](data)
    assert unpack(packed, coding) == data
    with pytest.raises(DamagedCapture):
        unpack(packed[: max(1, len(packed) - cut)], coding)


@pytest.mark.parametrize("coding", CODINGS)
@given(data=st.binary(min_size=1, max_size=300))
def test_rubbish_is_refused_or_read_but_never_crashes(coding: str, data: bytes) -> None:
    try:
        unpack(data, coding)
    except DamagedCapture:
        return


@pytest.mark.parametrize("coding", CODINGS)
def test_an_answer_without_a_body_may_name_a_coding(coding: str) -> None:
    assert unpack(b"", coding) == b""


@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_is_refused_and_the_largest_body_is_not(coding: str) -> None:
    assert len(unpack(CODINGS[coding](b"\0" * MAX_BODY), coding)) == MAX_BODY
    with pytest.raises(TooLarge):
        unpack(CODINGS[coding](b"\0" * (MAX_BODY + 1)), coding)


def test_a_bomb_of_many_parts_is_refused() -> None:
    with pytest.raises(TooLarge):
        unpack(gzip.compress(b"\0" * (MAX_BODY // 4)) * 5, "gzip")


@pytest.mark.parametrize("header", ["zstd", "compress", "gzip, unknown", ",".join(["gzip"] * 50)])
def test_unknown_or_absurd_codings_are_refused(header: str) -> None:
    with pytest.raises(DamagedCapture):
        unpack(TEXT, header)


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("accepté".encode(), "text/html; charset=utf-8", "accepté"),
        ("accepté".encode(), "text/html", "accepté"),
        ("accepté".encode("latin-1"), "text/html; charset=ISO-8859-1", "accepté"),
        ("15 € – accepté".encode("cp1252"), "text/html; charset=iso-8859-1", "15 € – accepté"),
        ("accepté".encode("latin-1"), "text/html", "accepté"),
        ('<meta charset="iso-8859-15">15 €'.encode("iso-8859-15"), "text/html", '<meta charset="iso-8859-15">15 €'),
        (
            b"<meta http-equiv=Content-Type content='text/html; charset=windows-1252'>\x80",
            "",
            "<meta http-equiv=Content-Type content='text/html; charset=windows-1252'>€",
        ),
        (b'<meta charset="latin1">' + "é".encode(), "text/html; charset=utf-8", '<meta charset="latin1">é'),
        (b"\xef\xbb\xbf" + "é".encode(), "text/html; charset=latin-1", "é"),
        ("é".encode("utf-16"), "text/html", "é"),
        (b'{"a":"\xe9"}', "application/json", '{"a":"\ufffd"}'),
        ("é".encode(), 'text/html; charset="utf-8"', "é"),
    ],
)
def test_the_charset_is_the_one_a_browser_chooses(content: bytes, content_type: str, text: str) -> None:
    assert decode(content, content_type) == text


@pytest.mark.parametrize(
    "charset",
    ["hex", "zlib", "idna", "punycode", "undefined", "unicode_escape", "rot13", "utf-7", "x" * 5000, "\0", "", "mbcs"],
)
def test_a_made_up_charset_counts_as_none(charset: str) -> None:
    assert decode("pas de CMU été +AOk-".encode(), f"text/html; charset={charset}") == "pas de CMU été +AOk-"


@given(content=st.binary(max_size=300), content_type=st.text(max_size=60))
def test_decoding_never_fails(content: bytes, content_type: str) -> None:
    decode(content, content_type)
    decode(content, f"text/html; charset={content_type}")
