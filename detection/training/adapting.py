"""The base model with a low-rank adaptation, in torch: the arithmetic of ``detection.deep.graph``, with gradients."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from detection.deep.base import HEAD, HEADS, LAYERS, MATRICES, NORMS, WIDTH, Base

#: Marks of our own beside the vocabulary: half of them are spare.
_MARKS = 8


class _Matrix(nn.Module):
    """W, kept as it is, plus B A: LoRA (arXiv:2106.09685) with alpha twice the rank."""

    def __init__(self, weight: torch.Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.register_buffer("weight", weight.to(torch.bfloat16))
        self.a = nn.Parameter(torch.randn(rank, columns) * columns**-0.5)
        self.b = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        low = functional.linear(functional.linear(x, self.a.to(x.dtype)), 2 * self.b.to(x.dtype))
        return functional.linear(x, self.weight) + low


def _norm(x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6) * gain).to(x.dtype)


class _Layer(nn.Module):
    def __init__(self, base: Base, number: int, rank: int) -> None:
        super().__init__()
        for name in MATRICES:
            setattr(self, name, _Matrix(torch.from_numpy(base.weight(f"blk.{number}.{name}")), rank))
        for name in NORMS:
            self.register_buffer(name, torch.from_numpy(base.weight(f"blk.{number}.{name}")))
        self.base = 1e6 if (number + 1) % 6 == 0 else 1e4

    def _turn(self, x: torch.Tensor) -> torch.Tensor:
        places = torch.arange(x.shape[-2]).float()[:, None]
        angles = places * self.base ** (-torch.arange(0, HEAD, 2).float() / HEAD)
        cosines, sines = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        a, b = x[..., : HEAD // 2], x[..., HEAD // 2 :]
        return torch.cat([a * cosines - b * sines, b * cosines + a * sines], -1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, length, _ = x.shape
        h = _norm(x, self.attn_norm)
        query = _norm(self.attn_q(h).view(n, length, HEADS, HEAD), self.attn_q_norm).transpose(1, 2)
        key = _norm(self.attn_k(h).view(n, length, 1, HEAD), self.attn_k_norm).transpose(1, 2)
        value = self.attn_v(h).view(n, length, 1, HEAD).transpose(1, 2)
        whole = (n, HEADS, length, HEAD)
        out = functional.scaled_dot_product_attention(
            self._turn(query), self._turn(key).expand(whole), value.expand(whole), is_causal=True, scale=HEAD**-0.5
        )
        out = self.attn_output(out.transpose(1, 2).reshape(n, length, HEADS * HEAD))
        x = x + _norm(out, self.post_attention_norm)
        h = _norm(x, self.ffn_norm)
        out = self.ffn_down(functional.gelu(self.ffn_gate(h), approximate="tanh") * self.ffn_up(h))
        return x + _norm(out, self.post_ffw_norm)


class Adapted(nn.Module):
    """Logits of the six stances for a batch of texts, padded on the right (no earlier piece sees a later one)."""

    def __init__(self, base: Base, rank: int) -> None:
        super().__init__()
        table = torch.from_numpy(base.weight("token_embd"))
        self.register_buffer("table", table.to(torch.bfloat16))
        self.register_buffer("output_norm", torch.from_numpy(base.weight("output_norm")))
        self.marks = nn.Parameter(
            table[1000 : 1000 + _MARKS].mean(0).repeat(_MARKS, 1) + 0.01 * torch.randn(_MARKS, WIDTH)
        )
        self.layers = nn.ModuleList(_Layer(base, number, rank) for number in range(LAYERS))
        self.head = nn.Linear(2 * WIDTH, 6)
        nn.init.normal_(self.head.weight, 0, 0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, numbers: torch.Tensor, last: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        known = functional.embedding(numbers.clamp(min=0), self.table)
        own = self.marks.to(known.dtype)[(-numbers - 1).clamp(min=0)]
        x = torch.where((numbers < 0)[..., None], own, known) * WIDTH**0.5
        for layer in self.layers:
            x = layer(x)
        x = _norm(x, self.output_norm)
        rows = torch.arange(len(numbers))
        return self.head(torch.cat([x[rows, last], x[rows, place]], -1).float())

    def adapter(self) -> Mapping[str, NDArray[Any]]:
        """What was learnt, under the names that ``detection.deep.graph`` reads."""
        found: dict[str, NDArray[Any]] = {}
        for name, value in self.named_parameters():
            array = value.detach().float().numpy()
            if name.startswith("layers."):
                found[name.removeprefix("layers.")] = array.astype(np.float16)
            else:
                found[name] = array
        return found
