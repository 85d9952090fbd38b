"""One request and its answer, as the house hands it around. It is a value: it reads no file and asks no network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ledger.coding import decode, unpack

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. `body` is as received, still content-encoded; `captured_at` is aware UTC."""

    url: str
    method: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    response_headers: Headers
    body: bytes
    captured_at: datetime
    ip_address: str = ""

    def header(self, name: str) -> str:
        """The first response header of that name, whatever its case; empty when absent."""
        return next((value for key, value in self.response_headers if key.lower() == name.lower()), "")

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.header("content-type").split(";")[0].strip().lower()

    @cached_property
    def body_sha256(self) -> str:
        """SHA-256 hex of the body as received."""
        return hashlib.sha256(self.body).hexdigest()

    @cached_property
    def content(self) -> bytes:
        """The body without its content codings. Raises `TooLarge` (64 MiB) or `DamagedCapture`."""
        codings = ",".join(value for name, value in self.response_headers if name.lower() == "content-encoding")
        return unpack(self.body, codings)

    @property
    def text(self) -> str:
        """The content as text, in the charset a browser would choose. Raises as `content` does, never for a charset."""
        return decode(self.content, self.header("content-type"))
