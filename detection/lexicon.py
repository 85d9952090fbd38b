"""Load the words the rules speak of, and tag a text's tokens with them; it must not decide anything about a text."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from detection.normalise import fold
from detection.tokens import Token, expand, tokenise
from reference.errors import VigieError


class BadRules(VigieError):
    """A file of words or rules cannot be used: says which line of which file, and why."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path, self.line, self.message = path, line, message


#: The same language, read in C where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(path: Path) -> yaml.Node:
    """The YAML tree of a file, with the line of every node."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise BadRules(path, 1, f"unreadable: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise BadRules(
            path, mark.line + 1 if mark else 1, "not YAML: " + str(getattr(error, "problem", error))
        ) from error
    if node is None:
        raise BadRules(path, 1, "empty file")
    return node


def entries(path: Path, node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    """The keys and values of a mapping node; refuses another kind of node and a key given twice."""
    if not isinstance(node, yaml.MappingNode):
        raise BadRules(path, node.start_mark.line + 1, "a mapping is expected here")
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            raise BadRules(path, key.start_mark.line + 1, f"« {key.value} » is given twice")
        seen.add(key.value)
        yield str(key.value), value


def strings(path: Path, node: yaml.Node) -> Iterator[tuple[str, int]]:
    """The strings of a sequence node with their lines."""
    if not isinstance(node, yaml.SequenceNode):
        raise BadRules(path, node.start_mark.line + 1, "a list is expected here")
    for item in node.value:
        if not isinstance(item, yaml.ScalarNode) or not item.value.strip():
            raise BadRules(path, item.start_mark.line + 1, "a phrase is expected here")
        yield item.value, item.start_mark.line + 1


@dataclass
class Phrases:
    """Phrases by their words, each with a label; finds the longest ones in a list of tokens."""

    _tree: dict[str, dict[int, dict[tuple[str, ...], str]]] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    _plain: dict[str, set[tuple[str, ...]]] | None = None

    def add(self, phrase: str, label: str) -> str | None:
        """Add a phrase; returns the label it already had, if it had another one."""
        words = tuple(token.text for token in tokenise(fold(phrase).text))
        if not words:
            return None
        self.words.update(words)
        known = self._tree.setdefault(words[0], {}).setdefault(len(words), {})
        previous = known.setdefault(words, label)
        return previous if previous != label else None

    def close(self) -> None:
        """Order the lengths, longest first; call once after the last phrase."""
        for first, lengths in self._tree.items():
            self._tree[first] = dict(sorted(lengths.items(), reverse=True))

    def at(self, tokens: Sequence[Token], place: int) -> tuple[int, str] | None:
        """The longest phrase that starts at ``tokens[place]``: how many tokens, and its label."""
        lengths = self._tree.get(tokens[place].text)
        if lengths is None:
            return None
        for length, phrases in lengths.items():
            label = phrases.get(tuple([token.text for token in tokens[place : place + length]]))
            if label is not None:
                return length, label
        return None

    def among(self, words: Sequence[str]) -> bool:
        """Whether any phrase stands in a list of plain words; a phrase's marks (« % ») count for nothing."""
        if self._plain is None:
            self._plain = {}
            for lengths in self._tree.values():
                for phrases in lengths.values():
                    for phrase in phrases:
                        plain = tuple(word for word in phrase if word[0].isalnum())
                        self._plain.setdefault(plain[0], set()).add(plain)
        firsts = self._plain.keys() & words
        if not firsts:
            return False
        return any(
            word in firsts and any(tuple(words[place : place + len(one)]) == one for one in self._plain[word])
            for place, word in enumerate(words)
        )


@dataclass(frozen=True)
class Lexicon:
    """Everything words can tell: tags, names of benefits, shapes of acronyms, false friends."""

    tags: Phrases
    names: Phrases
    friends: Phrases
    shapes: "re.Pattern[str]"
    shape_codes: Mapping[str, str]
    cues: Phrases


def _shape(acronym: str) -> str:
    return r"[\s.·•_/*-]{0,3}".join(re.escape(letter) for letter in acronym)


def load_words(path: Path) -> Phrases:
    """Tags by phrase; a phrase listed under two tags keeps the first: the file's order is its order of preference."""
    phrases = Phrases()
    for tag, items in entries(path, compose(path)):
        for phrase, _ in strings(path, items):
            for form in expand(phrase):
                phrases.add(form, tag)
    phrases.close()
    return phrases


def load_lexicon(folder: Path, names: Mapping[str, Iterable[str]]) -> Lexicon:
    """Read the lexicon's files and add the names the reference gives to the benefits."""
    benefits, friends, shapes = Phrases(), Phrases(), {}
    path = folder / "benefits.yaml"
    for key, node in entries(path, compose(path)):
        if key == "friends":
            for phrase, _ in strings(path, node):
                for form in expand(phrase):
                    friends.add(form, "friend")
        elif key == "names":
            for code, items in entries(path, node):
                _add_names(benefits, path, code, items)
        elif key == "shapes":
            for code, items in entries(path, node):
                shapes.update({_shape(acronym): code for acronym, _ in strings(path, items)})
        else:
            raise BadRules(path, node.start_mark.line + 1, f"unknown part « {key} »")
    generic = folder / "generic.yaml"
    for code, items in entries(generic, compose(generic)):
        _add_names(benefits, generic, code, items)
    for code, spellings in names.items():
        for spelling in spellings:
            benefits.add(spelling, code)
    benefits.close()
    friends.close()
    parts = "|".join(f"(?P<s{index}>{shape})" for index, shape in enumerate(sorted(shapes, key=len, reverse=True)))
    codes = {f"s{index}": shapes[shape] for index, shape in enumerate(sorted(shapes, key=len, reverse=True))}
    pattern = re.compile(rf"(?<![a-z0-9])(?:{parts})(?![a-z0-9])(?!')")
    return Lexicon(load_words(folder / "words.yaml"), benefits, friends, pattern, codes, _cues(folder / "cues.yaml"))


def _cues(path: Path) -> Phrases:
    cues = Phrases()
    for key, node in entries(path, compose(path)):
        for phrase, line in strings(path, node):
            if key != "cues":
                raise BadRules(path, line, f"unknown part « {key} »")
            for form in expand(phrase):
                cues.add(form, "generic")
    cues.close()
    return cues


def _add_names(benefits: Phrases, path: Path, code: str, items: yaml.Node) -> None:
    for phrase, line in strings(path, items):
        for form in expand(phrase):
            if (other := benefits.add(form, code)) is not None:
                raise BadRules(path, line, f"« {form} » is {code} here and {other} above")
