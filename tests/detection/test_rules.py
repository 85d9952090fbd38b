"""Every rule keeps its promises: its examples match, and no non-matching example of any rule moves any rule."""

from pathlib import Path

import pytest

from detection.lexicon import BadRules
from detection.normalise import fold
from detection.reading import FLAGGED, SEVERITY
from detection.rulereader import Ruled, RuleReader, load_rule_reader
from detection.rules import Example, Rule, load_rulebook, load_rules

ROOM = Path(__file__).parents[2] / "detection"
BOOK = load_rulebook(ROOM / "rules", ROOM / "lexicon")
MATCHING = [(rule, example) for rule in BOOK.rules for example in rule.matching]
NON_MATCHING = [(rule, example) for rule in BOOK.rules for example in rule.non_matching]


def _name(value: object) -> str:
    return value.id if isinstance(value, Rule) else value.text if isinstance(value, Example) else ""


def _severest(rules: RuleReader, example: Example) -> Ruled | None:
    ruled = rules.judge(fold(example.text), example.field)
    return max(ruled, key=lambda one: SEVERITY[one.stance], default=None)


@pytest.mark.parametrize(("rule", "example"), MATCHING, ids=_name)
def test_a_matching_example_fires_its_rule_on_its_trigger(rules: RuleReader, rule: Rule, example: Example) -> None:
    fired = {candidate.rule.id for candidate in rules.candidates(rules.parse(example.text), example.field)}
    folded = fold(example.text)
    read = [one for one in rules.judge(folded, example.field) if one.stance == rule.stance]
    start = example.text.index(example.trigger)
    spans = [folded.span(*one.trigger) for one in read]
    assert rule.id in fired
    assert any(first < start + len(example.trigger) and last > start for first, last in spans)
    severest = _severest(rules, example)
    assert severest is not None
    assert severest.stance == rule.stance


@pytest.mark.parametrize(("rule", "example"), NON_MATCHING, ids=_name)
def test_a_non_matching_example_is_read_by_all_rules_as_expected(
    rules: RuleReader, rule: Rule, example: Example
) -> None:
    severest = _severest(rules, example)
    stance = severest.stance if severest else "none"
    stance = "neutral" if example.field == "review" and stance != "none" else stance
    if example.stance:
        assert stance == example.stance
    else:
        assert stance not in FLAGGED


def test_every_rule_says_which_false_positives_it_has_and_why_it_fires() -> None:
    for rule in BOOK.rules:
        assert rule.false_positives and rule.description and rule.reason.endswith(("»", ".")), rule.id
        assert rule.matching and rule.non_matching, rule.id
        assert not (rule.unless & rule.needs), rule.id


GOOD = """- id: a.b
  status: test
  stance: refusal
  weight: 50
  description: d
  reason: r
  patterns: ["REFU BEN"]
  false_positives: none
  matching: ["[Pas de CMU]"]
  non_matching: ["CMU acceptée"]
"""


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("status: test", "status: sure"), 2, "unknown status"),
        (("stance: refusal", "stance: none"), 3, "unknown stance"),
        (("weight: 50", "weight: heavy"), 4, "whole number"),
        (("  reason: r\n", ""), 1, "missing: reason"),
        (("REFU BEN", "REFU ben|BEN"), 7, "mixes"),
        (('["REFU BEN"]', "REFU BEN"), 7, "a list"),
        (("[Pas de CMU]", "Pas de CMU"), 9, "marks one [trigger]"),
        (("[Pas de CMU]", "[Pas de CMU"), 9, "unbalanced"),
        (('"CMU acceptée"', '"[CMU] acceptée"'), 10, "marks no trigger"),
        (('"CMU acceptée"', "{text: CMU acceptée, stance: maybe}"), 10, "a non-matching example"),
        (("description: d", "descriptoin: d"), 5, "unknown key"),
        (("id: a.b", "id: [a"), 1, "YAML"),
        (("status: test", "id: c"), 2, "given twice"),
    ],
)
def test_a_malformed_rule_fails_with_path_and_line(
    tmp_path: Path, change: tuple[str, str], line: int, message: str
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(BadRules) as error:
        load_rules(path)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{path}:")
    if message != "YAML":
        assert error.value.line == line


def test_the_good_rule_loads_and_two_of_one_id_do_not(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(GOOD, encoding="utf-8")
    assert load_rules(tmp_path / "one.yaml")[0].id == "a.b"
    (tmp_path / "two.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(BadRules, match="already the id"):
        load_rulebook(tmp_path, ROOM / "lexicon")


def test_a_deprecated_rule_loads_and_reads_nothing(tmp_path: Path) -> None:
    for path in (ROOM / "rules").glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "more.yaml").write_text(GOOD.replace("status: test", "status: deprecated"), encoding="utf-8")
    assert "a.b" not in {rule.id for rule in load_rule_reader(tmp_path).rules}
    assert "a.b" in {rule.id for rule in load_rulebook(tmp_path, ROOM / "lexicon").rules}


def test_the_version_follows_the_rules(tmp_path: Path, rules: RuleReader) -> None:
    for path in (ROOM / "rules").glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert load_rule_reader(tmp_path).version == rules.version
    (tmp_path / "more.yaml").write_text(GOOD, encoding="utf-8")
    assert load_rule_reader(tmp_path).version != rules.version
    with pytest.raises(BadRules):
        load_rule_reader(tmp_path / "nowhere")
