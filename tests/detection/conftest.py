"""One reader for all tests of the room: building it takes seconds, reading microseconds."""

from pathlib import Path

import pytest

from detection import Reader, load_reader

HERE = Path(__file__).parent
PASSAGES = HERE / "passages.jsonl"
SHARED = HERE.parents[2] / "shared" / "corpus"


@pytest.fixture(scope="session")
def reader() -> Reader:
    return load_reader()
