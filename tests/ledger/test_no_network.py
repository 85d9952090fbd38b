"""The guard around all tests holds: nothing leaves this machine, and this machine can be spoken to."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable

import pytest

FAR = ("192.0.2.1", 80)  # TEST-NET-1: belongs to nobody


@pytest.mark.parametrize(
    "reach",
    [
        lambda: socket.create_connection(FAR, timeout=1),
        lambda: socket.socket().connect(FAR),
        lambda: socket.socket().connect_ex(FAR),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", FAR),
        lambda: socket.getaddrinfo("exemple.fr", 80),
        lambda: urllib.request.urlopen("http://exemple.fr/", timeout=1),
    ],
)
def test_nothing_leaves(reach: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match=r"a test (reached for the network|asked for the address)"):
        reach()


def test_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
