"""The traffic of a visit as one WARC file: what was asked and answered, with a head that says what is not in it."""

from __future__ import annotations

import io
from collections.abc import Iterable

from warcio.warcwriter import WARCWriter

from ledger.clean_facts import Piece
from ledger.warc import Exchange, to_warc_gz

MISSING = (
    "From the events of the browser. Not given by it: bodies of redirects; bodies as packed by the server (asked for "
    "unpacked; headers untrue of the body are renamed X-Archive-Orig-*); trailers; HTTP/2 frames; TLS records; "
    "web sockets. Reason phrase, order and case of headers are as sent for HTTP/1 alone."
)


def traffic_piece(exchanges: Iterable[Exchange], software: str, browser: str) -> Piece:
    """The file `echanges.warc.gz`: a warcinfo record, then request and response of each exchange."""
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version="WARC/1.1")
    info = {"software": f"{software}; {browser}", "format": "WARC File Format 1.1", "description": MISSING}
    writer.write_record(writer.create_warcinfo_record("echanges.warc.gz", info))
    data = buffer.getvalue() + b"".join(map(to_warc_gz, exchanges))
    return Piece("traffic", "echanges.warc.gz", "application/warc", data)
