"""robots.txt by RFC 9309: which addresses a robot may ask for, and how long it waits. Pure: it fetches nothing.

Scrapy's parser, Protego, follows Google's habits where they differ from the standard (a token that merely begins ours
is ours, unknown records end a group, `Allow: …/index.html` opens the folder, `$` in the middle, other line ends); so
the groups and the matching are read here, and the tests hold both against each other where they must agree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_ROBOTS = 500 * 1024  # bytes that are read; the standard asks for at least this much
ROBOTS_META = "asks_for_robots"  # marks the request for robots.txt itself
_LINES = re.compile(r"\r\n|\n|\r")
_RECORD = re.compile(r"\s*([A-Za-z][A-Za-z -]*?)\s*:\s*(.*?)\s*", re.DOTALL)
_TOKEN = re.compile(r"\*|[A-Za-z_-]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_KEPT = _UNRESERVED | frozenset(":/?#[]@!$&'()*+,;=%")


def _spelling(text: str) -> str:
    """One spelling: escapes of unreserved characters undone, all others in capitals, what is not ASCII escaped as
    UTF-8, and `:` and `/` of a query escaped. `%2F` in a path stays what it is: another octet than « / »."""

    def one(found: re.Match[str]) -> str:
        character = chr(int(found.group(1), 16))
        return character if character in _UNRESERVED else found.group().upper()

    plain = _ESCAPE.sub(one, text)
    plain = "".join(
        character if character in _KEPT else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
        for character in plain
    )
    path, mark, query = plain.partition("?")
    return path + mark + query.replace(":", "%3A").replace("/", "%2F")


def normal_path(path: str) -> str:
    """The path and query of an address, as patterns are held against them; `*` and `$` in it are mere characters."""
    return _spelling(path).replace("*", "%2A").replace("$", "%24")


def normal_pattern(pattern: str) -> str:
    """A pattern in the same spelling: `*` and a final `$` keep their meaning, a `$` elsewhere is a mere character."""
    body, end = (pattern[:-1], "$") if pattern.endswith("$") else (pattern, "")
    return _spelling(body).replace("$", "%24") + end


def _path(url: str) -> str:
    """Path and query of an absolute address, an empty query kept: patterns may end in « ? »."""
    rest = url.partition("#")[0].partition("://")[2]
    start = re.search(r"[/?]", rest)
    path = rest[start.start() :] if start else "/"
    return path if path.startswith("/") else f"/{path}"


def _matches(pattern: str, path: str) -> bool:
    """True when the pattern stands at the beginning of the path; `*` is any run, a final `$` the end.

    Piece by piece from the left, in time linear in the path for each piece: a pattern of a thousand stars is no trap.
    """
    anchored = pattern.endswith("$")
    pieces = (pattern[:-1] if anchored else pattern).split("*")
    if not path.startswith(pieces[0]):
        return False
    position = len(pieces[0])
    if len(pieces) == 1:
        return not anchored or position == len(path)
    for piece in pieces[1:-1]:
        found = path.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    last = pieces[-1]
    if anchored:
        return path.endswith(last) and len(path) - len(last) >= position
    return path.find(last, position) >= 0


@dataclass(frozen=True)
class Rule:
    """One line `Allow` or `Disallow`, its pattern in one spelling."""

    allow: bool
    pattern: str


@dataclass(frozen=True)
class Robots:
    """What a robots.txt says to one robot. `crawl_delay` in seconds, 0.0 when it asks for none."""

    rules: tuple[Rule, ...] = ()
    crawl_delay: float = 0.0
    refused: str = ""  # why nothing at all may be asked, when robots.txt itself could not be had

    def allows(self, url: str) -> bool:
        """True when the address may be asked for: the longest matching rule decides, `Allow` when two are as long."""
        path = _path(url)
        if path.partition("?")[0] == "/robots.txt":
            return True
        if self.refused:
            return False
        wanted = normal_path(path)
        best = (-1, True)
        for rule in self.rules:
            if (len(rule.pattern), rule.allow) > best and _matches(rule.pattern, wanted):
                best = (len(rule.pattern), rule.allow)
        return best[1]


def parse(body: bytes, token: str) -> Robots:
    """What a robots.txt of these bytes says to the robot of that product token. Whatever the bytes, it answers.

    All groups that name the token count together, without regard to case; without any, those of `*`; else nothing is
    forbidden. Bytes beyond `MAX_ROBOTS`, and the line they cut, are not read.
    """
    cut = body[:MAX_ROBOTS]
    if len(body) > MAX_ROBOTS:
        cut = cut[: max(cut.rfind(b"\n"), cut.rfind(b"\r")) + 1]
    text = cut.decode("utf-8-sig", "replace")
    groups = list(_groups(text))
    mine = [group for group in groups if token.lower() in group.agents]
    mine = mine or [group for group in groups if "*" in group.agents]
    rules = tuple(rule for group in mine for rule in group.rules)
    return Robots(rules, max((group.crawl_delay for group in mine), default=0.0))


def of_answer(status: int, body: bytes, token: str) -> Robots:
    """What the answer to the request for robots.txt means.

    2xx: read it. 4xx: there is none, all is allowed; but 429 asks for patience. A server error, or a redirect that was
    not followed to its end, leaves the rules unknown: nothing may be asked (RFC 9309, 2.3.1.4).
    """
    if 200 <= status < 300:
        return parse(body, token)
    if 400 <= status < 500 and status != 429:
        return Robots()
    return unreachable(f"robots.txt answered {status}")


def unreachable(reason: str) -> Robots:
    """robots.txt could not be had, for that reason: nothing may be asked."""
    return Robots(refused=reason)


class _Group:
    """Agents and what is said to them."""

    def __init__(self) -> None:
        self.agents: set[str] = set()
        self.rules: list[Rule] = []
        self.crawl_delay = 0.0


def _groups(text: str) -> Iterator[_Group]:
    """The groups of a file: agents in a row, then their rules. Other records do not end a row of agents."""
    group = _Group()
    ruled = False
    for line in _LINES.split(text):
        record = _RECORD.fullmatch(line.split("#", 1)[0])
        if record is None:
            continue
        name, value = record.group(1).lower(), record.group(2)
        if name in ("user-agent", "useragent", "user agent"):
            if ruled:
                yield group
                group, ruled = _Group(), False
            token = _TOKEN.match(value)
            if token is not None:
                group.agents.add(token.group().lower())
        elif name in ("allow", "disallow"):
            ruled = True
            if value:
                group.rules.append(Rule(name == "allow", normal_pattern(value if value[0] in "/*" else f"/{value}")))
        elif name in ("crawl-delay", "crawl delay"):
            ruled = True
            group.crawl_delay = max(group.crawl_delay, _seconds(value))
    yield group


def _seconds(value: str) -> float:
    """A number of seconds; 0.0 for what is none, or is less than nothing."""
    try:
        seconds = float(value.replace(",", "."))
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
