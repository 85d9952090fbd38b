"""Read a text: passage in, stance with its span and reasons out; no database, no network, no page."""

from detection.reader import Reader, load_reader
from detection.reading import Reading

__all__ = ["Reader", "Reading", "load_reader"]
