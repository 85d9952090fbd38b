"""Check the shape of one YAML data file, with the line of every fault. It knows no entry and follows no reference.

A data file is a mapping: `source` (the default of its entries) and `entries`, a mapping from code to entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from reference.errors import VigieError

Value = str | int | float | bool | date | tuple[str, ...] | None

_STR = "tag:yaml.org,2002:str"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_KINDS = {"int": "a number", "float": "a number", "bool": "yes or no", "null": "nothing", "timestamp": "a date"}


class BadReference(VigieError):
    """A reference file does not say what it must; the text is « path:line: message »."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line
        self.message = message

    def __reduce__(self) -> tuple[type[BadReference], tuple[Path, int, str]]:
        return type(self), (self.path, self.line, self.message)


@dataclass(frozen=True)
class Rule:
    """How one key of an entry is read. A missing key without `required` takes `default`."""

    read: Callable[[Path, yaml.Node, str], Value]
    required: bool = True
    default: Value = None


@dataclass(frozen=True)
class Entry:
    """One entry as read: its values by key, and the line of each, of each list item (`key.0`), and of its code (``)."""

    path: Path
    code: str
    values: Mapping[str, Value]
    lines: Mapping[str, int]

    def fault(self, key: str, message: str) -> BadReference:
        """The error to raise for the value of `key` (or `key.N`), at its own line."""
        return BadReference(self.path, self.lines.get(key, self.lines[""]), message)


def read_file(path: Path, rules: Mapping[str, Rule]) -> dict[str, Entry]:
    """The entries of one data file in its order. Raises `BadReference` at the line of the first fault."""
    root = _compose(path)
    top = _pairs(path, root, "the file")
    for key, (key_node, _) in top.items():
        if key not in ("source", "entries"):
            raise BadReference(path, _line(key_node), f"unknown key « {key} » beside « source » and « entries »")
    if "entries" not in top:
        raise BadReference(path, _line(root), "« entries » is missing")
    source = text(path, top["source"][1], "source") if "source" in top else None
    entries = _pairs(path, top["entries"][1], "« entries »")
    if not entries:
        raise BadReference(path, _line(top["entries"][1]), "« entries » is empty")
    return {code: _entry(path, code, *nodes, rules, source) for code, nodes in entries.items()}


def _entry(
    path: Path, code: str, key_node: yaml.Node, node: yaml.Node, rules: Mapping[str, Rule], source: Value
) -> Entry:
    if not _CODE.fullmatch(code):
        raise BadReference(path, _line(key_node), f"« {code} » is not a code: letters, digits, « _ », « - » and « . »")
    found = _pairs(path, node, f"entry « {code} »")
    for key, (unknown, _) in found.items():
        if key not in rules and key != "source":
            raise BadReference(path, _line(unknown), f"unknown key « {key} » in entry « {code} »")
    values: dict[str, Value] = {}
    lines = {"": _line(key_node)}
    for key, rule in {**rules, "source": Rule(text, required=source is None, default=source)}.items():
        if key not in found:
            if rule.required:
                raise BadReference(path, _line(key_node), f"entry « {code} » lacks « {key} »")
            values[key] = rule.default
            continue
        value_node = found[key][1]
        values[key] = rule.read(path, value_node, key)
        lines[key] = _line(value_node)
        if isinstance(value_node, yaml.SequenceNode):
            lines.update({f"{key}.{i}": _line(item) for i, item in enumerate(value_node.value)})
    return Entry(path, code, values, lines)


def text(path: Path, node: yaml.Node, key: str) -> str:
    """A text with something in it. What YAML reads as a number, a date or a truth value must stand in quotes."""
    if not isinstance(node, yaml.ScalarNode):
        raise BadReference(path, _line(node), f"« {key} » must be a text")
    if node.tag != _STR:
        kind = _KINDS.get(node.tag.rpartition(":")[2], "something else than a text")
        raise BadReference(path, _line(node), f"« {key} »: {node.value or 'nothing'} reads as {kind}; put it in quotes")
    if not node.value.strip():
        raise BadReference(path, _line(node), f"« {key} » is empty")
    return str(node.value).strip()


def texts(path: Path, node: yaml.Node, key: str) -> tuple[str, ...]:
    """A list of different texts; it may be empty."""
    if not isinstance(node, yaml.SequenceNode):
        raise BadReference(path, _line(node), f"« {key} » must be a list")
    found: list[str] = []
    for item in node.value:
        value = text(path, item, key)
        if value in found:
            raise BadReference(path, _line(item), f"« {value} » stands twice in « {key} »")
        found.append(value)
    return tuple(found)


def some_texts(path: Path, node: yaml.Node, key: str) -> tuple[str, ...]:
    """A list of different texts with at least one."""
    found = texts(path, node, key)
    if not found:
        raise BadReference(path, _line(node), f"« {key} » is empty")
    return found


def digits(path: Path, node: yaml.Node, key: str) -> tuple[str, ...]:
    """A list of postcodes or their beginnings: two to five digits, in quotes."""
    found = some_texts(path, node, key)
    for item, value in zip(node.value, found, strict=True):
        if not re.fullmatch(r"[0-9]{2,5}", value):
            raise BadReference(path, _line(item), f"« {key} »: « {value} » is not the beginning of a postcode")
    return found


def choice(*allowed: str) -> Callable[[Path, yaml.Node, str], str]:
    """One of the allowed texts."""

    def read(path: Path, node: yaml.Node, key: str) -> str:
        value = text(path, node, key)
        if value not in allowed:
            raise BadReference(path, _line(node), f"« {key} » is « {value} »; it may be {', '.join(allowed)}")
        return value

    return read


def whole(low: int, high: int) -> Callable[[Path, yaml.Node, str], int]:
    """A whole number from `low` to `high`, written in plain digits: `0100` (octal for YAML) is refused."""

    def read(path: Path, node: yaml.Node, key: str) -> int:
        plain = isinstance(node, yaml.ScalarNode) and node.style is None and re.fullmatch(r"0|[1-9][0-9]*", node.value)
        if not plain or not low <= int(node.value) <= high:
            raise BadReference(path, _line(node), f"« {key} » must be a whole number from {low} to {high}")
        return int(node.value)

    return read


def flag(path: Path, node: yaml.Node, key: str) -> bool:
    """`true` or `false`, and nothing else that YAML takes for a truth value."""
    if not isinstance(node, yaml.ScalarNode) or node.style is not None or node.value not in ("true", "false"):
        raise BadReference(path, _line(node), f"« {key} » must be true or false")
    return bool(node.value == "true")


def day(path: Path, node: yaml.Node, key: str) -> date:
    """A date written in quotes as "2022-03-04"."""
    value = text(path, node, key)
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise BadReference(path, _line(node), f'« {key} »: « {value} » is not a date such as "2022-03-04"')


def hours(path: Path, node: yaml.Node, key: str) -> str:
    """Two times of day in quotes, as "20:00-08:00"."""
    value = text(path, node, key)
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise BadReference(path, _line(node), f'« {key} »: « {value} » are no hours such as "20:00-08:00"')
    return value


def percents(path: Path, node: yaml.Node, key: str) -> tuple[str, ...]:
    """A list of texts « name percent »; it may be empty."""
    found = texts(path, node, key)
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    for item, value in zip(items, found, strict=True):
        if not re.fullmatch(r"[a-z_]+ ([1-9]?[0-9]|100)", value):
            raise BadReference(path, _line(item), f"« {key} »: « {value} » is not « name percent »")
    return found


def link(path: Path, node: yaml.Node, key: str) -> str:
    """An https address."""
    value = text(path, node, key)
    if not re.fullmatch(r"https://[a-z0-9.-]+(?:/\S*)?", value):
        raise BadReference(path, _line(node), f"« {key} »: « {value} » is not an https address")
    return value


def links(path: Path, node: yaml.Node, key: str) -> tuple[str, ...]:
    """A list of https addresses; it may be empty."""
    found = texts(path, node, key)
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            link(path, item, key)
    return found


def _compose(path: Path) -> yaml.Node:
    try:
        with path.open(encoding="utf-8") as stream:
            node = yaml.compose(stream, Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise BadReference(path, 1, "the file is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadReference(path, 1, f"the file cannot be read as UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not YAML"
        raise BadReference(path, mark.line + 1 if mark else 1, f"not YAML: {problem}") from error
    if node is None:
        raise BadReference(path, 1, "the file is empty")
    return node


def _pairs(path: Path, node: yaml.Node, what: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise BadReference(path, _line(node), f"{what} must be a mapping")
    found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key_node, value_node in node.value:
        key = text(path, key_node, f"key of {what}")
        if key in found:
            raise BadReference(path, _line(key_node), f"« {key} » stands twice in {what}")
        found[key] = (key_node, value_node)
    return found


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
