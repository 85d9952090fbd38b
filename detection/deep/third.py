"""Ask the adapted language model what one mention's text does to its holder: six chances, from the whole context."""

import hashlib
import html
import json
import mmap
import re
import shutil
import tempfile
import unicodedata
import zipfile
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.deep.base import BASE, HEAD, WIDTH, open_base
from detection.deep.pieces import Pieces
from detection.learned.second import MODEL, BadModel

#: Word pieces on each side of the mention that are read, and of the mention itself.
SIDE, MOST_OF_MENTION = 96, 12
#: Marks of our own: before and after the mention, before and after the question; rows of ``marks`` in the adapter.
BEFORE, AFTER, ASK, ANSWER = -1, -2, -3, -4
_BEGIN = 2
_SPACES = re.compile(r"[^\S\n]+")
#: Capitals alone in so short a text are no shouting: « AME : NON ».
_SHORT = 20
#: LoRA's alpha: twice the rank.
ALPHA_BY_RANK = 2
#: Bases of the rotary places: five layers of six look near, the sixth far.
_NEAR, _FAR = 10_000.0, 1_000_000.0
#: Texts are lengthened to a multiple of this: a kernel is made, and kept, for each length that is met.
_ROUND = 64
#: Raised by hand whenever the built files change for the same adapter.
LAYOUT = 3
#: Folder, among the built files, of what is made ready for one kind of processor.
_READY = "ready"
ADAPTER = MODEL / "third.npz"
#: Where ``make setup`` puts what reading loads: derived from the base and the adapter, never kept in the project.
BUILT = MODEL / "third"


def _tidy(text: str, *, shouted: bool) -> str:
    """The text without what only its page put there: entities, loose accents, invisible marks, odd spaces, capitals all over."""
    plain = unicodedata.normalize("NFC", html.unescape(text))
    plain = "".join(mark for mark in plain if mark == "\n" or unicodedata.category(mark) not in {"Cf", "Cc"})
    plain = _SPACES.sub(" ", plain)
    return plain.lower() if shouted else plain


def pieces_of(pieces: Pieces, text: str, start: int, end: int, field: str) -> tuple[list[int], int]:
    """(numbers, place): the field, the text with the mention between two marks, then the mention again as a question;
    ``place`` is that of the mark after the mention, the last piece is where the answer is read."""
    before, after = text[max(0, start - 8 * SIDE) : start], text[end : end + 8 * SIDE]
    shouted = len(before + after) > _SHORT and (before + after).isupper()
    mention = pieces(_tidy(text[start:end], shouted=False).removeprefix(" "))[:MOST_OF_MENTION]
    left, right = pieces(_tidy(before, shouted=shouted))[-SIDE:], pieces(_tidy(after, shouted=shouted))[:SIDE]
    numbers = [_BEGIN, *pieces(f"{field} :"), *left, BEFORE, *mention, AFTER, *right, ASK, *mention, ANSWER]
    return numbers, numbers.index(AFTER)


def compiled(graph: Path) -> Any:
    """The graph made ready for one core of this processor; what was made ready before is kept beside it, and taken from
    there where processor and library are the same."""
    import openvino

    core = openvino.Core()
    half = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    precision = "bf16" if half else "f32"
    options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    kept = graph.parent / _READY
    try:
        return core.compile_model(graph, "CPU", options | {"CACHE_DIR": str(kept)})
    except RuntimeError:
        # Nothing can be kept there: a folder that is full or may only be read.
        return core.compile_model(graph, "CPU", options)


class ThirdReader:
    """Reads one mention at a time on one core; pure: the same text gives the same chances on one machine."""

    def __init__(self, graph: Path, pieces: Pieces, table: Any, scales: Any, marks: NDArray[np.float32]) -> None:
        self._request = compiled(graph).create_infer_request()
        self._lock = Lock()
        self._pieces, self._table, self._scales, self._marks = pieces, table, scales, marks

    def __call__(self, text: str, start: int, end: int, field: str) -> NDArray[np.float32]:
        """The chances of the six stances for the mention ``text[start:end]``."""
        numbers, place = pieces_of(self._pieces, text, start, end, field)
        room = -(-len(numbers) // _ROUND) * _ROUND
        feeds: dict[str, NDArray[Any]] = {
            "x": self._embedded(numbers, room),
            "places": np.array([len(numbers) - 1, place], np.int64),
        }
        with self._lock:
            logits = self._request.infer(feeds | _positions(room))[0].copy()
        raised = np.exp(logits - logits.max())
        chances: NDArray[np.float32] = (raised / raised.sum()).astype(np.float32)
        return chances

    def _embedded(self, numbers: list[int], room: int) -> NDArray[np.float32]:
        """(room, 640): a row for each piece, then rows of zeros, which no piece before them sees."""
        rows = np.array(numbers)
        known = np.maximum(rows, 0)
        scales = np.repeat(np.asarray(self._scales[known], np.float32), 32, axis=1)
        values: NDArray[np.float32] = np.asarray(self._table[known], np.float32) * scales
        own = rows < 0
        values[own] = self._marks[-rows[own] - 1]
        laid = np.zeros((room, WIDTH), np.float32)
        laid[: len(rows)] = values * np.float32(WIDTH**0.5)
        return laid


@lru_cache(maxsize=256)
def _positions(length: int) -> dict[str, NDArray[np.float32]]:
    places = np.arange(length, dtype=np.float32)[:, None]
    found: dict[str, NDArray[np.float32]] = {"mask": np.triu(np.full((length, length), -1e9, np.float32), 1)}
    for name, base in (("near", _NEAR), ("far", _FAR)):
        angles = places * base ** (-np.arange(0, HEAD, 2, dtype=np.float32) / HEAD)
        found |= {f"cos_{name}": np.cos(angles), f"sin_{name}": np.sin(angles)}
    return found


def read_adapter(path: Path = ADAPTER) -> dict[str, NDArray[Any]]:
    """The adaptation's arrays by name; raises ``BadModel`` when they cannot be read."""
    try:
        with np.load(path) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BadModel(f"{path}: the third reader cannot be read: {error}") from error


def _stamp(adapter: Path) -> str:
    """Names what the built files follow from: the adapter, the base and the layout."""
    try:
        return hashlib.sha256(f"{LAYOUT} {BASE} ".encode() + adapter.read_bytes()).hexdigest()
    except OSError as error:
        raise BadModel(f"{adapter}: the third reader cannot be read: {error}") from error


def build_third(adapter: Path = ADAPTER, folder: Path = BUILT) -> Path:
    """Derive what reading loads from the installed base and the adapter, unless it is there; returns the folder.

    It is made beside and put in its place whole. Raises ``BadModel`` without base or adapter, or where nothing can be written."""
    stamp, mark = _stamp(adapter), folder / "stamp"
    if mark.is_file() and mark.read_text("ascii") == stamp:
        return folder
    from detection.deep.graph import write_graph

    arrays = read_adapter(adapter)
    with open_base() as base:
        table, scales = base.embeddings()
        vocabulary = json.dumps(base.vocabulary(), ensure_ascii=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="building-", dir=folder) as made:
                new = Path(made)
                np.save(new / "table.npy", table)
                np.save(new / "scales.npy", scales)
                (new / "vocabulary.json").write_text(vocabulary, "utf-8")
                write_graph(base, arrays, ALPHA_BY_RANK * len(arrays["0.attn_q.a"]), new / "graph.xml")
                for old in folder.iterdir():
                    if old.is_file():
                        old.unlink()
                shutil.rmtree(folder / _READY, ignore_errors=True)
                for file in new.iterdir():
                    file.replace(folder / file.name)
            compiled(folder / "graph.xml")
            # Written last: a build that was interrupted is done again.
            mark.write_text(stamp, "ascii")
        except (OSError, RuntimeError) as error:
            raise BadModel(f"{folder}: the third reader's files cannot be written: {error}") from error
    return folder


def _by_rows(path: Path) -> Any:
    """An array that stays on disk but for the rows that are read: without read-ahead, memory grows by those alone."""
    array: Any = np.load(path, mmap_mode="r")
    if hasattr(mmap, "MADV_RANDOM"):
        array._mmap.madvise(mmap.MADV_RANDOM)
    return array


@lru_cache(maxsize=2)
def load_third(adapter: Path = ADAPTER, folder: Path = BUILT) -> ThirdReader:
    """The third reader of this version, built first where ``make setup`` has not done so."""
    built = build_third(adapter, folder)
    return ThirdReader(
        built / "graph.xml",
        Pieces(json.loads((built / "vocabulary.json").read_text("utf-8"))),
        _by_rows(built / "table.npy"),
        _by_rows(built / "scales.npy"),
        read_adapter(adapter)["marks"].astype(np.float32),
    )
