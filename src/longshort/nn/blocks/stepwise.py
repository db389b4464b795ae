"""Recurrent layers and what summarises them, step by step from a state instead of the history.

Letters: L layers, B batch, W width of a state, F features.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from longshort.nn.blocks.pooling import Pooling
from longshort.nn.blocks.summary import Summary
from longshort.nn.recurrent import Recurrent

State = dict[str, Any]
"""count [B]: steps so far; layers: the layers' states [L, B, W]; pooled [B, W] and statistics
[B, F]: where they need more than the last step."""

POOLINGS = ("last", "mean", "max")
"""Poolings that can go on from a state."""


def can_step(layers: Recurrent, pooling: Pooling) -> bool:
    """Whether a state is enough: nothing runs backwards or looks at all steps again."""
    return not layers.bidirectional and pooling.kind in POOLINGS


def first_state(layers: Recurrent, pooling: Pooling, summary: Summary | None, width: int) -> State:
    """Return the state of one sequence before its first step; width: number of features."""
    state = layers.initial_state()
    like = next(layers.parameters())
    found: State = {
        "count": torch.zeros(1, dtype=torch.int64, device=like.device),
        "layers": state if isinstance(state, tuple) else (state,),
    }
    if pooling.kind != "last":
        begin = 0.0 if pooling.kind == "mean" else -torch.inf
        found["pooled"] = like.new_full((1, layers.output_size), begin)
    if summary is not None:
        zeros = like.new_zeros(1, width)
        found["statistics"] = (zeros, zeros, zeros + torch.inf, zeros - torch.inf)
    return found


def advance(
    layers: Recurrent, pooling: Pooling, summary: Summary | None, x: Tensor, state: State
) -> tuple[Tensor, State]:
    """Take in a step x [B, F]; return what the head reads, [B, ·], and the state."""
    count = state["count"] + 1
    given = state["layers"]
    y, after = layers.step(x, given if len(given) > 1 else given[0])
    found: State = {"count": count, "layers": after if isinstance(after, tuple) else (after,)}
    seen = y
    if pooling.kind == "mean":
        seen = state["pooled"] + (y - state["pooled"]) / count[:, None]
    elif pooling.kind == "max":
        seen = torch.maximum(state["pooled"], y)
    if pooling.kind != "last":
        found["pooled"] = seen
    if summary is None:
        return seen, found
    found["statistics"] = summary.after(x, state["statistics"], count)
    return torch.cat([seen, summary.of(found["statistics"], count)], 1), found
