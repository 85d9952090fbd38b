"""Walk an HTML tree: what is a block, what is hidden, what text a node shows. It decides nothing about meaning.

The walks are iterative: a page nested ten thousand levels deep must not exhaust the stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from bs4 import Tag
from bs4.element import CData, NavigableString, PageElement, PreformattedString


def word_set(text: str) -> frozenset[str]:
    """The words of a text as a set: for lists of names that read better on a line."""
    return frozenset(text.split())


BLOCKS = word_set(
    "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead "
    "tr ul caption"
)
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
UNSEEN = word_set(
    "script style template noscript svg iframe object canvas video audio map head title input select textarea option "
    "datalist math"
)
_SPACES = re.compile(r"[ \t\n\r\f]+")
_HIDING_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HIDING_CLASSES = frozenset(("hidden", "d-none", "sr-only", "visually-hidden", "screen-reader-text", "is-hidden"))

Event = tuple[Literal["open", "close", "text"], Tag | NavigableString]
Skip = Callable[[Tag], bool]


def attribute(node: Tag, name: str) -> str:
    """An attribute as one string; "" when it is absent (bs4 gives lists for `class`)."""
    value = node.get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else " ".join(value)


def is_hidden(node: Tag, opened: frozenset[str] = frozenset()) -> bool:
    """True when the node is not shown to anybody. `opened`: ids that a control unfolds — folded is not hidden."""
    if node.name in UNSEEN:
        return True
    attrs = node.attrs
    if not attrs:
        return False
    if attrs.get("id") in opened:
        return False
    if "hidden" in attrs and attribute(node, "hidden") != "until-found":
        return True
    if attribute(node, "aria-hidden") == "true" or _HIDING_STYLE.search(attribute(node, "style")):
        return True
    return not _HIDING_CLASSES.isdisjoint(attribute(node, "class").split())


def unfoldable(root: Tag) -> frozenset[str]:
    """The ids that some control of the page opens (accordions, « voir plus »)."""
    found: set[str] = set()
    for node in root.find_all(True):
        for name in ("aria-controls", "data-target", "data-bs-target"):
            found.update(part.lstrip("#") for part in attribute(node, name).split())
        if node.name == "a" and attribute(node, "data-toggle") + attribute(node, "data-bs-toggle"):
            found.add(attribute(node, "href").lstrip("#"))
    return frozenset(found - {""})


def is_block(node: Tag) -> bool:
    """True when the node breaks the line: a block element, or an inline one that wraps blocks."""
    return node.name in BLOCKS or any(isinstance(d, Tag) and d.name in BLOCKS for d in node.descendants)


def events(roots: Sequence[PageElement], skip: Skip) -> Iterator[Event]:
    """Open, text and close events of subtrees in document order; skipped subtrees give none, roots always open."""
    stack: list[tuple[PageElement, bool]] = [(root, False) for root in reversed(roots)]
    entry = {id(root) for root in roots}
    while stack:
        node, closing = stack.pop()
        if isinstance(node, Tag):
            if closing:
                yield "close", node
            elif id(node) in entry or not skip(node):
                yield "open", node
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(node.contents))
        elif isinstance(node, CData) or (
            isinstance(node, NavigableString) and not isinstance(node, PreformattedString)
        ):
            yield "text", node


def shown_text(roots: Sequence[PageElement], skip: Skip = is_hidden) -> str:
    """The text that nodes show: blocks and `<br>` break lines, list items get a dash, other space is folded."""
    out: list[str] = []
    entry = {id(root) for root in roots}
    for kind, node in events(roots, skip):
        if not isinstance(node, Tag):
            out.append(_SPACES.sub(" ", str(node)))
        elif node.name == "br":
            out.append("\n" if kind == "open" else "")
        elif node.name in BLOCKS and id(node) not in entry:
            if out and not out[-1].endswith("\n"):
                out.append("\n")
            if kind == "open" and node.name == "li":
                out.append("- ")
    lines = (_SPACES.sub(" ", line).strip(" ") for line in "".join(out).split("\n"))
    return "\n".join(line for line in _fold_blank(lines) if line != "-").strip()


def node_text(root: Tag, skip: Skip = is_hidden) -> str:
    """The text that one node shows."""
    return shown_text([root], skip)


def _fold_blank(lines: Iterator[str]) -> Iterator[str]:
    """At most one empty line in a row: two `<br>` part paragraphs, ten do not part them more."""
    previous = ""
    for line in lines:
        if line or previous:
            yield line
        previous = line
