"""A faulty data file is refused at its path and line, with a message that says what to do."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from reference import BadReference, VigieError, load
from reference.loader import DATA

ORDER = """  x_order:
    label: Ordre
    level: departmental
    body_label: conseil
    body_short: C
    national_body: national
    website: https://exemple.fr/
    competence: [CSP-R1110-9]
    code_of_ethics: [CSP-R4127-7]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def refused(folder: Path, name: str) -> BadReference:
    with pytest.raises(BadReference) as caught:
        load(folder)
    error = caught.value
    assert isinstance(error, VigieError)
    assert error.path == folder / name
    assert str(error) == f"{error.path}:{error.line}: {error.message}"
    assert "\n" not in str(error)
    return error


def change(folder: Path, name: str, old: str, new: str) -> int:
    """Replace the first `old` in a file; give the line on which it stood."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


CHANGES = [
    ("departments.yaml", '"01": {', "01: {", "put it in quotes"),
    ("departments.yaml", '"200", "201"', '200, "201"', "put it in quotes"),
    ("departments.yaml", '"200", "201"', '"2A0", "201"', "postcode"),
    ("departments.yaml", '"02": {', '"01": {', "stands twice"),
    ("departments.yaml", "name: Aisne", "nom: Aisne", "unknown key « nom »"),
    ("departments.yaml", '"02": { name: Aisne, ', '"02": { ', "lacks « name »"),
    ("departments.yaml", "name: Aisne", "name: ", "reads as nothing"),
    ("departments.yaml", "name: Aisne", "name: [Aisne]", "must be a text"),
    ("professions.yaml", "order: medecins", "order: medecin", "not among the orders"),
    ("professions.yaml", 'rpps_codes: ["10"]', "rpps_codes: [10]", "put it in quotes"),
    ("professions.yaml", 'rpps_codes: ["10"]', 'rpps_codes: "10"', "must be a list"),
    ("professions.yaml", "aliases: [allergologie, ", "aliases: [allergologie, allergologie, ", "stands twice"),
    ("orders.yaml", "level: departmental", "level: municipal", "it may be departmental, regional, national"),
    ("orders.yaml", "website: https", "website: ftp", "not an https address"),
    ("orders.yaml", "[CSP-R1110-9, CSP-R4126-1]", "[CSP-R1110-9, CSP-R9999-1]", "not among the articles"),
    ("articles.yaml", 'version_date: "2022-03-04"', "version_date: 2022-03-04", "put it in quotes"),
    ("articles.yaml", 'version_date: "2022-03-04"', 'version_date: "2022-02-30"', "not a date"),
    ("articles.yaml", 'version_date: "2022-03-04"', 'version_date: "4 mars 2022"', "not a date"),
    ("articles.yaml", "verified: true", "verified: yes", "true or false"),
    ("articles.yaml", "verified: true", 'verified: "true"', "true or false"),
    ("benefits.yaml", "successor: C2S", "successor: CMU", "not among the benefits"),
    ("benefits.yaml", "ambiguous: [CSS, ", "ambiguous: [CSSS, ", "not among the spellings"),
    ("benefits.yaml", "in_force_from: 2000", "in_force_from: 02000", "whole number"),
    ("benefits.yaml", "in_force_from: 2000", 'in_force_from: "2000"', "whole number"),
    ("benefits.yaml", "in_force_to: 2019", "in_force_to: 2001", "ends before it begins"),
    ("platforms.yaml", "delay_seconds: 5", "delay_seconds: 2", "from 3 to 3600"),
    ("stances.yaml", "severity: 5", "severity: 4.5", "whole number"),
    ("verdict_reasons.yaml", "decision: confirm", "decision: maybe", "it may be confirm, dismiss, doubt"),
    ("fields.yaml", "label: Présentation", "label: yes", "put it in quotes"),
    ("fields.yaml", "entries:", "entry:", "unknown key « entry »"),
    ("orders.yaml", "  medecins:", "  méd ecins:", "is not a code"),
]


@pytest.mark.parametrize(("name", "old", "new", "message"), CHANGES, ids=[f"{c[0]}-{c[2]}" for c in CHANGES])
def test_one_fault_is_refused_at_its_line(folder: Path, name: str, old: str, new: str, message: str) -> None:
    line = change(folder, name, old, new)
    error = refused(folder, name)
    assert (error.line, message in error.message) == (line, True), str(error)


def test_the_line_of_a_list_item_is_its_own(folder: Path) -> None:
    path = folder / "orders.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text + ORDER.replace("[CSP-R1110-9]", "\n      - CSP-R1110-9\n      - CSP-R0000-0"), encoding="utf-8"
    )
    error = refused(folder, "orders.yaml")
    assert path.read_text(encoding="utf-8").splitlines()[error.line - 1].strip() == "- CSP-R0000-0"


def test_an_alias_of_two_professions_is_refused_whatever_its_case(folder: Path) -> None:
    change(folder, "professions.yaml", "aliases: [allergologie, ", "aliases: [DENTISTE, ")
    assert "already belongs to « allergologue »" in refused(folder, "professions.yaml").message


def test_two_stances_of_one_severity_are_refused(folder: Path) -> None:
    change(folder, "stances.yaml", "severity: 4", "severity: 5")
    assert "already belongs" in refused(folder, "stances.yaml").message


def test_an_entry_without_a_source_is_refused(folder: Path) -> None:
    path = folder / "stances.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith("source:")), encoding="utf-8")
    assert "lacks « source »" in refused(folder, "stances.yaml").message


def test_an_article_needs_a_text_or_a_summary(folder: Path) -> None:
    path = folder / "articles.yaml"
    path.write_text(
        "entries:\n  CSP-X1:\n    code: CSP\n    number: X1\n    role: sanction\n    title: T\n"
        "    verified: false\n    source: s\n",
        encoding="utf-8",
    )
    (folder / "orders.yaml").write_text(
        "source: s\nentries:\n" + ORDER.replace("CSP-R1110-9", "CSP-X1").replace("CSP-R4127-7", "CSP-X1"),
        encoding="utf-8",
    )
    for name in ("benefits.yaml", "professions.yaml"):
        text = (folder / name).read_text(encoding="utf-8")
        kept = [line for line in text.splitlines() if not line.startswith(("    articles:", "    order:"))]
        (folder / name).write_text("\n".join(kept), encoding="utf-8")
    assert "neither « text » nor « summary »" in refused(folder, "articles.yaml").message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"# nothing\n", "empty"),
        (b"- a\n- b\n", "must be a mapping"),
        (b"source: s\n", "« entries » is missing"),
        (b"source: s\nentries: {}\n", "is empty"),
        (b"source: s\nentries: [a]\n", "must be a mapping"),
        (b"source: s\nentries:\n  a: {label: [\n", "not YAML"),
        (b"source: \xff\xfe\n", "UTF-8"),
        (b"source: s\x00\n", "not YAML"),
        (b"a: *nowhere\n", "not YAML"),
        (b"--- 1\n--- 2\n", "not YAML"),
        (b"source: s\nentries:\n  a: 12\n", "must be a mapping"),
    ],
)
def test_what_is_not_a_data_file_is_refused(folder: Path, content: bytes, message: str) -> None:
    (folder / "fields.yaml").write_bytes(content)
    assert message in refused(folder, "fields.yaml").message


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "fields.yaml").unlink()
    assert "missing" in refused(folder, "fields.yaml").message


def test_the_error_crosses_a_process_boundary(folder: Path) -> None:
    change(folder, "stances.yaml", "severity: 4", "severity: four")
    error = refused(folder, "stances.yaml")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.line, again.path) == (str(error), error.line, error.path)
