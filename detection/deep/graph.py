"""The adapted model as a graph for OpenVINO: one text in, the last layer's view of two of its places out, and six chances.

Gemma 3 (https://ai.google.dev/gemma/docs/core; arXiv:2503.19786): RMS norms before and after each part, one key and value
head for four query heads, rotary places, a gated GELU. Matrices are kept as 8-bit blocks of 32 with a scale: a quarter of
the memory of float32, and the same words read from the disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino.opset14 as op
from numpy.typing import NDArray
from openvino import Model, save_model

from detection.deep.base import HEAD, HEADS, LAYERS, MATRICES, NORMS, WIDTH, Base

_BLOCK = 32
_EPSILON = 1e-6


def merged(
    base: Base, adapter: Mapping[str, NDArray[Any]], layer: int, matrix: str, alpha: float
) -> NDArray[np.float32]:
    """W + alpha / rank · B A (LoRA, arXiv:2106.09685)."""
    a = adapter[f"{layer}.{matrix}.a"].astype(np.float32)
    b = adapter[f"{layer}.{matrix}.b"].astype(np.float32)
    result: NDArray[np.float32] = base.weight(f"blk.{layer}.{matrix}") + (b @ a) * np.float32(alpha / len(a))
    return result


def in_blocks(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """(codes, scales), shaped (rows, blocks, 32) and (rows, blocks, 1): each run of 32 inputs as code · scale."""
    rows, columns = weight.shape
    blocks = weight.reshape(rows, columns // _BLOCK, _BLOCK)
    scales = (np.maximum(np.abs(blocks).max(-1, keepdims=True), 1e-6) / 127).astype(np.float16)
    codes = np.rint(np.clip(blocks / scales.astype(np.float32), -127, 127))
    return codes.astype(np.int8), scales


def _constant(value: Any, kind: Any = np.float32) -> Any:
    return op.constant(np.asarray(value, kind))


def _shaped(x: Any, *shape: int) -> Any:
    return op.reshape(x, _constant(shape, np.int64), False)


def _matrix(x: Any, weight: NDArray[np.float32]) -> Any:
    codes, scales = in_blocks(weight)
    blocks = op.multiply(op.convert(op.constant(codes), np.float16), op.constant(scales))
    return op.matmul(x, op.convert(_shaped(blocks, *weight.shape), np.float32), False, True)


def _norm(x: Any, gain: NDArray[np.float32]) -> Any:
    power = op.reduce_mean(op.power(x, _constant(2)), _constant([-1], np.int64), True)
    return op.multiply(
        op.multiply(x, op.divide(_constant(1), op.sqrt(op.add(power, _constant(_EPSILON))))), _constant(gain)
    )


def _turned(x: Any, cosines: Any, sines: Any) -> Any:
    """Rotary places: halves (a, b) become (a cos - b sin, b cos + a sin)."""
    a, b = op.split(x, _constant(-1, np.int64), 2).outputs()
    left = op.subtract(op.multiply(a, cosines), op.multiply(b, sines))
    right = op.add(op.multiply(b, cosines), op.multiply(a, sines))
    return op.concat([left, right], -1)


def _swapped(x: Any) -> Any:
    return op.transpose(x, _constant([1, 0, 2], np.int64))


def _layer(x: Any, inputs: Mapping[str, Any], layer: int, weights: Mapping[str, NDArray[np.float32]]) -> Any:
    reach = "far" if (layer + 1) % 6 == 0 else "near"
    places = inputs[f"cos_{reach}"], inputs[f"sin_{reach}"]
    h = _norm(x, weights["attn_norm"])
    query = _norm(_shaped(_matrix(h, weights["attn_q"]), -1, HEADS, HEAD), weights["attn_q_norm"])
    key = _turned(_norm(_matrix(h, weights["attn_k"]), weights["attn_k_norm"]), *places)
    scores = op.multiply(op.matmul(_turned(_swapped(query), *places), key, False, True), _constant(HEAD**-0.5))
    share = op.softmax(op.add(scores, inputs["mask"]), -1)
    seen = _swapped(op.matmul(share, _matrix(h, weights["attn_v"]), False, False))
    out = _matrix(_shaped(seen, -1, HEADS * HEAD), weights["attn_output"])
    x = op.add(x, _norm(out, weights["post_attention_norm"]))
    h = _norm(x, weights["ffn_norm"])
    inner = op.multiply(op.gelu(_matrix(h, weights["ffn_gate"]), "tanh"), _matrix(h, weights["ffn_up"]))
    return op.add(x, _norm(_matrix(inner, weights["ffn_down"]), weights["post_ffw_norm"]))


def _inputs() -> dict[str, Any]:
    shapes: dict[str, tuple[list[int], Any]] = {"x": ([-1, WIDTH], np.float32)}
    shapes |= {name: ([-1, HEAD // 2], np.float32) for name in ("cos_near", "sin_near", "cos_far", "sin_far")}
    shapes |= {"mask": ([-1, -1], np.float32), "places": ([2], np.int64)}
    found = {name: op.parameter(shape, kind, name=name) for name, (shape, kind) in shapes.items()}
    for name, parameter in found.items():
        parameter.output(0).get_tensor().set_names({name})
    return found


def write_graph(base: Base, adapter: Mapping[str, NDArray[Any]], alpha: float, path: Path) -> None:
    """Write ``path`` (.xml) and the weights beside it (.bin).

    Inputs ``x`` (n, 640) embedded pieces, ``cos/sin_near/far`` (n, 128), ``mask`` (n, n) and ``places`` (2,); one output,
    the logits (6,) in the order of ``STANCES``."""
    inputs = _inputs()
    x = inputs["x"]
    for layer in range(LAYERS):
        weights = {name: base.weight(f"blk.{layer}.{name}") for name in NORMS}
        weights |= {name: merged(base, adapter, layer, name, alpha) for name in MATRICES}
        x = _layer(x, inputs, layer, weights)
    x = _norm(x, base.weight("output_norm"))
    both = _shaped(op.gather(x, inputs["places"], _constant(0, np.int64)), 1, 2 * WIDTH)
    logits = op.add(op.matmul(both, _constant(adapter["head.weight"]), False, True), _constant(adapter["head.bias"]))
    model = Model([op.result(_shaped(logits, -1))], list(inputs.values()), "third-reader")
    save_model(model, path, compress_to_fp16=True)
