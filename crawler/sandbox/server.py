"""Serve the practice world on 127.0.0.1, with the faults of real platforms, and remember what was asked."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crawler.sandbox import pages, platforms
from crawler.sandbox.world import Sandbox, people_data

ROBOTS = "User-agent: *\nCrawl-delay: 1\nDisallow: /rendez-vous/\nDisallow: /account/\n"
CONSENT = (
    '<html><body><div id="didomi-host"><p>Avant de continuer : vos choix en matière de cookies.</p>'
    "<button>Accepter et continuer</button></div></body></html>"
)
LOGIN = (
    "<html><body><h1>Identifiez-vous</h1><form method=post><input name=email>"
    "<input type=password name=password><button>Se connecter</button></form></body></html>"
)
FAULTS = {
    3: "missing",
    8: "error",
    11: "slow_down",
    16: "retry_later",
    17: "consent",
    25: "login",
}  # the last two hide planted wording


@dataclass(frozen=True)
class Seen:
    """One request, as the server saw it."""

    method: str
    path: str
    user_agent: str
    at: float  # seconds, monotonic


@dataclass(frozen=True)
class Answer:
    """What the server says."""

    status: int
    body: bytes
    kind: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def _html(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode())


def _json(value: Any) -> Answer:
    return Answer(200, json.dumps(value, ensure_ascii=False).encode(), "application/json; charset=utf-8")


NOT_FOUND = _html("<html><body><h1>Page introuvable</h1></body></html>", 404)


class Platform:
    """The answers of the platform: routes in, `Answer` out. One of them is kept by each server."""

    def __init__(self, world: Sandbox) -> None:
        """Answer for `world`."""
        self.world = world
        self.slowed: set[str] = set()

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """The answer to one request."""
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        path = parts.path
        if path == "/robots.txt":
            return Answer(200, ROBOTS.encode(), "text/plain")
        if method == "POST" and path == "/phs_proxy/raw":
            return self._search(query, body)
        if path.startswith("/profiles/") and path.endswith(".json"):
            slug = path.removeprefix("/profiles/").removesuffix(".json")
            return self._profile(slug, lambda number: _json(pages.profile_json(self.world, number)))
        if path.startswith("/online_booking/"):
            slug = query.get("profile_slug", "")
            return self._profile(slug, lambda number: _json(pages.funnel_json(self.world, number)))
        if path.startswith("/sites"):
            return self._site(path)
        asked = platforms.asked(self.world, path, query)
        return self._public(path, query) if asked is None else self._asked(asked)

    def _asked(self, asked: platforms.Asked) -> Answer:
        """An answer in the shape of another platform, or the fault that sits on its listing."""
        number = asked.number
        if number is not None:
            if number < 0 or self.world.is_gone(number) or self.world.person(number).is_site:
                return NOT_FOUND
            if fault := self._fault(number):
                return fault
        made = asked.make()
        return _html(made) if isinstance(made, str) else _json(made)

    def _search(self, query: dict[str, str], body: bytes) -> Answer:
        try:
            keyword = str(json.loads(body)["keyword"])
            page = int(query.get("page", "0"))
        except (ValueError, KeyError, TypeError):
            return _html("<html><body>Bad request</body></html>", 400)
        return _json(pages.search_answer(self.world, keyword, page))

    def _profile(self, slug: str, make: Callable[[int], Answer]) -> Answer:
        """A profile's answer of one kind, or the fault that sits on it."""
        number = self.world.number_of(slug)
        if number is None or self.world.is_gone(number) or self.world.person(number).is_site:
            return NOT_FOUND
        return self._fault(number) or make(number)

    def _fault(self, number: int) -> Answer | None:
        fault = FAULTS.get(number)
        if fault == "missing":
            return NOT_FOUND
        if fault == "error":
            return _html("<html><body><h1>Erreur interne</h1></body></html>", 500)
        if fault == "slow_down" and "slow_down" not in self.slowed:
            self.slowed.add("slow_down")
            return Answer(429, b"Too many requests", "text/plain", (("Retry-After", "2"),))
        if fault == "retry_later":
            return Answer(200, b"Retry later\n", "text/plain")
        if fault == "consent":
            return _html(CONSENT)
        return _html(LOGIN) if fault == "login" else None

    def _site(self, path: str) -> Answer:
        if path.rstrip("/") == "/sites":
            return _html(pages.site_index(self.world))
        slug, _, name = path.removeprefix("/sites/").partition("/")
        number = self.world.number_of(slug)
        if number is None or self.world.is_gone(number):
            return NOT_FOUND
        found = pages.site_pages(self.world, number)
        if name == "sitemap.xml":
            urls = "".join(f"<url><loc>/sites/{slug}/{page}</loc></url>" for page in found)
            return Answer(200, f'<?xml version="1.0"?><urlset>{urls}</urlset>'.encode(), "application/xml")
        return _html(found[name]) if name in found else NOT_FOUND

    def _public(self, path: str, query: dict[str, str]) -> Answer:
        parts = path.strip("/").split("/")
        known = {one["slug"] for one in people_data()["specialities"]}
        if len(parts) == 2 and parts[0] in known:
            return _html(pages.result_page(self.world, parts[0], int(query.get("page", "1"))))
        if len(parts) == 3 and parts[0] in known:
            slug = parts[2]
            if slug.startswith("ancien-"):
                return Answer(301, b"", headers=(("Location", path.replace("ancien-", "", 1)),))
            return self._profile(slug, lambda number: _html(pages.profile_page(self.world, number)))
        return NOT_FOUND


class SandboxServer:
    """A running server: `host`, `start_urls`, `set_day`, `log` and `most_at_once`. Use it as a context manager."""

    def __init__(self, world: Sandbox, port: int = 0, latency: float = 0.0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one; each answer takes `latency` seconds."""
        self.world = world
        self.latency = latency
        self.platform = Platform(world)
        self.log: list[Seen] = []
        self.most_at_once = 0
        self._busy = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def start_urls(self, platform: str) -> list[str]:
        """Where a crawl of that platform begins."""
        if platform == "practice_site":
            return [f"http://{self.host}/sites/"]
        if platform in platforms.CODES:
            return platforms.start_urls(self.host, platform)
        return [f"http://{self.host}/{one['slug']}/france" for one in people_data()["specialities"]]

    def set_day(self, day: int) -> None:
        """Move the world to another day."""
        self.world.day = day

    def __enter__(self) -> SandboxServer:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def _enter(self, method: str, path: str, agent: str) -> None:
        with self._lock:
            self.log.append(Seen(method, path, agent, time.monotonic()))
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)

    def _leave(self) -> None:
        with self._lock:
            self._busy -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                owner._enter(self.command, self.path, self.headers.get("User-Agent", ""))
                try:
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    answer = owner.platform.answer(self.command, self.path, body)
                    time.sleep(owner.latency)
                finally:
                    owner._leave()
                self._send(answer)

            do_GET = do_POST = _serve  # noqa: N815

            def _send(self, answer: Answer) -> None:
                body = answer.body
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                if "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 200:
                    body = gzip.compress(body, mtime=0)
                    self.send_header("Content-Encoding", "gzip")
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing on the terminal: `log` remembers."""

        return Handler
