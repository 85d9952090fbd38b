"""Find a wording again in the bytes that were captured, without the code that extracted it. It decides nothing else.

A passage is accepted at its locator, or else anywhere in the decoded body, or else by its trigger alone; white space
and invisible characters do not count, letters, accents and case do.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from lxml import etree, html

from ledger.warc import Exchange

SHORTEST = 4  # letters a trigger needs to be looked for alone
SUFFIX = re.compile(r"(@[\w-]+)?(#/.*|#text/\d+)?$", re.DOTALL)  # what follows the CSS path in a locator
BULLET = re.compile(r"(?m)^\s*[-–•*]\s+")  # a list item reads « - … » in a passage, and not on the page
GAP = "\x00"  # between texts that do not touch on the page
JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class Found(StrEnum):
    """Where a wording was found again, the strongest first."""

    LOCATOR = "locator"
    PAGE = "page"
    TRIGGER = "trigger"
    ABSENT = "absent"


def squeeze(text: str) -> str:
    """The text without white space and without invisible characters, in compatibility form."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(char for char in normal if not char.isspace() and unicodedata.category(char) not in ("Cf", "Cc"))


def find(exchange: Exchange, text: str, locator: str, trigger: str) -> Found:
    """How far the wording can be found again in this capture. Raises as `Exchange.content` does."""
    wanted = {squeeze(text), squeeze(BULLET.sub("", text))} - {""}
    source = exchange.text
    there = squeeze(_at(source, locator))
    if any(form in there for form in wanted):
        return Found.LOCATOR
    bodies = [body(source), body(exchange.content)]
    if any(form in held for form in wanted for held in bodies):
        return Found.PAGE
    bare = squeeze(trigger)
    if len(bare) >= SHORTEST and any(bare in held for held in bodies):
        return Found.TRIGGER
    return Found.ABSENT


def holds_number(exchange: Exchange, digits: str) -> bool:
    """Whether the decoded body shows this number, also in groups set apart by spaces or dots."""
    spaced = r"[\s.\u00a0\u202f]{0,2}".join(re.escape(digit) for digit in digits)
    return bool(digits) and re.search(rf"(?<!\d){spaced}(?!\d)", exchange.text) is not None


def body(source: str | bytes) -> str:
    """Everything written in a body (visible text, attributes, strings of scripts), squeezed, parts set apart."""
    parsed = _json(source)
    if parsed is not None:
        return GAP.join(squeeze(_untagged(value)) for value in _strings(parsed))
    tree = _tree(source)
    if tree is None:
        return squeeze(source if isinstance(source, str) else source.decode("utf-8", "replace"))
    visible = tree.xpath("//text()[not(ancestor::script or ancestor::style or ancestor::template)]")
    aside = [str(value) for value in tree.xpath("//@*")]
    for script in tree.iter("script"):
        aside.extend(_script_strings(script.text or ""))
    return squeeze("".join(visible)) + GAP + GAP.join(squeeze(value) for value in aside)


def _json(source: str | bytes) -> Any:
    """The body as JSON, or None."""
    try:
        return json.loads(source)
    except (ValueError, RecursionError):
        return None


def _tree(source: str | bytes) -> Any:
    """The body as an HTML tree, or None when there is nothing to read in it."""
    data = source.encode("utf-8", "replace") if isinstance(source, str) else source
    parser = html.HTMLParser(encoding="utf-8" if isinstance(source, str) else None, huge_tree=True)
    try:
        return html.document_fromstring(data, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def _strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, without recursion: a hostile body may be very deep."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(reversed(item.values()))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


def _untagged(text: str) -> str:
    """The text of a fragment of HTML; plain text as it is."""
    if "<" not in text and "&" not in text:
        return text
    tree = _tree(f"<div>{text}</div>")
    return text if tree is None else str(tree.xpath("string()"))


def _script_strings(script: str) -> Iterator[str]:
    """The strings written in a script, with their escapes undone and their markup removed."""
    for match in JSON_STRING.finditer(script):
        try:
            value = json.loads(match.group())
        except ValueError:
            continue
        yield _untagged(value)


def _at(source: str, locator: str) -> str:
    """The text at a JSON Pointer or a CSS path (whole nodes); empty when the locator does not lead anywhere."""
    parsed = _json(source)
    if parsed is not None:
        return "".join(_untagged(text) for text in _strings(_pointed(parsed, locator)))
    tree = _tree(source)
    path = SUFFIX.sub("", locator)
    if tree is None or not path:
        return ""
    try:
        nodes = tree.cssselect(path)
    except (SyntaxError, ValueError, etree.XPathError):
        return ""
    aside = [str(value) for node in nodes for value in node.attrib.values()]
    aside.extend(text for node in nodes if node.tag == "script" for text in _script_strings(node.text or ""))
    return "".join(str(node.xpath("string()")) for node in nodes) + GAP + GAP.join(aside)


def _pointed(value: Any, pointer: str) -> Any:
    """The value at an RFC 6901 pointer, or None."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return None
    return value
