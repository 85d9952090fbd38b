"""Which machines may be asked at all: no loopback, private or reserved address unless the operator named it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from reference.errors import VigieError


class HostRefused(VigieError):
    """The address is not a public machine and was not named with --allow-host."""


class RefusedRequest(IgnoreRequest):
    """Scrapy's way of dropping a request that the guard refuses."""


def host_port(url: str) -> str:
    """`host:port` of an http(s) address, the port made explicit. Raises `HostRefused` for any other scheme."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HostRefused(f"{url[:200]}: only http and https addresses are crawled")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise HostRefused(f"{url[:200]}: not a port") from error
    return f"{parts.hostname.lower()}:{port}"


def is_public(address: str) -> bool:
    """True for an address of the public internet; False for any other, and for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_global) and not (mapped or parsed).is_multicast


def check(url: str, allowed: Iterable[str]) -> None:
    """Refuse an address that names a machine which is not public. Names are checked again when they are resolved."""
    place = host_port(url)
    if place in {one.lower() for one in allowed}:
        return
    host = place.rsplit(":", 1)[0]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or _looks_numeric(host):
            raise HostRefused(f"{place} is not a public machine: name it with --allow-host to crawl it") from None
        return
    if not is_public(host):
        raise HostRefused(f"{place} is not a public machine: name it with --allow-host to crawl it")


def _looks_numeric(host: str) -> bool:
    """Old spellings of IPv4 (`127.1`, `0x7f000001`) that a resolver would turn into an address."""
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
        if name.lower() in self.allowed_names or is_public(address):
            return address
        raise DNSLookupError(f"{name} resolves to {address}, which is not a public machine")
