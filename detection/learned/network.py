"""The network as plain arithmetic: arrays in, probabilities out. Training computes the same in `detection.training`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.learned.vectors import WordVectors
from detection.learned.windows import Mention, Word, pieces

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]
#: Distances to the mention that are told apart, on each side; farther ones count as the farthest.
REACH = 20
#: Distances between two words that attention tells apart.
ATTENTION_REACH = 12
HEADS = 4
LAYERS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """What the network sees of one mention, as numbers."""

    words: tuple[str, ...]
    tags: NDArray[np.int32]
    roles: NDArray[np.int32]
    shapes: NDArray[np.int32]
    distances: NDArray[np.int64]
    field: int
    target: int
    first: int = 0


def roles_of(words: Sequence[Word], mentions: Sequence[Mention], target: int) -> list[int]:
    """0 for a word that names nothing, the target's kind, 4 for another mention of its benefit, 5 for one of another."""
    own = mentions[words[target].mention]
    roles = [0] * len(words)
    for place, word in enumerate(words):
        if word.mention >= 0:
            roles[place] = 4 if set(mentions[word.mention].codes) & set(own.codes) else 5
    roles[target] = own.kind
    return roles


def encode(
    words: Sequence[Word], mentions: Sequence[Mention], target: int, field: int, tags: Mapping[str, int], first: int
) -> Window:
    """The window's words as numbers; ``target`` is the place of the mention among them, ``first`` what the rules say of
    it: 0 for not asked, 1 for nothing, else 1 + the place of the stance in ``STANCES``."""
    return Window(
        words=tuple(word.text for word in words),
        tags=np.array([tags.get(word.tag, 0) for word in words], dtype=np.int32),
        roles=np.array(roles_of(words, mentions, target), dtype=np.int32),
        shapes=np.array([word.shape for word in words], dtype=np.int32),
        distances=np.clip(np.arange(len(words)) - target, -REACH, REACH) + REACH,
        field=field,
        target=target,
        first=first,
    )


def _normalise(x: Floats, gain: Floats, bias: Floats) -> Floats:
    mean = x.mean(axis=-1, keepdims=True)
    centred = x - mean
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    result: Floats = centred / np.sqrt(variance + np.float32(1e-5)) * gain + bias
    return result


def softmax(x: Floats) -> Floats:
    """Probabilities along the last axis."""
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    result: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return result


class Network:
    """One trained network."""

    def __init__(self, weights: Weights, vectors: WordVectors) -> None:
        self._vectors = vectors
        self.w: dict[str, Floats] = {
            name: np.ascontiguousarray(array, dtype=np.float32) for name, array in weights.items()
        }
        self._word: Callable[[str], Floats] = lru_cache(maxsize=50_000)(self._word_vector)

    def _word_vector(self, word: str) -> Floats:
        rows = pieces(word)
        own: Floats = self.w["table"][list(rows)].sum(axis=0) / np.float32(np.sqrt(len(rows)))
        vector: Floats = np.concatenate([own, self._vectors.table[self._vectors.row(word)]])
        return vector

    def __call__(self, window: Window) -> tuple[Floats, Floats]:
        """(probability of each stance in the order of ``STANCES``, probability of each word to be in the trigger)."""
        w = self.w
        x = np.concatenate(
            [
                np.stack([self._word(word) for word in window.words]),
                w["tag"][window.tags],
                w["role"][window.roles],
                w["shape"][window.shapes],
                w["distance"][window.distances],
            ],
            axis=1,
        )
        x = x @ w["in_w"] + w["in_b"] + w["field"][window.field] + w["first"][window.first]
        x = _normalise(x, w["in_g"], w["in_n"])
        for layer in range(LAYERS):
            x = self._convolve(x, layer)
            x = self._attend(x, layer)
        target = x[window.target]
        scores = x @ (w["pool_w"] @ target + w["pool_b"])
        pooled = softmax(scores * np.float32(x.shape[1] ** -0.5)) @ x
        state = np.concatenate([target, pooled, x.max(axis=0)])
        hidden = np.maximum(state @ w["hid_w"] + w["hid_b"], 0)
        logits = hidden @ w["out_w"] + w["out_b"]
        marks = x @ (w["span_w"] @ target) + x @ w["span_v"] + w["span_b"]
        return softmax(logits), 1 / (1 + np.exp(-marks))

    def _convolve(self, x: Floats, layer: int) -> Floats:
        w = self.w
        padded = np.pad(x, ((1, 1), (0, 0)))
        wide = np.concatenate([padded[:-2], x, padded[2:]], axis=1) @ w[f"conv_w{layer}"] + w[f"conv_b{layer}"]
        half = wide.shape[1] // 2
        return _normalise(x + np.maximum(wide[:, :half], wide[:, half:]), w[f"conv_g{layer}"], w[f"conv_n{layer}"])

    def _attend(self, x: Floats, layer: int) -> Floats:
        w = self.w
        length, width = x.shape
        size = width // HEADS
        mixed: Any = x @ w[f"att_w{layer}"] + w[f"att_b{layer}"]
        q, k, v = (part.reshape(length, HEADS, size).transpose(1, 0, 2) for part in np.split(mixed, 3, axis=1))
        places = np.arange(length)
        offset = np.clip(places[None, :] - places[:, None], -ATTENTION_REACH, ATTENTION_REACH) + ATTENTION_REACH
        scores = q @ k.transpose(0, 2, 1) * np.float32(size**-0.5) + w[f"att_p{layer}"][:, offset]
        out = (softmax(scores) @ v).transpose(1, 0, 2).reshape(length, width)
        return _normalise(x + out @ w[f"att_o{layer}"], w[f"att_g{layer}"], w[f"att_n{layer}"])
