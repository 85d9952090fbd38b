"""Serve the review desk with uvicorn on the loopback address; a reverse proxy gives a team its TLS."""

from __future__ import annotations

import socket

import uvicorn

from ledger import Ledger, docket
from monitor import console
from monitor.naming import lookup_of
from reference import load_reference
from reference.errors import VigieError
from review import create_app


class PortTaken(VigieError):
    """Something else listens where the desk should."""


def bind(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1. Port 0 takes a free one. Raises `PortTaken`."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as error:
        sock.close()
        raise PortTaken(
            f"port {port} of 127.0.0.1 cannot be used ({error.strerror}): choose another with --port"
        ) from error
    return sock


def prepare(ledger: Ledger) -> int:
    """Describe for the desk the cases it does not know yet, and again those whose page was captured since; how many."""
    reference, done = load_reference(), 0
    while True:
        with ledger.session() as session:
            count = docket.describe(session, reference)
        done += count
        if not count:
            break
    with ledger.session() as session:
        changed = docket.captured_since_described(session)
        docket.refresh(session, reference, changed)
    return done + len(changed)


def serve_desk(ledger: Ledger, secret: bytes, port: int, demo_notice: str = "") -> None:
    """Serve until interrupted. The practice desk of the demo, and it alone, asks for no second factor."""
    prepare(ledger)
    sock = bind(port)
    console.out.print(
        f"Desk: http://127.0.0.1:{sock.getsockname()[1]}/ (Ctrl+C ends it)", markup=False, highlight=False
    )
    desk = create_app(
        ledger, secret=secret, demo_notice=demo_notice, second_factor=not demo_notice, lookup=lookup_of(ledger.home)
    )
    config = uvicorn.Config(desk, log_level="warning", server_header=False)
    uvicorn.Server(config).run(sockets=[sock])
