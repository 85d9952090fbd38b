"""Which machines may be asked at all: public ones, and those the operator named. It fetches nothing itself.

A name is checked again with the address it resolves to, which is the address that is then connected to: a redirect, a
second DNS answer (rebinding) or an old notation gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from reference.errors import VigieError

# IANA's special-purpose registries (RFC 6890 and its updates), plus two services that clouds put on public addresses.
# Python's own `is_global` differs between its versions and lets 6to4 and NAT64 carry a private address: hence a list.
_CLOSED_V4 = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's host agent
    )
)
# Outside 2000::/3 nothing is public; inside it, these are not, or carry an IPv4 address of anybody's choice.
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_CLOSED_V6 = tuple(
    ipaddress.ip_network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_ISATAP = (0x00005EFE, 0x02005EFE)
_PRIVATE_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private")
_PRIVATE_ENDS = tuple(f".{name}" for name in (*_PRIVATE_NAMES, "home.arpa", "onion"))
_LOCAL_HOSTS = ("ip6-localhost", "ip6-loopback", "metadata", "instance-data", "host.docker.internal")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?")
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
MAX_URL = 8000  # characters


class HostRefused(VigieError):
    """The address is not a public machine and was not named with --allow-host."""


class RefusedRequest(IgnoreRequest):
    """Scrapy's way of dropping a request that the guard refuses."""


def host_port(url: str) -> str:
    """`host:port` of an http(s) address, the port made explicit. Raises `HostRefused` for anything else.

    What two readers of addresses might read differently (a backslash, a control character, credentials before the
    host, an escaped or full-width host) is refused rather than interpreted.
    """
    shown = url[:200]
    if _ODD.search(url) or len(url) > MAX_URL:
        raise HostRefused(f"{shown!r}: not an address")
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise HostRefused(f"{shown}: not an address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HostRefused(f"{shown}: only http and https addresses are crawled")
    if "@" in parts.netloc:
        raise HostRefused(f"{shown}: an address with credentials is not crawled")
    return f"{_host(parts.hostname, shown)}:{port}"


def _host(host: str, shown: str) -> str:
    """The host as a resolver will be asked for it: ASCII, one final dot removed."""
    if ":" in host:
        return host.lower()
    if unquote(host) != host or unicodedata.normalize("NFKC", host) != host:
        raise HostRefused(f"{shown}: the host is written in a way that hides it")
    try:
        ascii_host = host.encode("idna").decode("ascii").lower() if not host.isascii() else host.lower()
    except UnicodeError as error:
        raise HostRefused(f"{shown}: not a host name") from error
    if not _HOST.fullmatch(ascii_host):
        raise HostRefused(f"{shown}: not a host name")
    return ascii_host.removesuffix(".")


def is_public(address: str) -> bool:
    """True for an address of the public internet; False for any other, and for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _CLOSED_V4)
    if parsed not in _PUBLIC_V6 or any(parsed in network for network in _CLOSED_V6):
        return False
    return (int(parsed) >> 32) & 0xFFFFFFFF not in _ISATAP


def check(url: str, allowed: Iterable[str]) -> None:
    """Refuse an address that names a machine which is not public. Names are checked again when they are resolved."""
    place = host_port(url)
    named = {one.lower() for one in allowed}
    if place in named:
        return
    host = place.rsplit(":", 1)[0]
    if host in {one.rsplit(":", 1)[0] for one in named}:
        raise HostRefused(f"{place}: --allow-host names another port of this machine")
    try:
        ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        if _is_private_name(host) or _looks_numeric(host):
            raise HostRefused(f"{place} is not a public machine: name it with --allow-host to crawl it") from None
        return
    if not is_public(host):
        raise HostRefused(f"{place} is not a public machine: name it with --allow-host to crawl it")


def _is_private_name(host: str) -> bool:
    """Names that only a private network knows; a name without a dot is one."""
    return "." not in host or host in _LOCAL_HOSTS or host in _PRIVATE_NAMES or host.endswith(_PRIVATE_ENDS)


def _looks_numeric(host: str) -> bool:
    """Old spellings of IPv4 (`127.1`, `0x7f000001`) that a resolver would turn into an address.

    A last label that is a number makes the whole an IPv4 address to a browser (URL standard), so it is never a name.
    """
    last = host.rsplit(".", 1)[-1]
    if last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last):
        return True
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


class GuardMiddleware:
    """Downloader middleware: every request, also one that a redirect made, passes the guard or is dropped."""

    def __init__(self, allowed: Iterable[str]) -> None:
        """Let pass what is public and what is named."""
        self.allowed = tuple(allowed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardMiddleware:
        """Read the named hosts from the settings."""
        return cls(crawler.settings.getlist("VIGIE_ALLOW_HOSTS"))

    def process_request(self, request: Request) -> None:
        """Drop a request to a machine that is not public."""
        try:
            check(request.url, self.allowed)
        except HostRefused as error:
            raise RefusedRequest(str(error)) from error


class GuardedResolver(CachingThreadedResolver):
    """A name that resolves to a machine which is not public is refused when it is used: rebinding gains nothing."""

    allowed_names: frozenset[str] = frozenset()

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> GuardedResolver:
        """Scrapy's own resolver, knowing the named hosts."""
        resolver = super().from_crawler(crawler, reactor)
        names = crawler.settings.getlist("VIGIE_ALLOW_HOSTS")
        resolver.allowed_names = frozenset(name.rsplit(":", 1)[0].lower() for name in names)
        return resolver

    def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:  # noqa: N802
        """Resolve, and fail when the answer is not public."""
        answer: Deferred[str] = super().getHostByName(name, timeout)
        return answer.addCallback(self._checked, name)

    def _checked(self, address: str, name: str) -> str:
        if name.lower().removesuffix(".") in self.allowed_names or is_public(address):
            return address
        raise DNSLookupError(f"{name} resolves to {address}, which is not a public machine")
