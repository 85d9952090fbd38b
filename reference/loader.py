"""Load the data folder into one checked `Reference`. It corrects nothing: a fault is refused at its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from reference.models import (
    Article,
    Benefit,
    Department,
    Field,
    LegalGround,
    Order,
    Platform,
    Profession,
    Reference,
    Stance,
    VerdictReason,
    Wall,
    Watch,
)
from reference.procedure import Council, Deadline, Practice, Route, Step
from reference.schema import (
    Entry,
    Rule,
    choice,
    day,
    digits,
    flag,
    hours,
    link,
    links,
    percents,
    read_file,
    some_texts,
    text,
    texts,
    whole,
)
from reference.text import fold

DATA = Path(__file__).parent / "data"
T = TypeVar("T")

_LIST = Rule(texts, required=False, default=())
_SOME = Rule(some_texts)
_TEXT = Rule(text)
_MAYBE_TEXT = Rule(text, required=False, default="")

RULES: Mapping[str, Mapping[str, Rule]] = {
    "articles": {
        "code": Rule(choice("CSP", "CSS", "CASF", "CP", "CPC")),
        "number": _TEXT,
        "role": Rule(choice("principle", "benefit", "competence", "procedure", "sanction", "offence", "ethics")),
        "title": _TEXT,
        "text": _MAYBE_TEXT,
        "summary": _MAYBE_TEXT,
        "version_date": Rule(day, required=False),
        "repealed_on": Rule(day, required=False),
        "link": Rule(link, required=False, default=""),
        "verified": Rule(flag),
    },
    "councils": {
        "order": _TEXT,
        "level": Rule(choice("interdepartmental", "regional", "interregional", "central")),
        "label": _TEXT,
        "departments": _SOME,
        "verified": Rule(flag),
        "read_on": Rule(day),
    },
    "deadlines": {
        "label": _TEXT,
        "routes": _SOME,
        "from": _TEXT,
        "until": _SOME,
        "amount": Rule(whole(1, 366)),
        "unit": Rule(choice("days", "months")),
        "kind": Rule(choice("law", "house")),
        "article": _TEXT,
        "verified": Rule(flag),
    },
    "practices": {
        "label": _TEXT,
        "modes": _LIST,
        "sectors": _LIST,
        "bars": _LIST,
        "opens": _LIST,
        "orders": _LIST,
        "articles": _LIST,
    },
    "routes": {
        "label": _TEXT,
        "addressee": Rule(choice("council", "national", "cpam", "ars", "ddd", "platform", "practitioner")),
        "order": Rule(choice("needed", "none", "any")),
        "needs": _SOME,
        "articles": _SOME,
        "says": _SOME,
        "never": _SOME,
        "copies": Rule(whole(0, 20)),
        "copies_rule": _TEXT,
        "method": _TEXT,
        "verified": Rule(flag),
    },
    "steps": {"label": _TEXT, "after": _LIST, "closes": Rule(flag, required=False, default=False)},
    "benefits": {
        "label": _TEXT,
        "spellings": _SOME,
        "ambiguous": _LIST,
        "false_friends": _LIST,
        "examples": _SOME,
        "in_force_from": Rule(whole(1945, 2100), required=False),
        "in_force_to": Rule(whole(1945, 2100), required=False),
        "successor": Rule(text, required=False),
        "articles": _LIST,
    },
    "departments": {
        "name": _TEXT,
        "region": _TEXT,
        "kind": Rule(choice("department", "collectivity"), required=False, default="department"),
        "postcodes": Rule(digits, required=False, default=()),
        "shared": Rule(digits, required=False, default=()),
    },
    "fields": {"label": _TEXT, "hint": _TEXT, "own_words": Rule(flag, required=False, default=True)},
    "orders": {
        "label": _TEXT,
        "level": Rule(choice("departmental", "regional", "national")),
        "body_label": _TEXT,
        "body_short": _TEXT,
        "national_body": _TEXT,
        "website": Rule(link),
        "competence": _SOME,
        "code_of_ethics": _SOME,
    },
    "platforms": {
        "label": _TEXT,
        "hosts": _LIST,
        "delay_seconds": Rule(whole(3, 3600)),
        "start_urls": Rule(links, required=False, default=()),
        "default_texts": _LIST,
    },
    "walls": {
        "label": _TEXT,
        "outcome": Rule(choice("blocked", "rate_limited", "consent", "login", "server_error", "not_found")),
        "headers": _LIST,
        "marks": _LIST,
        "titles": _LIST,
        "words": _LIST,
        "hints": _LIST,
        "keys": _LIST,
    },
    "professions": {
        "label": _TEXT,
        "aliases": _SOME,
        "order": Rule(text, required=False),
        "rpps_codes": _LIST,
        "code_of_ethics": _LIST,
        "examples": _SOME,
    },
    "stances": {"label": _TEXT, "meaning": _TEXT, "flagged": Rule(flag), "severity": Rule(whole(0, 5))},
    "watch": {
        "label": _TEXT,
        "usual_days": Rule(whole(1, 365)),
        "shortest_days": Rule(whole(1, 365)),
        "longest_days": Rule(whole(1, 365)),
        "night": Rule(hours, required=False, default=""),
        "daily_budget": Rule(whole(1, 1_000_000)),
        "expected_listings": Rule(whole(0, 10_000_000), required=False, default=0),
        "coverage": Rule(percents),
    },
    "verdict_reasons": {
        "label": _TEXT,
        "decision": Rule(choice("confirm", "dismiss", "doubt")),
        "hint": _TEXT,
        "stance": Rule(text, required=False),
        "ground": Rule(text, required=False),
    },
    "legal_grounds": {"label": _TEXT, "meaning": _TEXT},
}

Raw = Mapping[str, Mapping[str, Entry]]


@cache
def load_reference() -> Reference:
    """The reference shipped with the software, read once. Raises `BadReference` when a file of it is faulty."""
    return load(DATA)


def load(folder: Path) -> Reference:
    """The reference of one data folder. Raises `BadReference(path, line, message)` at the first fault."""
    raw = {name: read_file(folder / f"{name}.yaml", rules) for name, rules in RULES.items()}
    _check_articles(raw["articles"].values())
    _check_references(raw)
    _check_benefits(raw["benefits"].values())
    _check_watch(raw)
    orders = _build(raw["orders"], Order)
    return Reference(
        benefits=_build(raw["benefits"], Benefit),
        professions=_build(raw["professions"], Profession, lambda e: _ethics(e, orders), unique=_profession_names),
        orders=orders,
        departments=_build(raw["departments"], Department, _postcodes, unique=lambda e: _postcodes(e)["postcodes"]),
        platforms=_build(raw["platforms"], Platform),
        walls=_build(raw["walls"], Wall),
        articles=_build(raw["articles"], Article, key="id"),
        fields=_build(raw["fields"], Field),
        councils=_build(raw["councils"], Council, unique=_places),
        deadlines=_build(raw["deadlines"], Deadline, _from_step),
        practices=_build(raw["practices"], Practice),
        routes=_build(raw["routes"], Route),
        steps=_build(raw["steps"], Step),
        stances=_build(raw["stances"], Stance, unique=lambda e: (str(e.values["severity"]),)),
        verdict_reasons=_build(raw["verdict_reasons"], VerdictReason),
        watch=_build(raw["watch"], Watch),
        legal_grounds=_build(raw["legal_grounds"], LegalGround),
    )


def _build(
    entries: Mapping[str, Entry],
    kind: type[T],
    more: Callable[[Entry], dict[str, Any]] = lambda _: {},
    *,
    key: str = "code",
    unique: Callable[[Entry], Iterable[str]] = lambda _: (),
) -> Mapping[str, T]:
    taken: dict[str, str] = {}
    built: dict[str, T] = {}
    for entry in entries.values():
        for name in unique(entry):
            other = taken.setdefault(name, entry.code)
            if other != entry.code:
                raise entry.fault("", f"« {name} » of entry « {entry.code} » already belongs to « {other} »")
        values = {key: entry.code, **entry.values, **more(entry)}
        values.pop("from", None)  # a word of Python: the field has another name
        built[entry.code] = kind(**values)
    return MappingProxyType(built)


def _ethics(entry: Entry, orders: Mapping[str, Order]) -> dict[str, Any]:
    order = entry.values["order"]
    own = entry.values["code_of_ethics"]
    return {"code_of_ethics": own or (orders[str(order)].code_of_ethics if order else ())}


def _profession_names(entry: Entry) -> set[str]:
    names = (entry.code, str(entry.values["label"]), *_list(entry, "aliases"))
    return {fold(name) for name in names}


def _postcodes(entry: Entry) -> dict[str, Any]:
    return {"postcodes": _list(entry, "postcodes") or (entry.code,)}


def _places(entry: Entry) -> tuple[str, ...]:
    """What a council alone may hold: a department of its Order."""
    return tuple(f"{entry.values['order']}/{department}" for department in _list(entry, "departments"))


def _from_step(entry: Entry) -> dict[str, Any]:
    return {"from_step": entry.values["from"]}


def _check_references(raw: Raw) -> None:
    """Every code that an entry names exists."""
    for table, key, target in (
        ("professions", "order", "orders"),
        ("professions", "code_of_ethics", "articles"),
        ("orders", "competence", "articles"),
        ("orders", "code_of_ethics", "articles"),
        ("benefits", "articles", "articles"),
        ("benefits", "successor", "benefits"),
        ("verdict_reasons", "stance", "stances"),
        ("verdict_reasons", "ground", "legal_grounds"),
        ("councils", "order", "orders"),
        ("councils", "departments", "departments"),
        ("deadlines", "routes", "routes"),
        ("deadlines", "from", "steps"),
        ("deadlines", "until", "steps"),
        ("deadlines", "article", "articles"),
        ("practices", "bars", "routes"),
        ("practices", "opens", "routes"),
        ("practices", "orders", "orders"),
        ("practices", "articles", "articles"),
        ("routes", "articles", "articles"),
        ("steps", "after", "steps"),
    ):
        for entry in raw[table].values():
            value = entry.values[key]
            if isinstance(value, str) and value not in raw[target]:
                raise entry.fault(key, f"« {key} » names « {value} », which is not among the {target}")
            for i, code in enumerate(_list(entry, key)):
                if code not in raw[target]:
                    raise entry.fault(f"{key}.{i}", f"« {key} » names « {code} », which is not among the {target}")


def _check_watch(raw: Raw) -> None:
    """Every entry is a platform, « default » is there, and the days grow."""
    for entry in raw["watch"].values():
        if entry.code != "default" and entry.code not in raw["platforms"]:
            raise entry.fault("", f"« {entry.code} » is not among the platforms")
        days = [int(str(entry.values[key])) for key in ("shortest_days", "usual_days", "longest_days")]
        if days != sorted(days):
            raise entry.fault("usual_days", "the days must grow: shortest, usual, longest")
    if "default" not in raw["watch"]:
        raise next(iter(raw["watch"].values())).fault("", "an entry « default » is missing")


def _check_articles(entries: Iterable[Entry]) -> None:
    for entry in entries:
        if not (entry.values["text"] or entry.values["summary"]):
            raise entry.fault("", f"article « {entry.code} » has neither « text » nor « summary »")


def _check_benefits(entries: Iterable[Entry]) -> None:
    for entry in entries:
        first, last = entry.values["in_force_from"], entry.values["in_force_to"]
        if isinstance(first, int) and isinstance(last, int) and last < first:
            raise entry.fault("in_force_to", f"benefit « {entry.code} » ends before it begins")
        for i, spelling in enumerate(_list(entry, "ambiguous")):
            if spelling not in _list(entry, "spellings"):
                raise entry.fault(f"ambiguous.{i}", f"« {spelling} » is not among the spellings of « {entry.code} »")


def _list(entry: Entry, key: str) -> tuple[str, ...]:
    value = entry.values[key]
    return value if isinstance(value, tuple) else ()
