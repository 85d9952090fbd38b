"""Fifty breakages of a platform's templates, each put into one run, and two hundred clean runs: what the watchmen say.

Pages are the practice platform's, read by the real parser; a breakage renames a JSON key or a class, drops a script,
cuts, garbles, empties or walls the pages, on all of them or on a part. Only breakages that change what is read count.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from crawler.outcomes import Outcome, classify
from crawler.parsers import parser_of
from crawler.reading import Unreadable
from crawler.sandbox import Sandbox, pages
from crawler.sandbox.server import Platform
from crawler.watching import SHOWN, Facts, Read, add_up, judge, shape_of
from ledger.warc import Exchange
from reference import load_reference

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
Break = Callable[[Exchange], Exchange]


@dataclass(frozen=True)
class Breakage:
    """One way in which a template breaks; `share` of the answers it touches."""

    name: str
    apply: Break
    share: float = 1.0


@dataclass
class Found:
    """What the watchmen said."""

    breakages: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)
    clean: int = 0
    false_alarms: list[str] = field(default_factory=list)


def answers(world: Sandbox, number: int) -> list[Exchange]:
    """The answers of one listing: page, JSON and booking answer of a profile; the pages of a practice's site."""
    person, platform = world.person(number), Platform(world)
    host = "https://www.doctolib.fr"
    paths = [
        f"/{person.speciality_slug}/{person.city_slug}/{person.slug}",
        f"/profiles/{person.slug}.json",
        f"/online_booking/api/slot_selection_funnel/v1/info.json?profile_slug={person.slug}&locale=fr",
    ]
    if person.is_site:
        host = "https://exemple.fr"
        paths = [f"/sites/{person.slug}/{name}" for name in pages.site_pages(world, number)]
    found = []
    for path in paths:
        answer = platform.answer("GET", path, b"")
        headers = (("Content-Type", answer.kind),)
        found.append(Exchange(f"{host}{path}", "GET", (), b"", answer.status, "", headers, answer.body, MOMENT))
    return found


def read(exchange: Exchange) -> tuple[str, list[Read]]:
    """The outcome of an answer, and what is read in it."""
    outcome, _ = classify(exchange)
    if outcome is not Outcome.PAGE:
        return str(outcome), []
    shape = shape_of(exchange.url, exchange.content_type)
    platform = "doctolib" if "doctolib" in exchange.url else "practice_site"
    readings = []
    try:
        for one in parser_of(platform).parse(exchange):
            facts = vars(one.shown) if one.shown else {}
            shown = frozenset(name for name in SHOWN if facts.get("display_name" if name == "name" else name))
            readings.append(Read(shape, one.key, shown, tuple((p.field, p.text, False) for p in one.passages)))
    except Unreadable:
        return "unreadable", []
    return str(outcome), readings


class Pool:
    """The answers of a world and what is read in them, read once."""

    def __init__(self, listings: int, platform: str = "doctolib", seed: int = 1) -> None:
        world = Sandbox(seed=seed, listings=listings)
        sites = platform == "practice_site"
        numbers = [number for number in range(30, listings) if world.person(number).is_site is sites]
        self.platform = platform
        self.exchanges = {number: answers(world, number) for number in numbers}
        self.readings = {number: [read(one) for one in found] for number, found in self.exchanges.items()}
        self.numbers = numbers


def facts_of_run(pool: Pool, rng: random.Random, breakage: Breakage | None = None) -> Facts:
    """One run of a changing population; with a breakage, on the share of the answers that it touches."""
    whole = [number for number in pool.numbers if rng.random() > 0.03]
    outcomes: dict[str, int] = {"robots": 1, "redirect": rng.randint(0, 3), "not_found": rng.randint(0, 3)}
    readings: list[Read] = []
    keys: set[str] = set()
    facts = Facts(complete=True)
    for number in whole:
        for exchange, (outcome, known) in zip(pool.exchanges[number], pool.readings[number], strict=True):
            broken = breakage is not None and rng.random() < breakage.share
            said = known
            if breakage is not None and broken:
                outcome, said = read(breakage.apply(exchange))
            elif rng.random() < 0.03:
                outcome, said = rng.choice(["server_error", "blocked", "no_answer"]), []
            changed = _new(known, said) if broken else rng.random() < 0.02
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            facts.revisited += outcome == "page"
            facts.unreadable += outcome == "unreadable"
            facts.changed += bool(changed) and outcome == "page"
            facts.emptied += outcome == "page" and bool(known) and not said
            earlier = {(one.key, text) for one in known for _, text, _ in one.passages}
            for one in said:
                passages = tuple((name, text, (one.key, text) not in earlier) for name, text, _ in one.passages)
                readings.append(replace(one, passages=passages))
                keys.add(one.key)
    facts.outcomes, facts.listings = outcomes, len(keys)
    return add_up(facts, readings)


def _new(known: list[Read], said: list[Read]) -> bool:
    return [(one.key, one.passages) for one in known] != [(one.key, one.passages) for one in said]


def _rename_key(key: str, exchange: Exchange) -> Exchange:
    return replace(exchange, body=exchange.body.replace(f'"{key}":'.encode(), f'"{key}_v2":'.encode()))


def _rename_word(old: str, new: str, exchange: Exchange) -> Exchange:
    if "html" not in exchange.content_type:
        return exchange
    return replace(exchange, body=exchange.body.replace(old.encode(), new.encode()))


def _body(body: bytes, exchange: Exchange) -> Exchange:
    return replace(exchange, body=body)


def _edit(change: Callable[[str], str], exchange: Exchange) -> Exchange:
    return replace(exchange, body=change(exchange.body.decode("utf-8")).encode("utf-8"))


def _add_everywhere(text: str, exchange: Exchange) -> Exchange:
    """The platform adds its own wording to every JSON answer's longest texts."""
    if "json" not in exchange.content_type:
        return exchange
    value = json.loads(exchange.body)

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: walk(part) for key, part in node.items()}
        if isinstance(node, list):
            return [walk(part) for part in node]
        return text if isinstance(node, str) and len(node) > 30 and " " in node else node

    return replace(exchange, body=json.dumps(walk(value)).encode())


def _words_of(pool: Pool) -> tuple[set[str], set[str]]:
    """JSON keys, and classes, ids and other attributes' values, that the answers are made of."""
    keys: set[str] = set()
    marks: set[str] = set()
    for number in pool.numbers[:12]:
        for exchange in pool.exchanges[number]:
            text = exchange.body.decode("utf-8")
            if "json" in exchange.content_type:
                keys |= set(re.findall(r'"([A-Za-z_]+)":', text))
            else:
                marks |= set(re.findall(r'(?:class|id|itemprop|data-[a-z-]+)="[^"]{2,60}"', text))
                marks |= set(re.findall(r"<(h1|h2|h3|dl|dt|dd|li|p|address|section|article|main)\b", text))
    return keys, marks


def breakages(pool: Pool) -> Iterator[Breakage]:
    """Every breakage that is tried; some change nothing that is read."""
    keys, marks = _words_of(pool)
    for key in sorted(keys):
        yield Breakage(f"key {key}", partial(_rename_key, key))
        yield Breakage(f"key {key} on two thirds", partial(_rename_key, key), 0.67)
        yield Breakage(f"key {key} on nearly all", partial(_rename_key, key), 0.9)
    for mark in sorted(marks):
        if "=" in mark:
            yield Breakage(f"mark {mark}", partial(_rename_word, mark, mark.replace('="', '="x-')))
        else:
            yield Breakage(f"tag {mark}", partial(_edit_tag, mark))
    shell = b'<!doctype html><html><head><title>App</title></head><body><div id="root"></div></body></html>'
    yield Breakage("pages without content", partial(_body, shell))
    yield Breakage("half the pages without content", partial(_body, shell), 0.5)
    yield Breakage("empty objects", partial(_body, b"{}"))
    yield Breakage("script of structured data gone", partial(_edit, lambda t: t.replace("application/ld+json", "x/y")))
    yield Breakage("cut in half", partial(_edit, lambda text: text[: len(text) // 2]))
    yield Breakage("decoded twice", partial(_edit, lambda text: text.encode("utf-8").decode("latin-1")))
    yield Breakage(
        "one text everywhere", partial(_add_everywhere, "Ce soignant accepte la carte Vitale et Mon espace.")
    )
    yield Breakage("login wall", partial(_body, b'<html><body>Identifiez-vous<input type="password"></body></html>'))
    challenge = b"<html><body>Just a moment... checking your browser</body></html>"
    yield Breakage("challenge", partial(_body, challenge), 0.4)
    yield Breakage("server errors", lambda exchange: replace(exchange, status=500, body=b"<html>oups</html>"), 0.5)


def _redesigns() -> Iterator[Breakage]:
    """What a platform does to all its templates at once when it changes its tools."""
    yield Breakage("class names by a tool", partial(_markup, r'class="([^"]+)"', 'class="css-1x9f"'))
    yield Breakage("headings are divisions", partial(_markup, r"(</?)h[1-6]\b", r"\1div"))
    yield Breakage("lists are divisions", partial(_markup, r"(</?)(?:ul|ol|li|dl|dt|dd)\b", r"\1div"))
    yield Breakage(
        "body drawn by a script", partial(_markup, r"(?s)<body.*</body>", '<body><div id="app"></div></body>')
    )
    yield Breakage(
        "texts in attributes", partial(_markup, r"<(p|li|dd)\b[^>]*>([^<]{3,})</\1>", r'<\1 data-text="\2"></\1>')
    )
    yield Breakage("markup escaped", partial(_markup, r"<(/?(?:p|li|dd|h1|h2|h3)\b[^>]*)>", r"&lt;\1&gt;"))
    yield Breakage(
        "answers in an envelope", partial(_json_edit, lambda value: {"result": {"version": 3, "body": value}})
    )
    yield Breakage("keys in the other case", partial(_json_edit, partial(_walk, _other_case, None)))
    yield Breakage(
        "texts withheld", partial(_json_edit, partial(_walk, None, lambda text: None if " " in text else text))
    )
    yield Breakage(
        "texts as numbers of a dictionary", partial(_json_edit, partial(_walk, None, lambda text: f"t{len(text)}"))
    )
    yield Breakage("lists by number", partial(_json_edit, _numbered))


def _markup(pattern: str, to: str, exchange: Exchange) -> Exchange:
    if "html" not in exchange.content_type:
        return exchange
    return replace(exchange, body=re.sub(pattern, to, exchange.body.decode("utf-8")).encode("utf-8"))


def _json_edit(change: Callable[[Any], Any], exchange: Exchange) -> Exchange:
    if "json" not in exchange.content_type:
        return exchange
    return replace(exchange, body=json.dumps(change(json.loads(exchange.body)), ensure_ascii=False).encode("utf-8"))


def _walk(key_of: Callable[[str], str] | None, text_of: Callable[[str], Any] | None, node: Any) -> Any:
    if isinstance(node, dict):
        return {key_of(key) if key_of else key: _walk(key_of, text_of, part) for key, part in node.items()}
    if isinstance(node, list):
        return [_walk(key_of, text_of, part) for part in node]
    return text_of(node) if text_of and isinstance(node, str) else node


def _other_case(key: str) -> str:
    """`snake_case` for `camelCase`, and the other way round."""
    if "_" in key:
        return re.sub(r"_(\w)", lambda one: one[1].upper(), key)
    return re.sub(r"[A-Z]", lambda one: f"_{one[0].lower()}", key)


def _numbered(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _numbered(part) for key, part in node.items()}
    return {str(n): _numbered(part) for n, part in enumerate(node)} if isinstance(node, list) else node


def _edit_tag(tag: str, exchange: Exchange) -> Exchange:
    if "html" not in exchange.content_type:
        return exchange
    text = exchange.body.decode("utf-8")
    return replace(exchange, body=re.sub(rf"(</?){tag}\b", r"\1x-new", text).encode("utf-8"))


def is_felt(pool: Pool, breakage: Breakage, sample: int = 25) -> bool:
    """True when the breakage changes what is read, in a third at least of the answers of one kind it could touch."""
    touched: dict[int, int] = {}
    for number in pool.numbers[:sample]:
        for place, exchange in enumerate(pool.exchanges[number]):
            broken = breakage.apply(exchange)
            if broken.body != exchange.body or broken.status != exchange.status:
                outcome, said = read(broken)
                lost = outcome != pool.readings[number][place][0] or _fields(said) != _fields(
                    pool.readings[number][place][1]
                )
                touched[place] = touched.get(place, 0) + lost
    return max(touched.values(), default=0) >= sample / 3


def _fields(said: list[Read]) -> list[tuple[frozenset[str], frozenset[str]]]:
    return [(one.shown, frozenset(name for name, _, _ in one.passages)) for one in said]


def watch(pool: Pool, *, wanted: int, clean: int, seed: int = 3) -> Found:
    """Four clean runs first, then each breakage in a run of its own, then clean runs in a row with their own past."""
    rng = random.Random(seed)
    watch_of = load_reference().watch_of(pool.platform)
    past = [facts_of_run(pool, rng) for _ in range(4)]
    found = Found()
    candidates = list(breakages(pool))
    random.Random(seed).shuffle(candidates)
    for breakage in (*candidates, *_redesigns()):
        if found.breakages == wanted:
            break
        if not is_felt(pool, breakage):
            continue
        found.breakages += 1
        alarms = judge(facts_of_run(pool, rng, breakage), past, watch_of)
        found.found += bool(alarms)
        if not alarms:
            found.missed.append(breakage.name)
    for _ in range(clean):
        facts = facts_of_run(pool, rng)
        alarms = judge(facts, past, watch_of)
        found.clean += 1
        found.false_alarms += [f"{one.kind}: {one.text}" for one in alarms]
        past = [*past[-7:], facts]
    return found


def main() -> None:
    """The level of the issue: 50 of 50 found in their own run, no alarm in 200 clean runs."""
    whole = Found()
    for platform, listings, wanted in (("doctolib", 140, 40), ("practice_site", 260, 10)):
        found = watch(Pool(listings, platform), wanted=wanted, clean=100)
        whole.breakages, whole.found = whole.breakages + found.breakages, whole.found + found.found
        whole.clean += found.clean
        whole.missed += [f"{platform}: {one}" for one in found.missed]
        whole.false_alarms += [f"{platform}: {one}" for one in found.false_alarms]
    print(
        f"watchmen: {whole.found} of {whole.breakages} breakages found in their own run, "
        f"{len(whole.false_alarms)} alarms in {whole.clean} clean runs"
    )
    for line in [*whole.missed, *whole.false_alarms][:20]:
        print("  ", line)


if __name__ == "__main__":
    main()
