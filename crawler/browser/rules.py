"""robots.txt for clean captures, asked once a run for each site, by the same reading as a crawl's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from crawler import robots
from crawler.browser.asking import ask
from crawler.browser.outcomes import CleanOutcome, VisitEnded
from ledger.warc import Exchange

TOKEN = "Vigie"

#: Redirects of robots.txt that are followed (RFC 9309, 2.3.1.2: at least five).
_MOST_REDIRECTS = 5


@dataclass(frozen=True)
class Rules:
    """What a site's robots.txt says, the exchanges it took, and the address that answered."""

    robots: robots.Robots
    exchanges: tuple[Exchange, ...] = ()
    address: str = ""


@dataclass
class RobotsBook:
    """The rules of the sites visited in one run."""

    known: dict[str, Rules] = field(default_factory=dict)

    async def rules(self, url: str, allowed: Iterable[str], agent: str) -> Rules:
        """The rules of the site of `url`. Raises `VisitEnded` when the site does not answer at all."""
        site = _site(url)
        if site not in self.known:
            self.known[site] = await _fetch(f"{site}/robots.txt", tuple(allowed), agent)
        return self.known[site]

    def crawl_delay(self, url: str) -> float:
        """The Crawl-delay of the site of `url`, as far as its rules are known; seconds."""
        rules = self.known.get(_site(url))
        return rules.robots.crawl_delay if rules else 0.0

    async def check(self, url: str, allowed: Iterable[str], agent: str) -> Rules:
        """The rules, if they allow `url`. Raises `VisitEnded` when they do not, or cannot be had."""
        rules = await self.rules(url, allowed, agent)
        if not rules.robots.allows(url):
            reason = rules.robots.refused or "robots.txt forbids it"
            raise VisitEnded(CleanOutcome.FORBIDDEN_BY_ROBOTS, reason)
        return rules


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"


async def _fetch(url: str, allowed: tuple[str, ...], agent: str) -> Rules:
    exchanges: list[Exchange] = []
    first = ""
    for _ in range(_MOST_REDIRECTS + 1):
        exchange, _found = await ask(url, allowed, agent)
        exchanges.append(exchange)
        first = first or exchange.ip_address
        if not 300 <= exchange.status < 400 or not exchange.header("location"):
            break
        url = urljoin(url, exchange.header("location"))
    last = exchanges[-1]
    return Rules(robots.of_answer(last.status, last.body, TOKEN), tuple(exchanges), first)
