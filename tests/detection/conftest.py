"""One reader for all tests of the room: building it takes seconds, reading microseconds."""

import pytest

from detection import Reader, load_reader
from detection.rulereader import RuleReader


@pytest.fixture(scope="session")
def reader() -> Reader:
    return load_reader()


@pytest.fixture(scope="session")
def rules(reader: Reader) -> RuleReader:
    return reader.rules
