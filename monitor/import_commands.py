"""The command `import`: what people collected by hand enters the ledger. It reads arguments, calls jobs and prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger import Ledger
from ledger.lock import exclusive
from monitor import console, evidence
from monitor.authorities import authorities_of
from monitor.settings import Settings, load_settings
from reference.errors import VigieError

FilesArgument = Annotated[
    list[Path], typer.Argument(help=".wacz, .warc.gz, .html or .mhtml; or a .txt list of addresses to fetch.")
]
PlatformOption = Annotated[str | None, typer.Option(help="Whose pages they are, when the address does not tell.")]
UrlOption = Annotated[str | None, typer.Option(help="The page's address, when the file does not tell.")]
HostOption = Annotated[
    list[str] | None,
    typer.Option("--allow-host", help="HOST:PORT on a loopback or private address that may be crawled. Repeatable."),
]
DelayOption = Annotated[float | None, typer.Option(min=0, help="Seconds between requests, for --allow-host only.")]
HomeOption = Annotated[Path | None, typer.Option("--home", help="Where evidence and ledger live (VIGIE_HOME).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


def import_(
    files: FilesArgument,
    platform: PlatformOption = None,
    url: UrlOption = None,
    allow_host: HostOption = None,
    delay: DelayOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Take in what people collected by hand; each file enters with its own provenance.

    The addresses of a list are fetched at once, as `vigie crawl` would: politely, robots.txt obeyed, each platform by
    itself. An address on no known platform is taken for a practice's own site.
    """
    from crawler.collected import is_list
    from crawler.importing import import_file

    settings = load_settings(home=home)
    authorities_of(settings)
    failures: list[VigieError] = []
    with exclusive(settings.home, "import"):
        ledger = Ledger.open(settings.home, settings.database_url)
        for path in files:
            if is_list(path):
                failures += _fetch(settings, path, platform, tuple(allow_host or ()), delay, json)
            else:
                _say(str(path), import_file(ledger, path, platform=platform, url=url).as_json(), json)
        evidence.seal_and_stamp(ledger, settings)
    if failures:
        raise failures[0]


def _say(title: str, figures: dict[str, Any], json: bool) -> None:
    if json:
        console.say_json(figures)
    else:
        console.table(title, [(name, str(value)) for name, value in figures.items()])


def _fetch(
    settings: Settings, path: Path, platform: str | None, hosts: Sequence[str], delay: float | None, json: bool
) -> list[VigieError]:
    """Fetch the addresses of a list, one platform after the other; what failed on one does not stop the next."""
    from crawler.collected import read_addresses
    from crawler.parsers import parser_of, platform_of

    by_platform: dict[str, list[str]] = {}
    for address in read_addresses(path):
        by_platform.setdefault(platform or platform_of(address), []).append(address)
    for owner, addresses in by_platform.items():
        parser_of(owner)
        _say(f"{path}: {owner}", {"list": path.name, "platform": owner, "addresses": len(addresses)}, json)
    failures: list[VigieError] = []
    for owner, addresses in by_platform.items():
        try:
            told = {"platform": owner, **_crawl(settings, owner, addresses, hosts, delay, json)}
        except VigieError as error:
            failures.append(error)
            told = {"platform": owner, "error": str(error)}
        _say(f"{path}: {owner}", told, json)
    return failures


def _crawl(
    settings: Settings, platform: str, addresses: Sequence[str], hosts: Sequence[str], delay: float | None, json: bool
) -> dict[str, Any]:
    """Fetch these addresses of one platform and what belongs to them, and no listing more."""
    from crawler.run import CrawlSpec, crawl

    spec = CrawlSpec(
        home=settings.home,
        database_url=settings.database_url,
        platform=platform,
        start_urls=tuple(addresses),
        limit=len(addresses),
        allow_hosts=tuple(hosts),
        delay_seconds=delay,
        contact=settings.contact,
    )
    with console.progress(f"crawl {platform}", json) as advance:
        return crawl(spec, lambda step: advance(step.captures, None)).as_json()
