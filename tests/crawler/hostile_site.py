"""A site on loopback whose pages do what hostile or broken pages do, and what it was asked."""

from __future__ import annotations

import gzip
import os
import signal
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WORDS = "Le cabinet ne prend pas les patients à la CMU."
PAGE = f"""<!doctype html><html lang="fr"><head><title>Cabinet</title><link rel="stylesheet" href="/style.css"></head>
<body><h1>Cabinet Valmorette</h1><p>{WORDS}</p><p style="display:none">Texte caché</p><img src="/image.png">
<p id="later"></p><script>document.getElementById('later').textContent = 'Écrit par un script';
fetch('/data.json');</script><div style="height:9000px;background:linear-gradient(#fff,#ccc)"></div><p>Tout en bas</p>
</body></html>"""
PAGES = {
    "/page": PAGE,
    "/hang": "<html><body><h1>Cabinet</h1><script>while (true) {}</script></body></html>",
    "/dialogs": "<html><body><script>for (let i = 0; i < 1e6; i++) alert('Bonjour ' + i)</script></body></html>",
    "/crash": "<html><body><h1>Cabinet</h1><script>fetch('/kill-renderer')</script></body></html>",
    "/crash-browser": "<html><body><h1>Cabinet</h1><script>fetch('/kill-browser')</script></body></html>",
    "/away": "<html><body><h1>Cabinet</h1><script>location.href = '{other}/page'</script></body></html>",
    "/inner": f"""<html><body><p>{WORDS}</p><img src="{{other}}/secret.png"><iframe src="{{other}}/secret"></iframe>
<script>new Worker(URL.createObjectURL(new Blob(["fetch('{{other}}/secret-worker')"])));
fetch('/to-other'); alert('Bonjour'); window.open('/popup');</script></body></html>""",
    "/huge": f"<html><body><p>{WORDS}</p><script>fetch('/endless')</script></body></html>",
    "/tall": "<html><body><p>Haut</p><div style='height:60000px'></div></body></html>",
    "/wall": "<html><title>Just a moment...</title><body><script>cf_chl_opt = {}</script>Checking</body></html>",
}
_MOST = 40 * 1024 * 1024


class HostileSite:
    """Serves until closed. `other` is the address of a machine that the visitor may not ask."""

    def __init__(self, other: str = "http://127.0.0.1:9", certificate: Path | None = None) -> None:
        """Listen on a free port of loopback, over TLS when a certificate (with its key) is given."""
        self.other = other
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.address = f"http://{self.host}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.address = f"https://localhost:{self._server.server_address[1]}"
            self.host = self.address.removeprefix("https://")
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [path for path, _ in self.asked]

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers)))
                path = self.path.partition("?")[0]
                if path in PAGES:
                    self._say(PAGES[path].replace("{other}", site.other).encode(), "text/html; charset=utf-8")
                elif path == "/to-other":
                    self._say(b"", "text/html", 302, Location=f"{site.other}/redirected")
                elif path == "/redirect-away":
                    self._say(b"", "text/html", 302, Location=f"{site.other}/page")
                elif path == "/redirect":
                    self._say(b"moved", "text/html", 301, Location="/page")
                elif path == "/forbidden":
                    self._say(b"no robot was here", "text/html")
                elif path == "/robots.txt":
                    self._say(b"User-agent: Vigie\nDisallow: /forbidden\n", "text/plain")
                elif path == "/missing":
                    self._say(b"<h1>Page introuvable</h1>", "text/html", 404)
                elif path == "/download":
                    self._say(b"PK", "application/zip", **{"Content-Disposition": "attachment; filename=a.zip"})
                elif path == "/packed":
                    self._say(gzip.compress(PAGE.encode()), "text/html; charset=utf-8", **{"Content-Encoding": "gzip"})
                elif path == "/silent":
                    time.sleep(8)
                elif path == "/endless":
                    self._pour()
                elif path == "/kill-renderer":
                    kill("--type=renderer")
                elif path == "/kill-browser":
                    kill("--user-data-dir")
                elif path == "/image.png":
                    self._say(PNG, "image/png")
                else:
                    self._say(b"{}", "application/json")

            def _say(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": kind, "X-CaSe": "Kept", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _pour(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(_MOST))
                self.end_headers()
                for _ in range(_MOST // 65536):
                    self.wfile.write(b"x" * 65536)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Quiet(Handler):
            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True  # the visitor went away, as it should

        return Quiet


def children() -> dict[int, str]:
    """Our own processes, children of children included, with their command lines."""
    parents: dict[int, int] = {}
    lines: dict[int, str] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                lines[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, ValueError, IndexError):
                continue

    def is_ours(number: int) -> bool:
        while number > 1:
            if number == os.getpid():
                return True
            number = parents.get(number, 0)
        return False

    return {number: line for number, line in lines.items() if number != os.getpid() and is_ours(number)}


def kill(mark: str) -> None:
    """Kill those of our own children whose command line bears the mark."""
    for number, line in children().items():
        if mark in line and "chrom" in line:
            os.kill(number, signal.SIGKILL)


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf"
    "c0000003010100c9fe92ef0000000049454e44ae426082"
)
