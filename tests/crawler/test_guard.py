"""No request leaves for a machine that is not public, whatever the notation, the redirect or the name server says."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request
from twisted.internet.error import DNSLookupError

from crawler.guard import GuardedResolver, GuardMiddleware, HostRefused, check, is_public

TABLE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "hostile_addresses.yaml").read_text("utf-8"))
REFUSED = [address for address, _why in TABLE["refused"]]


def test_the_table_is_long_and_has_no_double() -> None:
    assert len(REFUSED) >= 80
    assert len(set(REFUSED)) == len(REFUSED)


@pytest.mark.parametrize("url", REFUSED, ids=[f"{why}-{n}" for n, (_url, why) in enumerate(TABLE["refused"])])
def test_hostile_addresses_are_refused(url: str) -> None:
    with pytest.raises(HostRefused):
        check(url, ["127.0.0.1:8081"])


@pytest.mark.parametrize("url", REFUSED)
def test_the_middleware_drops_them_also_when_a_redirect_made_them(url: str) -> None:
    try:
        request = Request(url)
    except ValueError:
        return  # Scrapy itself takes no such address
    if urlsplit(request.url).netloc == "exemple.fr":
        return  # Scrapy wrote the backslash as part of the path: the request goes to the public host
    with pytest.raises(IgnoreRequest):
        GuardMiddleware([]).process_request(request)


@pytest.mark.parametrize("url", TABLE["passed"])
def test_public_addresses_pass(url: str) -> None:
    check(url, [])


def test_a_named_host_passes_on_its_port_alone() -> None:
    check("http://127.0.0.1:8081/x", ["127.0.0.1:8081"])
    check("http://Intra.Exemple.fr:9000/", ["intra.exemple.fr:9000"])
    for url in ("http://127.0.0.1:22/", "http://intra.exemple.fr/"):
        with pytest.raises(HostRefused, match="another port"):
            check(url, ["127.0.0.1:8081", "intra.exemple.fr:9000"])


@pytest.mark.parametrize("address", TABLE["resolved_refused"])
def test_a_name_that_resolves_to_a_private_machine_is_refused(address: str) -> None:
    resolver = GuardedResolver.__new__(GuardedResolver)
    assert not is_public(address)
    with pytest.raises(DNSLookupError):
        resolver._checked(address, "rebinding.exemple.fr")


@pytest.mark.parametrize("address", TABLE["resolved_passed"])
def test_a_name_that_resolves_to_a_public_machine_is_connected_to(address: str) -> None:
    resolver = GuardedResolver.__new__(GuardedResolver)
    assert resolver._checked(address, "exemple.fr") == address
