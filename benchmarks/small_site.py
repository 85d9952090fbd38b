"""A practice's site of a few pages that a test can change, break, and watch."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass
class Page:
    """What one path answers."""

    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "text/html; charset=utf-8"
    wait: float = 0.0


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    at: float


def home(*links: str, text: str = "Cabinet du docteur Ange Gabarit, médecin généraliste à Lille") -> str:
    """A home page with its links."""
    anchors = "".join(f'<li><a href="{link}">{link.strip("/")}</a></li>' for link in links)
    return (
        f"<!doctype html><html><head><title>Cabinet</title></head><body><h1>{text}</h1><ul>{anchors}</ul></body></html>"
    )


def page(text: str) -> str:
    """A page with one paragraph."""
    return f"<!doctype html><html><body><h1>Tarifs</h1><p>{text}</p></body></html>"


class SmallSite:
    """A server on 127.0.0.1: `pages` by path, `robots`, `etags`; `log` of what was asked and `most_at_once`."""

    def __init__(self, pages: dict[str, Page | Callable[[], Page]], robots: Page | None = None, *, etags: bool = False):
        self.pages, self.robots, self.etags = pages, robots or Page(status=404), etags
        self.log: list[Asked] = []
        self.most_at_once = self._busy = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.start = f"http://{self.host}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> SmallSite:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def paths(self) -> list[str]:
        """The paths asked for, robots.txt aside."""
        return [one.path for one in self.log if one.path != "/robots.txt"]

    def _answer(self, path: str) -> Page:
        if path == "/robots.txt":
            return self.robots
        found = self.pages.get(path, Page("<html><body>Introuvable</body></html>", 404))
        return found() if callable(found) else found

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with site._lock:
                    site.log.append(Asked(self.path, dict(self.headers.items()), time.monotonic()))
                    site._busy += 1
                    site.most_at_once = max(site.most_at_once, site._busy)
                answer = site._answer(self.path)
                time.sleep(answer.wait)
                body = answer.body.encode() if isinstance(answer.body, str) else answer.body
                tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
                same = site.etags and answer.status == 200 and self.headers.get("If-None-Match") == tag
                self.send_response(304 if same else answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if site.etags:
                    self.send_header("ETag", tag)
                if same:
                    body = b""
                else:
                    self.send_header("Content-Type", answer.kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                with site._lock:
                    site._busy -= 1

            def log_message(self, *_: Any) -> None:
                """Say nothing on the terminal."""

        return Handler
