"""Ask the application itself, in this thread, without a client library: thousands of requests in a story cost little.

The answers are those of the real application: routing, gate, templates and headers included; only the sockets, the
worker threads and the client's own parsing are left out.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread

PASSWORD = "quatre chevaux bleus au galop"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@contextmanager
def same_thread() -> Iterator[None]:
    """Within it, routes run in the asking thread; nothing else may run a server meanwhile."""

    async def inline(function: Any, *arguments: Any, **_options: Any) -> Any:
        return function(*arguments)

    kept = anyio.to_thread.run_sync
    anyio.to_thread.run_sync = inline  # type: ignore[assignment]
    try:
        yield
    finally:
        anyio.to_thread.run_sync = kept


@dataclass
class Direct:
    """One person's browser. `loop` may be shared by many."""

    app: Any
    loop: asyncio.AbstractEventLoop
    cookies: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)  # of the forms, by session

    def request(self, method: str, path: str, form: dict[str, str] | None = None) -> Answer:
        """One request, redirects not followed; cookies are kept."""
        body = urlencode(form).encode() if form is not None else b""
        place, _, query = path.partition("?")
        headers = [(b"host", b"desk.test")]
        if self.cookies:
            headers.append((b"cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()).encode()))
        if method == "POST":
            kind = (b"content-type", b"application/x-www-form-urlencoded")
            headers += [kind, (b"content-length", str(len(body)).encode())]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": place, "raw_path": place.encode(), "root_path": "", "query_string": query.encode(),
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("desk.test", 80), "state": {},
        }  # fmt: skip
        # The browser driver's loop may be marked as running in this thread.
        theirs = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            return self.loop.run_until_complete(self._ask(scope, body))
        finally:
            asyncio._set_running_loop(theirs)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, **form: str) -> Answer:
        """Send a form with the token of the person's session."""
        return self.request("POST", path, {**form, "csrf": self.token()})

    def token(self, path: str = "/aide") -> str:
        """The token of the forms on that page, the same for a whole session."""
        key = str(sorted(self.cookies.items()))
        if key not in self.tokens:
            answer = self.get(path)
            found = re.search(r'name="csrf" value="([0-9a-f]+)"', answer.text)
            key = str(sorted(self.cookies.items()))
            self.tokens[key] = found.group(1) if found else ""
        return self.tokens[key]

    def sign_in(self, login: str, password: str = PASSWORD) -> Answer:
        """Fill in the sign-in form."""
        form = {"login": login, "password": password, "csrf": self.token("/connexion")}
        return self.request("POST", "/connexion", form)

    async def _ask(self, scope: dict[str, Any], body: bytes) -> Answer:
        got: dict[str, Any] = {"status": 0, "headers": []}
        pieces: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                got.update(status=message["status"], headers=message["headers"])
            else:
                pieces.append(message.get("body", b""))

        await self.app(scope, receive, send)
        headers = [(name.decode().lower(), value.decode("latin-1")) for name, value in got["headers"]]
        for name, value in headers:
            if name == "set-cookie":
                cookie, _, rest = value.partition(";")
                key, _, held = cookie.partition("=")
                if "max-age=0" in rest.lower():
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = held
        return Answer(got["status"], dict(headers), b"".join(pieces))
