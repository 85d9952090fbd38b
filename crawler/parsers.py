"""Find the pure parser of a platform: the same function reads live answers, imported files and stored captures."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import crawler.spiders
from crawler.items import FoundListing
from crawler.spiders.base import PlatformSpider
from ledger.warc import Exchange
from reference import load_reference
from reference.errors import VigieError


class NoParser(VigieError):
    """No spider reads this platform, or nothing tells whose page it is."""


@dataclass(frozen=True)
class Parser:
    """A platform's `parse_listing` and its version."""

    platform: str
    version: str
    parse: Callable[[Exchange], Iterator[FoundListing]]


@cache
def parsers() -> dict[str, Parser]:
    """Every spider of `crawler.spiders`, by platform."""
    found: dict[str, Parser] = {}
    for module in pkgutil.iter_modules(crawler.spiders.__path__):
        loaded = importlib.import_module(f"crawler.spiders.{module.name}")
        for _, spider in inspect.getmembers(loaded, inspect.isclass):
            if issubclass(spider, PlatformSpider) and spider.name == module.name:
                found[module.name] = Parser(module.name, spider.parser_version, spider.parse_listing)
    return found


def parser_of(platform: str) -> Parser:
    """The parser of that platform. Raises `NoParser`."""
    if platform not in parsers():
        raise NoParser(f"{platform}: no such platform; there are {', '.join(sorted(parsers()))}")
    return parsers()[platform]


def platform_of(url: str) -> str:
    """The platform whose host an address is on; any other site is a practice's own."""
    host = (urlsplit(url).hostname or "").lower()
    for platform in load_reference().platforms.values():
        if any(host == known or host.endswith("." + known.removeprefix("www.")) for known in platform.hosts):
            return platform.code
    return "practice_site"
