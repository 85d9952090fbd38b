"""Ask for one small answer without a browser: robots.txt, or the service that tells our address. It follows no link.

The machine is resolved here, checked, and connected to by the very address that was checked.
"""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from crawler.browser.outcomes import CleanOutcome, VisitEnded
from crawler.guard import HostRefused, check, host_port, is_public
from ledger.warc import Exchange

SECONDS = 20.0
MOST = 512 * 1024  # bytes of an answer that are read


@dataclass(frozen=True)
class Named:
    """A host and the addresses the system's resolver gave for it; `literal` when it is an address itself."""

    host: str
    addresses: tuple[str, ...]
    asked_at: datetime
    literal: bool
    source: str = ""  # our own address on the way there; empty when there is no way


async def named(url: str, allowed: Iterable[str]) -> Named:
    """Resolve the host of `url`. Raises `VisitEnded`: a machine that is not public, or no such name.

    One address that is not public among several refuses them all: the browser might take that one.
    """
    names = {one.lower() for one in allowed}
    try:
        check(url, names)
        place = host_port(url)
    except HostRefused as error:
        raise VisitEnded(CleanOutcome.PRIVATE_ADDRESS, str(error)) from error
    host, _, port = place.rpartition(":")
    bare = host.strip("[]")
    now = datetime.now(UTC)
    literal = _is_address(bare)
    addresses = (bare,) if literal else await _resolve(bare, int(port))
    if place not in names:
        for address in addresses:
            if not is_public(address):
                reason = f"{host} resolves to {address}, which is not a public machine"
                raise VisitEnded(CleanOutcome.PRIVATE_ADDRESS, reason)
    return Named(bare, addresses, now, literal, _source(addresses[0], int(port)))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return True


async def _resolve(host: str, port: int) -> tuple[str, ...]:
    loop = asyncio.get_running_loop()
    try:
        answers = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), SECONDS)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise VisitEnded(CleanOutcome.NO_ANSWER, f"{host}: the name has no address ({error})") from error
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _source(address: str, port: int) -> str:
    """The local address the system would use towards `address`; no packet is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, port))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


async def ask(url: str, allowed: Iterable[str], agent: str) -> tuple[Exchange, Named]:
    """One GET of `url`. Raises `VisitEnded` when there is no answer."""
    found = await named(url, allowed)
    try:
        return await asyncio.wait_for(asyncio.to_thread(_get, url, found, agent), SECONDS * 1.5), found
    except (OSError, http.client.HTTPException, TimeoutError, ValueError) as error:
        name = f"{type(error).__name__}: {error}"
        outcome = CleanOutcome.TLS_ERROR if isinstance(error, ssl.SSLError) else CleanOutcome.NO_ANSWER
        raise VisitEnded(outcome, f"{url}: {name}") from error


def _get(url: str, found: Named, agent: str) -> Exchange:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address, plain = _connected(found, port)
    connection = http.client.HTTPConnection(found.host, port, timeout=SECONDS)
    context = ssl.create_default_context() if secure else None
    try:
        connection.sock = context.wrap_socket(plain, server_hostname=found.host) if context else plain
        headers = {
            "Host": parts.netloc,
            "User-Agent": agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        body = answer.read(MOST)
        return Exchange(
            url=url,
            method="GET",
            request_headers=tuple(headers.items()),
            request_body=b"",
            status=answer.status,
            reason=answer.reason,
            response_headers=tuple(answer.getheaders()),
            body=body,
            captured_at=datetime.now(UTC),
            ip_address=address,
        )
    finally:
        connection.close()
        plain.close()


def _connected(found: Named, port: int) -> tuple[str, socket.socket]:
    """A connection to the first of the checked addresses that takes it."""
    last: OSError | None = None
    for address in found.addresses:
        try:
            return address, socket.create_connection((address, port), timeout=SECONDS / 2)
        except OSError as error:
            last = error
    raise last or OSError("no address")
