"""Read a text: passage in, stance with its span and reasons out; no database, no network, no page."""

import os

# The networks multiply small matrices, which more threads only slow down, and which must give the same last bit on every
# machine and in every process: one thread, said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from detection.reader import Reader, load_reader
from detection.reading import Reading

__all__ = ["Reader", "Reading", "load_reader"]
