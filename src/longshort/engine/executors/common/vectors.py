"""Values that depend on parameters alone, computed in torch before and after a scan."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from longshort.engine.derive import Derived
from longshort.engine.executors.common.values import Values
from longshort.engine.executors.torch import FUNCTIONS
from longshort.engine.graph import Node
from longshort.engine.ops import EPSILON


def _inverse_deviation(a: Tensor) -> Tensor:
    return torch.rsqrt(a.var(-1, correction=0, keepdim=True) + EPSILON)


def _standardise_gradient(d: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    along = (d * y).mean(-1, keepdim=True)
    return (d - d.mean(-1, keepdim=True) - y * along) * scale


def _cumsum_reversed(a: Tensor) -> Tensor:
    return a.flip(-1).cumsum(-1).flip(-1)


ALL_FUNCTIONS = FUNCTIONS | {
    "sigmoid_gradient": lambda d, y: d * y * (1 - y),
    "tanh_gradient": lambda d, y: d * (1 - y * y),
    "inverse_deviation": _inverse_deviation,
    "standardise_gradient": _standardise_gradient,
    "cumsum_reversed": _cumsum_reversed,
}


def evaluate(
    values: Values, parameters: dict[str, Tensor], gathered: Sequence[Tensor], like: Tensor
) -> list[Tensor]:
    """Compute the targets of `values` from the parameters and from sums over time and batch.

    They have the dtype of the parameters under autocast too, since native code and kernels rely on
    it.
    """
    kind = like.device.type
    if values.order and torch.is_autocast_enabled(kind):
        with torch.autocast(kind, enabled=False):
            return _targets(values, parameters, gathered, like)
    return _targets(values, parameters, gathered, like)


def _targets(
    values: Values, parameters: dict[str, Tensor], gathered: Sequence[Tensor], like: Tensor
) -> list[Tensor]:
    found: dict[int, Tensor] = {}
    for index in values.order:
        found[index] = _value(values.nodes[index], found, parameters, gathered, like)
    return [found[index] for index in values.targets]


def parameter_gradients(
    derived: Derived,
    results: Values,
    parameters: dict[str, Tensor],
    gathered: Sequence[Tensor],
    matrices: dict[str, Tensor],
    like: Tensor,
) -> list[Tensor]:
    """Return gradients of the vectors; adds those of products with parameters to `matrices`."""
    found = evaluate(results, parameters, gathered, like)
    graph = derived.forward
    pairs = found[len(graph.vectors) :]
    for m, d, v in zip(derived.late, pairs[::2], pairs[1::2], strict=True):
        rows = matrices[m.matrix][m.span[0] : m.span[1]]
        rows += torch.outer(d.expand(rows.size(0)), v.expand(rows.size(1)))
    return [v.expand(w).clone() for v, w in zip(found, graph.vectors.values(), strict=False)]


def _value(
    node: Node,
    values: dict[int, Tensor],
    parameters: dict[str, Tensor],
    gathered: Sequence[Tensor],
    like: Tensor,
) -> Tensor:
    inputs = [values[i] for i in node.inputs]
    match node.op:
        case "constant":
            return like.new_full((1,), node.value)
        case "vector":
            return parameters[node.name]
        case "gathered":
            return gathered[int(node.name)]
        case "slice":
            return inputs[0][node.span[0] : node.span[1]]
        case "expand":
            return inputs[0].expand(node.width)
        case "product":
            product = F.linear(inputs[0], parameters[node.name][node.span[0] : node.span[1]])
        case "product_transposed":
            product = inputs[0] @ parameters[node.name][node.span[0] : node.span[1]]
        case "gated_sigmoid_gradient":
            return inputs[0] * inputs[1] * inputs[2] * (1 - inputs[2])
        case "gated_tanh_gradient":
            return inputs[0] * inputs[1] * (1 - inputs[2] * inputs[2])
        case "muladd":
            return inputs[0] * inputs[1] + inputs[2]
        case _:
            return ALL_FUNCTIONS[node.op](*inputs)
    return product + inputs[1] if len(inputs) > 1 else product
