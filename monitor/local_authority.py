"""A timestamp authority on this machine, made of `openssl ts`: for the demo and the tests. It proves nothing."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from ledger.sealing.openssl import openssl
from ledger.sealing.tokens import Authority
from reference.errors import VigieError

_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
certs = {folder}/root.pem
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class LocalAuthority:
    """A root, a signer under it, and answers to time stamp requests, in `folder`."""

    def __init__(self, folder: Path, name: str = "Practice authority") -> None:
        """Make the keys. Raises `OpensslMissing`."""
        self.folder = folder
        self._one_at_a_time = threading.Lock()  # openssl counts serials in a file
        folder.mkdir(parents=True, exist_ok=True)
        self._config("root.cnf", f"{name} root")
        self._config("tsa.cnf", name)
        (folder / "serial").write_text("01\n")
        self._key("root")
        self._key("signer")
        config, days = folder / "root.cnf", ("-days", "3650")
        openssl(
            *("req", "-new", "-x509", "-key", folder / "root.key", "-config", config, "-extensions", "root", *days),
            *("-out", folder / "root.pem"),
        )
        config = folder / "tsa.cnf"
        openssl("req", "-new", "-key", folder / "signer.key", "-config", config, "-out", folder / "signer.csr")
        openssl(
            *("x509", "-req", "-in", folder / "signer.csr", "-CA", folder / "root.pem", "-CAkey", folder / "root.key"),
            *("-set_serial", "2", "-extfile", config, "-extensions", "signer", *days, "-out", folder / "signer.pem"),
        )

    def _config(self, file: str, name: str) -> None:
        (self.folder / file).write_text(_CONFIG.format(name=name, folder=self.folder.absolute()), encoding="utf-8")

    def _key(self, name: str) -> None:
        path = self.folder / f"{name}.key"
        path.touch(mode=0o600)
        path.write_bytes(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))

    @property
    def certificates(self) -> str:
        """Its root, in PEM."""
        return (self.folder / "root.pem").read_text("ascii")

    def answer(self, request: bytes) -> bytes:
        """The TimeStampResp to one TimeStampReq. Raises `OpensslRefused` for what is no request."""
        with self._one_at_a_time, tempfile.TemporaryDirectory() as scratch:
            query, reply = Path(scratch) / "query", Path(scratch) / "reply"
            query.write_bytes(request)
            config = self.folder / "tsa.cnf"
            openssl("ts", "-reply", "-config", config, "-section", "here", "-queryfile", query, "-out", reply)
            return reply.read_bytes()


class AuthorityServer:
    """Serves one authority on a free port of the loopback address, while it is entered."""

    def __init__(self, name: str, certificates: str, answer: Callable[[bytes], bytes]) -> None:
        """Serve `answer` under `name`; clients trust `certificates`."""
        self.name = name
        self.certificates = certificates
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def authority(self) -> Authority:
        """How a client knows it."""
        return Authority(self.name, f"http://127.0.0.1:{self._server.server_port}/", self.certificates)

    def __enter__(self) -> AuthorityServer:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and let the port go."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(answer: Callable[[bytes], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers POST alone, as RFC 3161 section 3.4 asks."""

        def do_POST(self) -> None:
            """One request, one answer."""
            try:
                length = min(int(self.headers.get("Content-Length") or 0), 64 * 1024)
                body = answer(self.rfile.read(length))
            except (VigieError, ValueError):
                self.send_error(400)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing on the terminal."""

    return Handler
