"""Lines of JSON: whatever stands in a value, one line of UTF-8; whatever a line is, its id or none."""

import json

from monitor.jsonl import id_of, line_of


def test_a_line_is_utf8_and_reads_back() -> None:
    for value in ({"id": "é", "text": "a\nb"}, {"id": "\ud800", "text": "é"}):
        line = line_of(value)
        assert line.count("\n") == 1
        assert json.loads(line.encode("utf-8")) == value


def test_a_line_that_is_no_record_gives_its_id_or_none() -> None:
    assert id_of(b'{"id": 7}') == 7
    for raw in (b"[1]", b"{", b"\xff", b"[" * 200_000):
        assert id_of(raw) is None
