"""Write and follow locators: where in a decoded body a passage stands. It reads no meaning.

Grammar: a JSON body is addressed by a JSON Pointer (RFC 6901), `/data/profile/bio`. An HTML body is addressed by CSS,
`html > body > main > p:nth-of-type(2)`; a passage made of several nodes joins their paths with `, `. After the CSS may
stand `@name` (an attribute), then `#/pointer` (JSON inside the script or attribute) or `#text/2` (the second part of
the node's own text, parts being cut by blocks and empty lines). After a pointer, `#/pointer` goes on in the JSON that
the text found there is written in.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from bs4 import BeautifulSoup, Tag
from bs4.element import PageElement
from soupsieve import SelectorSyntaxError

from crawler.reading.documents import lenient_json, parse_html, parse_json
from crawler.reading.errors import Unreadable
from crawler.reading.nodes import Skip, attribute, is_block, is_hidden, node_text, shown_text
from crawler.reading.texts import clean, storable, to_text

_LOCATOR = re.compile(r"(?P<css>.+?)(?:@(?P<attr>[\w-]+))?(?:#(?P<pointer>/.*)|#text/(?P<part>\d+))?", re.DOTALL)


def escape(token: str) -> str:
    """One reference token of a JSON Pointer."""
    return storable(token.replace("~", "~0").replace("/", "~1"))


def strings(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every string leaf of a JSON value with its pointer, in document order, without recursion."""
    stack: list[tuple[str, object]] = [(prefix, value)]
    while stack:
        pointer, current = stack.pop()
        if isinstance(current, str):
            yield pointer, current
        elif isinstance(current, Mapping):
            stack.extend((f"{pointer}/{escape(str(k))}", v) for k, v in reversed(list(current.items())))
        elif isinstance(current, list):
            stack.extend((f"{pointer}/{i}", current[i]) for i in range(len(current) - 1, -1, -1))


def follow(value: object, pointer: str) -> object:
    """The value a JSON Pointer names, through JSON written inside a text (`#`); `Unreadable` when there is none."""
    try:
        return _follow(value, pointer)
    except Unreadable:
        outer, inside, inner = pointer.rpartition("#/")
        written = follow(value, outer) if inside else None
        if not isinstance(written, str):
            raise
    return _follow(lenient_json(written), f"/{inner}")


def _follow(value: object, pointer: str) -> object:
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise Unreadable(f"the locator leads nowhere: {pointer}")
    return value


def css_path(node: Tag, known: dict[int, str] | None = None) -> str:
    """A CSS path that selects this node and no other in its document.

    Rows hang from `table` by a descendant step, because browsers insert the `tbody` that the source left out.
    `known` carries steps from call to call on one living tree: without it a page of n siblings costs n² comparisons.
    """
    known = {} if known is None else known
    steps: list[str] = []
    current: Tag | None = node
    while current is not None and current.name != "[document]":
        if id(current) not in known:
            known.update(_steps_beside(current))
        steps.append(known[id(current)])
        current = current.parent
    return "".join(reversed(steps)).removeprefix(" > ").strip()


def _steps_beside(node: Tag) -> dict[int, str]:
    """The last step of the path of a node and of its siblings, by `id()`."""
    parent = node.parent
    if parent is None or node.name in ("html", "head", "body"):
        return {id(node): f" > {node.name}"}
    siblings = [sibling for sibling in parent.contents if isinstance(sibling, Tag)]
    total, count = Counter(sibling.name for sibling in siblings), Counter[str]()
    steps: dict[int, str] = {}
    for sibling in siblings:
        count[sibling.name] += 1
        join = " " if sibling.name == "tr" and parent.name == "table" else " > "
        nth = f":nth-of-type({count[sibling.name]})" if total[sibling.name] > 1 else ""
        steps[id(sibling)] = f"{join}{sibling.name}{nth}"
    return steps


def own_content(node: Tag, skip: Skip = is_hidden) -> Iterator[str | Tag]:
    """The node's block children, and between them its own text in parts, cut at empty lines; blanks do not count."""
    run: list[PageElement] = []
    for child in [*node.contents, None]:
        if child is not None and not (isinstance(child, Tag) and is_block(child)):
            if not (isinstance(child, Tag) and skip(child)):
                run.append(child)
            continue
        for part in re.split(r"\n\s*\n", shown_text(run, skip)):
            if text := clean(part):
                yield text
        run = []
        if isinstance(child, Tag):
            yield child


def resolve(content: bytes, content_type: str, locator: str) -> str:
    """The text that a locator names in a decoded body. It raises `Unreadable` when the locator leads nowhere."""
    if locator.startswith("/"):
        return _as_text(follow(parse_json(content), locator))
    soup = parse_html(content, content_type)
    parts = [locator] if "#/" in locator else locator.split(", ")
    return "\n".join(_resolve_in(soup, part) for part in parts)


def _resolve_in(soup: BeautifulSoup, locator: str) -> str:
    match = _LOCATOR.fullmatch(locator)
    try:
        node = soup.select_one(match["css"]) if match else None
    except SelectorSyntaxError as error:
        raise Unreadable(f"not a locator: {locator}") from error
    if node is None or match is None:
        raise Unreadable(f"the locator leads nowhere: {locator}")
    return _select(node, match)


def _select(node: Tag, match: re.Match[str]) -> str:
    if match["part"]:
        parts = [part for part in own_content(node) if isinstance(part, str)]
        index = int(match["part"]) - 1
        if index >= len(parts):
            raise Unreadable(f"the locator leads nowhere: {match.string}")
        return parts[index]
    raw = attribute(node, match["attr"]) if match["attr"] else None
    if match["pointer"]:
        return _as_text(follow(lenient_json(node.get_text() if raw is None else raw), match["pointer"]))
    if raw is not None:
        return clean(raw)
    return clean(attribute(node, "content")) if node.name == "meta" else clean(node_text(node))


def _as_text(value: object) -> str:
    return to_text(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
