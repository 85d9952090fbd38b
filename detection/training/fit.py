"""Train the network with JAX, seeded, on the processor alone: the same corpus and seed give the same weights."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from detection.learned.network import ATTENTION_REACH, HEADS, LAYERS, REACH, roles_of
from detection.learned.vectors import load_vectors
from detection.learned.windows import BUCKETS, FIELDS, MOST_PIECES, SHAPES, pieces
from detection.reading import STANCES
from detection.training.examples import Batch, Example, vary

WIDTH, WORD, MEANING, TAG, SMALL, HIDDEN = 128, 80, 64, 24, 8, 128
#: Windows are padded to one of these lengths, a batch's vocabulary to the size beside it: few shapes are compiled.
SHAPES_COMPILED = {16: 1024, 26: 1024, 40: 1536, 64: 2048, 128: 3072}


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn."""

    epochs: int = 8
    batch: int = 64
    rate: float = 2e-3
    drop: float = 0.25
    smooth: float = 0.03
    decay: float = 0.02
    seed: int = 1


def first_weights(seed: int, tags: int) -> dict[str, Any]:
    """Random weights to begin with."""
    draw = np.random.default_rng(seed)

    def some(*shape: int, scale: float | None = None) -> Any:
        return draw.normal(0, scale or shape[0] ** -0.5, shape).astype(np.float32)

    zeros = partial(np.zeros, dtype=np.float32)
    ones = partial(np.ones, dtype=np.float32)
    w: dict[str, Any] = {
        "table": some(BUCKETS, WORD, scale=0.3),
        "tag": some(tags, TAG, scale=0.3),
        "role": some(6, SMALL, scale=0.3),
        "shape": some(len(SHAPES), SMALL, scale=0.3),
        "distance": some(2 * REACH + 1, SMALL * 2, scale=0.3),
        "field": some(len(FIELDS), WIDTH, scale=0.1),
        "first": some(len(STANCES) + 1, WIDTH, scale=0.2),
        "in_w": some(WORD + MEANING + TAG + 4 * SMALL, WIDTH),
        "in_b": zeros(WIDTH),
        "in_g": ones(WIDTH),
        "in_n": zeros(WIDTH),
        "pool_w": some(WIDTH, WIDTH),
        "pool_b": zeros(WIDTH),
        "hid_w": some(3 * WIDTH, HIDDEN),
        "hid_b": zeros(HIDDEN),
        "out_w": some(HIDDEN, 6, scale=0.05),
        "out_b": zeros(6),
        "span_w": some(WIDTH, WIDTH, scale=0.02),
        "span_v": zeros(WIDTH),
        "span_b": zeros(1),
    }
    for n in range(LAYERS):
        w[f"conv_w{n}"], w[f"conv_b{n}"] = some(3 * WIDTH, 2 * WIDTH), zeros(2 * WIDTH)
        w[f"att_w{n}"], w[f"att_b{n}"] = some(WIDTH, 3 * WIDTH), zeros(3 * WIDTH)
        w[f"att_o{n}"] = some(WIDTH, WIDTH, scale=0.5 * WIDTH**-0.5)
        w[f"att_p{n}"] = zeros((HEADS, 2 * ATTENTION_REACH + 1))
        for part in ("conv", "att"):
            w[f"{part}_g{n}"], w[f"{part}_n{n}"] = ones(WIDTH), zeros(WIDTH)
    return w


def _normalise(x: Any, gain: Any, bias: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * gain + bias


def _drop(key: Any, x: Any, rate: float) -> Any:
    return x * jax.random.bernoulli(key, 1 - rate, x.shape) / (1 - rate)


def forward(w: Mapping[str, Any], batch: Mapping[str, Any], key: Any, drop: float) -> tuple[Any, Any]:
    """(logits, trigger logits) of a padded batch: the arithmetic of ``detection.learned.network``."""
    keys = iter(jax.random.split(key, 4 + 2 * LAYERS))
    some = batch["pieces"] > 0
    count = jnp.sqrt(jnp.maximum(some.sum(-1, keepdims=True), 1))
    vocabulary = (w["table"][batch["pieces"]] * some[..., None]).sum(1) / count
    words = jnp.concatenate([vocabulary, batch["vectors"]], -1)[batch["words"]]
    parts = [words, *[w[name][batch[f"{name}s"]] for name in ("tag", "role", "shape", "distance")]]
    x = jnp.concatenate(parts, -1)
    x = (
        _drop(next(keys), x, drop) @ w["in_w"]
        + w["in_b"]
        + (w["field"][batch["fields"]] + w["first"][batch["firsts"]])[:, None]
    )
    mask = batch["mask"][..., None]
    x = _normalise(x, w["in_g"], w["in_n"]) * mask
    n, length, width = x.shape
    places = jnp.arange(length)
    offset = jnp.clip(places[None] - places[:, None], -ATTENTION_REACH, ATTENTION_REACH) + ATTENTION_REACH
    hide = (batch["mask"][:, None, None, :] - 1) * 1e9
    size = width // HEADS
    for layer in range(LAYERS):
        padded = jnp.pad(x, ((0, 0), (1, 1), (0, 0)))
        wide = jnp.concatenate([padded[:, :-2], x, padded[:, 2:]], -1) @ w[f"conv_w{layer}"] + w[f"conv_b{layer}"]
        out = jnp.maximum(wide[..., :width], wide[..., width:])
        x = _normalise(x + _drop(next(keys), out, drop), w[f"conv_g{layer}"], w[f"conv_n{layer}"]) * mask
        mixed = x @ w[f"att_w{layer}"] + w[f"att_b{layer}"]
        q, k, v = (part.reshape(n, length, HEADS, size).transpose(0, 2, 1, 3) for part in jnp.split(mixed, 3, -1))
        scores = q @ k.transpose(0, 1, 3, 2) * size**-0.5 + w[f"att_p{layer}"][:, offset] + hide
        out = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(n, length, width) @ w[f"att_o{layer}"]
        x = _normalise(x + _drop(next(keys), out, drop), w[f"att_g{layer}"], w[f"att_n{layer}"]) * mask
    target = jnp.take_along_axis(x, batch["targets"][:, None, None], 1)[:, 0]
    scores = jnp.einsum("nld,nd->nl", x, target @ w["pool_w"].T + w["pool_b"]) * width**-0.5 + hide[:, 0, 0]
    pooled = jnp.einsum("nl,nld->nd", jax.nn.softmax(scores), x)
    top = jnp.where(mask > 0, x, -1e9).max(1)
    state = _drop(next(keys), jnp.concatenate([target, pooled, top], -1), drop)
    hidden = _drop(next(keys), jnp.maximum(state @ w["hid_w"] + w["hid_b"], 0), drop)
    logits = hidden @ w["out_w"] + w["out_b"]
    marks = jnp.einsum("nld,nd->nl", x, target @ w["span_w"].T) + x @ w["span_v"] + w["span_b"]
    return logits, marks


def loss(w: Mapping[str, Any], batch: Mapping[str, Any], key: Any, drop: float, smooth: float) -> Any:
    """Mean cost of the stances, and of the trigger's words where they are known."""
    logits, marks = forward(w, batch, key, drop)
    chances = jax.nn.log_softmax(logits)
    own = jax.nn.logsumexp(chances + jnp.log(batch["allowed"] + 1e-9), axis=-1)
    sure = batch["allowed"].sum(-1) < 1.5
    spread = jnp.where(sure, chances.mean(-1), own)
    stance = -((1 - smooth) * own + smooth * spread).mean()
    words = jax.nn.softplus(marks) - marks * batch["marks"]
    return stance + 0.4 * (words * batch["marked"]).sum() / jnp.maximum(batch["marked"].sum(), 1)


def make_batch(examples: Sequence[Example], tags: Mapping[str, int]) -> Batch:
    """Windows padded to one of a few lengths, so that few shapes are compiled: what ``as_window`` makes of each, faster."""
    known = load_vectors()
    longest = max(len(example.words) for example in examples)
    n, length = len(examples), next(size for size in SHAPES_COMPILED if size >= longest)
    whole, real = np.int32, np.float32
    tag, role, shape, place, word = (np.zeros((n, length), whole) for _ in range(5))
    mask, marks, marked = (np.zeros((n, length), real) for _ in range(3))
    vocabulary: dict[str, int] = {"": 0}
    for row, example in enumerate(examples):
        size, words = len(example.words), example.words
        word[row, :size] = [vocabulary.setdefault(one.text, len(vocabulary)) for one in words]
        tag[row, :size] = [tags.get(one.tag, 0) for one in words]
        shape[row, :size] = [one.shape for one in words]
        role[row, :size] = roles_of(words, example.mentions, example.target)
        place[row, :size] = np.clip(np.arange(size) - example.target, -REACH, REACH) + REACH
        mask[row, :size] = 1
        marks[row, :size] = np.maximum(example.marks, 0)
        marked[row, :size] = np.array(example.marks) >= 0
    size = max(SHAPES_COMPILED[length], -(-len(vocabulary) // 1024) * 1024)
    rows, meanings = np.zeros((size, MOST_PIECES), whole), np.zeros((size, MEANING), real)
    for text, number in vocabulary.items():
        if text:
            found = pieces(text)
            rows[number, : len(found)] = found
            meanings[number] = known.table[known.row(text)]
    return Batch(
        pieces=rows,
        vectors=meanings,
        words=word,
        tags=tag,
        roles=role,
        shapes=shape,
        distances=place,
        fields=np.array([example.field for example in examples], whole),
        targets=np.array([example.target for example in examples], whole),
        firsts=np.array([example.first for example in examples], whole),
        mask=mask,
        allowed=np.array([example.allowed for example in examples], real),
        marks=marks,
        marked=marked,
    )


@partial(jax.jit, static_argnums=(5, 6, 7))
def _step(
    w: Any,
    first: Any,
    second: Any,
    batch: Any,
    key: Any,
    drop: float,
    smooth: float,
    decay: float,
    rate: Any,
    step: Any,
) -> Any:
    cost, slope = jax.value_and_grad(loss)(w, batch, key, drop, smooth)
    size = jnp.sqrt(sum((g * g).sum() for g in slope.values()))
    scale = jnp.minimum(1.0, 1.0 / (size + 1e-6))
    slope = {name: g * scale for name, g in slope.items()}
    first = {name: 0.9 * first[name] + 0.1 * g for name, g in slope.items()}
    second = {name: 0.98 * second[name] + 0.02 * g * g for name, g in slope.items()}
    new = {}
    for name, value in w.items():
        move = (first[name] / (1 - 0.9**step)) / (jnp.sqrt(second[name] / (1 - 0.98**step)) + 1e-8)
        new[name] = value - rate * (move + (decay * value if value.ndim > 1 else 0))
    return new, first, second, cost


def train(
    examples: Sequence[Example],
    fillers: Sequence[Any],
    tags: Mapping[str, int],
    plan: Plan,
    report: Callable[[int, float], None] = lambda _epoch, _cost: None,
) -> dict[str, Any]:
    """The weights learnt from the examples, as float16 arrays."""
    dice = random.Random(plan.seed)
    w = {name: jnp.asarray(value) for name, value in first_weights(plan.seed, len(tags)).items()}
    first = {name: jnp.zeros_like(value) for name, value in w.items()}
    second = {name: jnp.zeros_like(value) for name, value in w.items()}
    key = jax.random.key(plan.seed, impl="rbg")
    steps, step = plan.epochs * -(-len(examples) // plan.batch), 0
    for epoch in range(plan.epochs):
        varied = [vary(example, fillers, examples, dice) for example in examples]
        order = sorted(range(len(varied)), key=lambda i: len(varied[i].words) + 6 * dice.random())
        groups = [order[i : i + plan.batch] for i in range(0, len(order), plan.batch)]
        dice.shuffle(groups)
        costs = []
        for group in groups:
            if len(group) < plan.batch:
                group = [*group, *dice.sample(range(len(varied)), plan.batch - len(group))]
            batch = {
                name: jnp.asarray(value) for name, value in asdict(make_batch([varied[i] for i in group], tags)).items()
            }
            key, own = jax.random.split(key)
            step += 1
            warm = min(1.0, step / 150)
            rate = plan.rate * warm * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / steps)))
            w, first, second, cost = _step(
                w, first, second, batch, own, plan.drop, plan.smooth, plan.decay, jnp.float32(rate), jnp.float32(step)
            )
            costs.append(cost)
        report(epoch, float(np.mean([float(cost) for cost in costs])))
    return {name: np.asarray(value).astype(np.float16) for name, value in w.items()}
