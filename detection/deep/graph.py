"""The adapted model as an ONNX graph: one text in, the last layer's view of two of its places out, and six chances.

Gemma 3 (https://ai.google.dev/gemma/docs/core; arXiv:2503.19786): RMS norms before and after each part, one key and value
head for four query heads, rotary places, a gated GELU. Matrices are kept as 8-bit blocks of 32 with a scale
(MatMulNBits): a quarter of the memory of float32."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from detection.deep.base import HEAD, HEADS, LAYERS, MATRICES, NORMS, WIDTH, Base

_BLOCK = 32
_MICROSOFT = "com.microsoft"
#: The int8 kernel: activations are quantised by block as well.
_INT8 = 4


def merged(
    base: Base, adapter: Mapping[str, NDArray[Any]], layer: int, matrix: str, alpha: float
) -> NDArray[np.float32]:
    """W + alpha / rank · B A (LoRA, arXiv:2106.09685)."""
    a = adapter[f"{layer}.{matrix}.a"].astype(np.float32)
    b = adapter[f"{layer}.{matrix}.b"].astype(np.float32)
    result: NDArray[np.float32] = base.weight(f"blk.{layer}.{matrix}") + (b @ a) * np.float32(alpha / len(a))
    return result


def in_blocks(weight: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """(codes, scales): each run of 32 inputs as code · scale with codes from 1 to 255 around 128."""
    rows, columns = weight.shape
    blocks = weight.reshape(rows, columns // _BLOCK, _BLOCK)
    scales = np.maximum(np.abs(blocks).max(-1), 1e-12) / 127
    codes = np.rint(blocks / scales[..., None]) + 128
    return codes.astype(np.uint8), scales.astype(np.float32).reshape(-1)


class _Builder:
    """Nodes and constants, each under a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def matrix(self, x: str, weight: NDArray[np.float32]) -> str:
        codes, scales = in_blocks(weight)
        rows, columns = weight.shape
        return self.node(
            "MatMulNBits", x, self.constant(codes), self.constant(scales), domain=_MICROSOFT,
            K=columns, N=rows, bits=8, block_size=_BLOCK, accuracy_level=_INT8,
        )  # fmt: skip

    def norm(self, x: str, gain: NDArray[np.float32]) -> str:
        return self.node("SimplifiedLayerNormalization", x, self.constant(gain), axis=-1, epsilon=1e-6)

    def shaped(self, x: str, *shape: int) -> str:
        return self.node("Reshape", x, self.constant(np.array(shape, np.int64)))

    def turned(self, x: str, cosines: str, sines: str) -> str:
        """Rotary places: halves (a, b) become (a cos - b sin, b cos + a sin)."""
        half = self.constant(np.array([HEAD // 2, HEAD // 2], np.int64))
        names = [f"n{len(self.nodes)}_a", f"n{len(self.nodes)}_b"]
        self.nodes.append(helper.make_node("Split", [x, half], names, axis=-1))
        a, b = names
        left = self.node("Sub", self.node("Mul", a, cosines), self.node("Mul", b, sines))
        right = self.node("Add", self.node("Mul", b, cosines), self.node("Mul", a, sines))
        return self.node("Concat", left, right, axis=-1)


def _layer(build: _Builder, x: str, layer: int, weights: Mapping[str, NDArray[np.float32]]) -> str:
    places = ("cos_far", "sin_far") if (layer + 1) % 6 == 0 else ("cos_near", "sin_near")
    h = build.norm(x, weights["attn_norm"])
    query = build.norm(build.shaped(build.matrix(h, weights["attn_q"]), -1, HEADS, HEAD), weights["attn_q_norm"])
    query = build.turned(build.node("Transpose", query, perm=[1, 0, 2]), *places)
    key = build.turned(build.norm(build.matrix(h, weights["attn_k"]), weights["attn_k_norm"]), *places)
    scores = build.node("MatMul", query, build.node("Transpose", key, perm=[1, 0]))
    scores = build.node("Mul", scores, build.constant(np.array(HEAD**-0.5, np.float32)))
    share = build.node("Softmax", build.node("Add", scores, "mask"), axis=-1)
    mixed = build.node("MatMul", share, build.matrix(h, weights["attn_v"]))
    mixed = build.shaped(build.node("Transpose", mixed, perm=[1, 0, 2]), -1, HEADS * HEAD)
    out = build.norm(build.matrix(mixed, weights["attn_output"]), weights["post_attention_norm"])
    x = build.node("Add", x, out)
    h = build.norm(x, weights["ffn_norm"])
    gate = build.node("Gelu", build.matrix(h, weights["ffn_gate"]), approximate="tanh")
    inner = build.node("Mul", gate, build.matrix(h, weights["ffn_up"]))
    return build.node("Add", x, build.norm(build.matrix(inner, weights["ffn_down"]), weights["post_ffw_norm"]))


def build_graph(base: Base, adapter: Mapping[str, NDArray[Any]], alpha: float) -> bytes:
    """The serialised graph: inputs ``x`` (n, 640) embedded pieces, ``cos/sin_near/far`` (n, 128), ``mask`` (n, n) and
    ``places`` (2,); output ``logits`` (6,) in the order of ``STANCES``."""
    build = _Builder()
    x = "x"
    for layer in range(LAYERS):
        weights = {name: base.weight(f"blk.{layer}.{name}") for name in NORMS}
        weights |= {name: merged(base, adapter, layer, name, alpha) for name in MATRICES}
        x = _layer(build, x, layer, weights)
    x = build.norm(x, base.weight("output_norm"))
    both = build.shaped(build.node("Gather", x, "places", axis=0), 1, 2 * WIDTH)
    head = adapter["head.weight"].astype(np.float32)
    logits = build.node(
        "Gemm", both, build.constant(head), build.constant(adapter["head.bias"].astype(np.float32)), transB=1
    )
    build.nodes.append(helper.make_node("Reshape", [logits, build.constant(np.array([-1], np.int64))], ["logits"]))
    real, whole = TensorProto.FLOAT, TensorProto.INT64
    places = [helper.make_tensor_value_info(name, real, ["n", HEAD // 2]) for name in
              ("cos_near", "sin_near", "cos_far", "sin_far")]  # fmt: skip
    graph = helper.make_graph(
        build.nodes, "third-reader",
        [helper.make_tensor_value_info("x", real, ["n", WIDTH]), *places,
         helper.make_tensor_value_info("mask", real, ["n", "n"]), helper.make_tensor_value_info("places", whole, [2])],
        [helper.make_tensor_value_info("logits", real, [len(head)])],
        build.constants,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(_MICROSOFT, 1)]
    model: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    return model
