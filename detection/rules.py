"""Load rules and rewrites written in YAML, refusing malformed ones by path and line; it must not read a passage."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from detection.lexicon import BadRules, compose, entries, strings
from detection.patterns import BadPattern, Pattern, compile_pattern
from detection.reading import STANCES

#: The ladder a rule climbs, and where it ends: a deprecated rule is kept for the record and reads nothing.
STATUSES = ("experimental", "test", "stable", "deprecated")
_TRIGGER = re.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True)
class Example:
    """A worked example: its text without markup, and the trigger that was marked in it."""

    text: str
    trigger: str
    field: str
    line: int
    stance: str


@dataclass(frozen=True)
class Rule:
    """One way of wording one stance. Among the rules that read one mention, the greatest weight wins."""

    id: str
    status: str
    stance: str
    weight: int
    description: str
    reason: str
    patterns: tuple[Pattern, ...]
    unless: frozenset[str]
    needs: frozenset[str]
    fields: frozenset[str]
    false_positives: str
    matching: tuple[Example, ...]
    non_matching: tuple[Example, ...]
    path: Path = field(compare=False)
    line: int = field(compare=False)


@dataclass(frozen=True)
class Rewrite:
    """What a layer makes of a pattern: one token of this tag (``-`` drops it)."""

    pattern: Pattern
    tag: str


@dataclass(frozen=True)
class RuleBook:
    """All rules, all layers of rewrites, and a digest of the files they came from."""

    rules: tuple[Rule, ...]
    layers: tuple[tuple[Rewrite, ...], ...]
    digest: str

    @property
    def words(self) -> frozenset[str]:
        """Every word that a pattern asks for by itself."""
        patterns = [p for rule in self.rules for p in rule.patterns] + [
            r.pattern for layer in self.layers for r in layer
        ]
        return frozenset(word for pattern in patterns for word in pattern.words)


def _scalar(path: Path, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise BadRules(path, node.start_mark.line + 1, "a text is expected here")
    return str(node.value)


def _compile(path: Path, source: str, line: int) -> Pattern:
    try:
        return compile_pattern(source)
    except BadPattern as error:
        raise BadRules(path, line, str(error)) from error


def parse_example(path: Path, line: int, text: str, stance: str, *, marked: bool) -> Example:
    """Read ``field| text with [trigger]``; a matching example without exactly one trigger is an error."""
    place, bar, rest = text.partition("| ")
    passage_field, marked_text = (place, rest) if bar and place.isalpha() else ("presentation", text)
    triggers = _TRIGGER.findall(marked_text)
    if marked_text.count("[") != marked_text.count("]") or len(triggers) != marked_text.count("["):
        raise BadRules(path, line, "unbalanced [ ] in the example")
    if marked and len(triggers) != 1:
        raise BadRules(path, line, "a matching example marks one [trigger]")
    if not marked and triggers:
        raise BadRules(path, line, "a non-matching example marks no trigger")
    return Example(_TRIGGER.sub(r"\1", marked_text), triggers[0] if triggers else "", passage_field, line, stance)


def _examples(path: Path, node: yaml.Node, stance: str, *, marked: bool) -> tuple[Example, ...]:
    found = []
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise BadRules(path, node.start_mark.line + 1, "a list of examples is expected here")
    for item in node.value:
        line = item.start_mark.line + 1
        if isinstance(item, yaml.MappingNode) and not marked:
            values = {key: _scalar(path, value) for key, value in entries(path, item)}
            if set(values) != {"text", "stance"} or values["stance"] not in STANCES:
                raise BadRules(path, line, "a non-matching example is a text, or {text, stance}")
            found.append(parse_example(path, line, values["text"], values["stance"], marked=False))
        else:
            found.append(parse_example(path, line, _scalar(path, item), stance if marked else "", marked=marked))
    return tuple(found)


_KEYS = frozenset({
    "id", "status", "stance", "weight", "description", "reason", "patterns", "unless", "needs", "fields",
    "false_positives", "matching", "non_matching",
})  # fmt: skip
_OPTIONAL = frozenset({"unless", "needs", "fields"})
_LISTS = frozenset({"patterns", "matching", "non_matching"})


def _rule(path: Path, node: yaml.Node) -> Rule:
    line = node.start_mark.line + 1
    parts: Mapping[str, yaml.Node] = dict(entries(path, node))
    for key in parts:
        if key not in _KEYS:
            raise BadRules(path, parts[key].start_mark.line + 1, f"unknown key « {key} »")
    if missing := sorted(_KEYS - _OPTIONAL - set(parts)):
        raise BadRules(path, line, f"missing: {', '.join(missing)}")
    text = {key: _scalar(path, parts[key]) for key in sorted(_KEYS - _OPTIONAL - _LISTS)}
    if text["status"] not in STATUSES:
        raise BadRules(path, parts["status"].start_mark.line + 1, f"unknown status « {text['status']} »")
    if text["stance"] not in STANCES[1:]:
        raise BadRules(path, parts["stance"].start_mark.line + 1, f"unknown stance « {text['stance']} »")
    if not text["weight"].isdigit():
        raise BadRules(path, parts["weight"].start_mark.line + 1, "weight is a whole number")
    sets = {key: frozenset(s for s, _ in strings(path, parts[key])) for key in _OPTIONAL & parts.keys()}
    return Rule(
        id=text["id"],
        status=text["status"],
        stance=text["stance"],
        weight=int(text["weight"]),
        description=text["description"],
        reason=text["reason"],
        patterns=tuple(_compile(path, source, at) for source, at in strings(path, parts["patterns"])),
        unless=sets.get("unless", frozenset()),
        needs=sets.get("needs", frozenset()),
        fields=sets.get("fields", frozenset()),
        false_positives=text["false_positives"],
        matching=_examples(path, parts["matching"], text["stance"], marked=True),
        non_matching=_examples(path, parts["non_matching"], "", marked=False),
        path=path,
        line=line,
    )


def load_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of one file."""
    node = compose(path)
    if not isinstance(node, yaml.SequenceNode):
        raise BadRules(path, node.start_mark.line + 1, "a list of rules is expected here")
    return tuple(_rule(path, item) for item in node.value)


def load_rewrites(path: Path) -> tuple[tuple[Rewrite, ...], ...]:
    """The layers of the rewrites' file, in order."""
    node = compose(path)
    if not isinstance(node, yaml.SequenceNode):
        raise BadRules(path, node.start_mark.line + 1, "a list of layers is expected here")
    layers = []
    for item in node.value:
        parts = dict(entries(path, item))
        if set(parts) != {"layer", "rewrites"}:
            raise BadRules(path, item.start_mark.line + 1, "a layer has the keys layer and rewrites")
        layer = []
        for rewrite in parts["rewrites"].value:
            pair = {key: _scalar(path, value) for key, value in entries(path, rewrite)}
            line = rewrite.start_mark.line + 1
            if set(pair) != {"match", "tag"}:
                raise BadRules(path, line, "a rewrite has the keys match and tag")
            layer.append(Rewrite(_compile(path, pair["match"], line), pair["tag"]))
        layers.append(tuple(layer))
    return tuple(layers)


def load_rulebook(folder: Path, lexicon: Path) -> RuleBook:
    """Every rule file of a folder with its ``rewrites.yaml``; two rules of one id are an error."""
    rules: dict[str, Rule] = {}
    if not folder.is_dir():
        raise BadRules(folder, 1, "no such folder of rules")
    files = sorted(folder.glob("*.yaml"))
    for path in files:
        if path.name == "rewrites.yaml":
            continue
        for rule in load_rules(path):
            if rule.id in rules:
                raise BadRules(path, rule.line, f"« {rule.id} » is already the id of another rule")
            rules[rule.id] = rule
    digest = hashlib.sha256()
    for path in [*files, *sorted(lexicon.glob("*.yaml"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return RuleBook(tuple(rules.values()), load_rewrites(folder / "rewrites.yaml"), digest.hexdigest())
