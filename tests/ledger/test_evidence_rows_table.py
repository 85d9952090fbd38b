"""The table of rows is whole: each has a test, and each test that it names is one that pytest collects and can fail."""

from __future__ import annotations

import ast
import fnmatch
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROWS = yaml.safe_load((ROOT / "docs/evidence-rows.yaml").read_text(encoding="utf-8"))["rows"]
ASKED = [
    *("raw exchange", "portable pack", "full-page image", "DOM and text", "PDF", "TLS chain", "provenance", "SHA-256"),
    *("RFC 3161", "two authorities", "qualified authority by configuration", "OpenTimestamps optional"),
    *("signature with identity", "custody log", "access and export events", "fixity schedule", "offline verifier"),
    *("repeat captures", "clean profile proved", "clock offset", "DNS and proxy", "no alteration"),
    *("third-party archive optional", "deletion logged", "evidentiary and working copy", "sealed export"),
]


def test_the_twenty_six_rows_and_no_other() -> None:
    assert [one["row"] for one in ROWS] == ASKED and len(ASKED) == 26
    assert all(one["tests"] for one in ROWS)


@pytest.mark.parametrize("name", [name for one in ROWS for name in one["tests"]])
def test_each_test_of_the_table_exists_and_is_collected(name: str, request: pytest.FixtureRequest) -> None:
    """By pytest's own rules for files and functions; where this run collected that file, by what it collected."""
    file, _, function = name.partition("::")
    patterns = request.config.getini("python_files")
    assert any(fnmatch.fnmatch(Path(file).name, pattern) for pattern in patterns)
    assert any(fnmatch.fnmatch(function, f"{pattern}*") for pattern in request.config.getini("python_functions"))
    assert any(file.startswith(f"{folder}/") for folder in request.config.getini("testpaths"))
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    (found,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    marks = " ".join(ast.unparse(mark) for mark in found.decorator_list)
    assert "skip(" not in marks and "xfail" not in marks
    assert any(isinstance(node, ast.Assert) for node in ast.walk(found))
    collected = {item.nodeid.partition("[")[0] for item in request.session.items}
    if any(node.startswith(f"{file}::") for node in collected) and request.config.args_source.name != "ARGS":
        assert name in collected
