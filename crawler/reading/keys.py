"""What each key of a platform's answers is: practitioner wording, the practitioner, or ignored for a stated reason.

Strict interpretation: a text under a key that no table names is not lost: it becomes a passage, noted as unknown.
Patterns are JSON Pointers in which `*` is any one step and `**` any number of steps; the pattern with most steps wins,
`**` counting for none.
This module holds no platform's table and reads no page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from crawler.items import FoundPassage
from crawler.reading.locators import strings
from crawler.reading.pieces import without_author
from crawler.reading.texts import to_text

PRACTITIONER = "practitioner"
IGNORE = "ignore"
UNKNOWN = "unknown"
IsDefault = Callable[[str], bool]

# Reasons that several platforms share for leaving a key out.
OF_PLATFORM = "drawn by the platform, the same on every page"
LISTED = "the platform's list of specialities"
CODE = "a code or an identifier"
ADDRESS = "part of the address"
OTHERS = "the name of a person or house, shown elsewhere; names are not wording"
CONTACT = "a way to reach the practice, kept with the practitioner"
AUTHOR = "who wrote a review: never kept"

_INDEX = re.compile(r"/\d+(?=/|$)")
_REVIEW = re.compile(r"/(?:[a-z]*reviews?|avis|testimonials?|temoignages?|ratings?)(?:/|$)", re.IGNORECASE)
_AUTHOR = re.compile(
    r"(?:author|auteur|user|reviewer|patient|first_?name|last_?name|full_?name|name|nom|prenom|pseudo|initials?|email)"
    r"(?:_?(?:name|label))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rule:
    """What the tables say of one leaf. `detail`: the guide's field, or the reason for leaving it out."""

    use: str
    detail: str
    subtree: bool = False  # the pattern ends in `**`: codes and numbers below it are not wording


@dataclass(frozen=True)
class Kind:
    """The table of one kind of answer: patterns of wording by the guide's field, of the practitioner, of the rest."""

    passages: Mapping[str, str]  # pattern: field
    shown: str = ""  # patterns with spaces between them
    ignored: Mapping[str, str] = field(default_factory=dict)  # pattern: reason


@dataclass(frozen=True)
class Part:
    """A part of an answer that speaks of one listing: its kind, the locator of `value` in the body, and the value.

    `hidden`: pointers below `value` that the platform shows to nobody. `alias`: how a pointer is looked up.
    """

    kind: str
    at: str
    value: Any
    hidden: tuple[str, ...] = ()
    alias: Callable[[str], str] = str


def patterns(**by_name: str) -> dict[str, str]:
    """A table written short: `patterns(motive="/a /b/*")` is `{"/a": "motive", "/b/*": "motive"}`."""
    return {pattern: name for name, listed in by_name.items() for pattern in listed.split()}


def ignoring(*groups: tuple[str, str]) -> dict[str, str]:
    """The same for what is ignored: pairs of a reason and its patterns."""
    return {pattern: reason for reason, listed in groups for pattern in listed.split()}


def _regex(pattern: str) -> re.Pattern[str]:
    steps = [
        r"(?:/[^/]*)*" if s == "**" else r"/[^/]*" if s == "*" else "/" + re.escape(s) for s in pattern.split("/")[1:]
    ]
    return re.compile("".join(steps))


class Keys:
    """The tables of one platform, by kind of answer."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        """Compile the tables once."""
        self.kinds = kinds
        self._rules = {name: self._compile(kind) for name, kind in kinds.items()}
        self._known: Callable[[str, str], Rule] = lru_cache(maxsize=4096)(self._look_up)

    @staticmethod
    def _compile(kind: Kind) -> list[tuple[re.Pattern[str], Rule]]:
        rules = [(p, Rule("passage", name, p.endswith("**"))) for p, name in kind.passages.items()]
        rules += [(p, Rule(PRACTITIONER, "")) for p in kind.shown.split()]
        rules += [(p, Rule(IGNORE, reason)) for p, reason in kind.ignored.items()]
        rules.sort(key=lambda rule: -sum(step != "**" for step in rule[0].split("/")))
        return [(_regex(pattern), rule) for pattern, rule in rules]

    def rule_of(self, kind: str, pointer: str) -> Rule:
        """The rule for a leaf of an answer of that kind; an unnamed leaf is `UNKNOWN`, read as a presentation.

        An unnamed leaf under reviews is a patient's: field `review`, and nothing of who wrote it.
        """
        return self._known(kind, _INDEX.sub("/0", pointer))

    def _look_up(self, kind: str, pointer: str) -> Rule:
        for pattern, rule in self._rules[kind]:
            if pattern.fullmatch(pointer):
                return rule
        if _REVIEW.search(pointer):
            last = [step for step in pointer.split("/") if step != "0"][-1]
            return Rule(IGNORE, AUTHOR) if _AUTHOR.fullmatch(last) else Rule("passage", "review", subtree=True)
        return Rule(UNKNOWN, "presentation", subtree=True)

    def read(self, parts: Iterable[Part], is_default: IsDefault) -> tuple[tuple[FoundPassage, ...], tuple[str, ...]]:
        """The wording of the parts of an answer, and the locators of what stands under keys no table names."""
        found: dict[str, FoundPassage] = {}
        unknown: list[str] = []
        for part in parts:
            for pointer, raw in strings(part.value):
                if any(pointer == hidden or pointer.startswith(hidden + "/") for hidden in part.hidden):
                    continue
                rule = self.rule_of(part.kind, part.alias(pointer))
                if rule.use not in ("passage", UNKNOWN):
                    continue
                for locator, leaf in _written_inside(part.at + pointer, raw):
                    passage = _passage(rule, locator, leaf, is_default)
                    if passage is None or locator in found:  # two keys may differ only in what no database takes
                        continue
                    found[locator] = passage
                    if rule.use == UNKNOWN:
                        unknown.append(locator)
        return tuple(found.values()), tuple(unknown)


def _passage(rule: Rule, locator: str, raw: str, is_default: IsDefault) -> FoundPassage | None:
    if rule.subtree and machine_value(raw.strip()):
        return None
    text = to_text(raw)
    if rule.detail == "review":
        text = without_author(text)
    return FoundPassage(rule.detail, locator, text) if text and not is_default(text) else None


def _written_inside(locator: str, raw: str) -> Iterable[tuple[str, str]]:
    """A text that is itself JSON (a list of texts typed into one field) as its own texts, else as it is."""
    if raw.lstrip()[:1] in ("[", "{"):
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            return ((locator, raw),)
        if isinstance(value, list | dict):
            return tuple(strings(value, f"{locator}#"))
    return ((locator, raw),)


_MACHINE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("no letter in it", re.compile(r"[^A-Za-zÀ-ÿ]*")),
    ("an address on the web", re.compile(r"(?:https?:)?/{1,2}\S*|[\w.+-]+@[\w-]+\.[\w.]+", re.IGNORECASE)),
    ("a time", re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.+-]+Z?")),
    ("opening hours as a code", re.compile(r"(?:[A-Z][a-z](?:[-,][A-Z][a-z])*)?[\s\d:,.-]*")),
    ("a code", re.compile(r"[a-z0-9]+(?:[_.:;-][a-z0-9]+)*|[A-Z0-9]+(?:_[A-Z0-9]+)+|#[0-9a-fA-F]{3,8}")),
    ("an identifier", re.compile(r"(?=\S*\d)[A-Za-z0-9_-]{16,}")),
)
_BENEFIT = re.compile(r"(?<![a-z])(?:cmu|c2s|acs|ame)(?![a-z])", re.IGNORECASE)  # « non-cmu » is no code


def machine_value(text: str) -> str:
    """Why a value was not written by a person (a code, a time, an address…), or "" when it may have been."""
    if _BENEFIT.search(text):
        return ""
    return next((reason for reason, pattern in _MACHINE if pattern.fullmatch(text)), "")
