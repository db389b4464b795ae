"""Relevance through the parts of a network around its recurrent layers.

Every function that torch runs on a value that depends on the input needs a rule here: linear ones
keep their gradient, others are replaced by linear ones with the same result. A function without a
rule is refused by its name, so that no share of relevance is lost unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from longshort.engine.executors.common.contract import Trajectory
from longshort.errors import ConfigError
from longshort.explanation.relevance.scan import relevant_scan
from longshort.nn.recurrent import Recurrent

_TINY = 1e-9

LINEAR = frozenset(
    """
    __get__ __getitem__ __neg__ amax amin chunk clone contiguous cumsum detach double dropout
    dropout1d dropout2d embedding embedding_bag expand expand_as feature_dropout flatten flip float
    gather index_select masked_fill max max_pool1d max_pool2d mean min movedim narrow neg permute
    repeat repeat_interleave reshape scatter_add select sort split squeeze sum swapaxes t to
    transpose unbind unflatten unsqueeze view view_as
    """.split()  # noqa: SIM905
)
"""Functions that move, choose or sum up values: their gradient is their share of relevance."""


class RelevanceMode(TorchFunctionMode):
    """While active, the gradient of what torch computes is the share of relevance.

    one [1]: 1, whose relevance is that of all constants, such as biases.
    """

    def __init__(self, one: Tensor) -> None:
        super().__init__()
        self.one = one
        self._paused = False
        self._gates: dict[int, Tensor] = {}
        """Values that scale others; kept, so that no other value gets the same id."""

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Run torch as it is."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        live = [each for each in _tensors((*args, *kwargs.values())) if each.requires_grad]
        if self._paused or not live:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", str(func))
        rule = _RULES.get(name)
        if rule is not None:
            return rule(self, func, *args, **kwargs)
        found = func(*args, **kwargs)
        if name in LINEAR:
            if isinstance(found, Tensor) and id(live[0]) in self._gates:
                self.as_gate(found)
            return found
        if not any(each.requires_grad for each in _tensors((found,))):
            return found
        raise ConfigError(
            f"lrp: the network uses {name!r}, for which there is no rule; use --method ig or "
            "occlusion, which need none"
        )

    def as_gate(self, value: Tensor) -> Tensor:
        """Mark a value as one that scales others, through which no relevance flows in products."""
        self._gates[id(value)] = value
        return value

    def is_gate(self, value: Tensor) -> bool:
        """Whether a value was marked as one that scales others."""
        return id(value) in self._gates

    def constant(self, value: Any) -> Any:
        """Return a term of a sum so that its relevance is counted as that of a constant."""
        if isinstance(value, Tensor):
            if value.requires_grad or not value.is_floating_point():
                return value
            return value * self.one.to(value)
        return value * self.one if isinstance(value, (int, float)) else value


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _is_live(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _add(mode: RelevanceMode, _: Any, /, a: Any, b: Any, *, alpha: float = 1) -> Tensor:
    found: Tensor = mode.constant(a) + alpha * mode.constant(b)
    return found


def _sub(mode: RelevanceMode, _: Any, /, a: Any, b: Any, *, alpha: float = 1) -> Tensor:
    found: Tensor = mode.constant(a) - alpha * mode.constant(b)
    return found


def _rsub(mode: RelevanceMode, func: Any, /, a: Any, b: Any) -> Tensor:
    return _sub(mode, func, b, a)


def _mul(mode: RelevanceMode, _: Any, /, a: Any, b: Any) -> Tensor:
    found: Tensor
    if not (_is_live(a) and _is_live(b)):
        found = a * b
    elif mode.is_gate(a) != mode.is_gate(b):
        found = a.detach() * b if mode.is_gate(a) else a * b.detach()
    else:
        found = 0.5 * (a * b.detach() + a.detach() * b)
    return found


def _matmul(mode: RelevanceMode, _: Any, /, a: Tensor, b: Tensor) -> Tensor:
    if not (_is_live(a) and _is_live(b)):
        return a @ b
    if mode.is_gate(a) != mode.is_gate(b):
        return a.detach() @ b if mode.is_gate(a) else a @ b.detach()
    return 0.5 * (a @ b.detach() + a.detach() @ b)


def _div(mode: RelevanceMode, _: Any, /, a: Any, b: Any, **how: Any) -> Tensor:
    """Divide; the divisor only scales."""
    if how.get("rounding_mode") is not None:
        with torch.no_grad():
            return torch.div(a, b, **how)
    if _is_live(a):
        found: Tensor = a / (b.detach() if isinstance(b, Tensor) else b)
        return found
    return _chord(mode, b, a / b.detach(), 0.0)


def _linear(mode: RelevanceMode, _: Any, /, x: Tensor, w: Tensor, bias: Any = None) -> Tensor:
    found = F.linear(x, w.detach())
    return found if bias is None else found + bias.detach() * mode.one.to(x)


def _conv1d(
    mode: RelevanceMode, _: Any, /, x: Tensor, w: Tensor, bias: Any = None, *more: Any, **how: Any
) -> Tensor:
    found = F.conv1d(x, w.detach(), None, *more, **how)
    return found if bias is None else found + (bias.detach() * mode.one.to(x))[:, None]


def _conv2d(
    mode: RelevanceMode, _: Any, /, x: Tensor, w: Tensor, bias: Any = None, *more: Any, **how: Any
) -> Tensor:
    found = F.conv2d(x, w.detach(), None, *more, **how)
    return found if bias is None else found + (bias.detach() * mode.one.to(x))[:, None, None]


def _batch_norm(
    mode: RelevanceMode, _: Any, /, x: Tensor, mean: Any, variance: Any, weight: Any = None,
    bias: Any = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalise by running averages: a scale and a constant for each channel."""
    del momentum
    if training or mean is None:
        raise ConfigError("lrp: normalisation by the batch has no rule; use --method ig")
    scale = (variance + eps).rsqrt() * (1.0 if weight is None else weight.detach())
    shift = (0.0 if bias is None else bias.detach()) - mean * scale
    wide = (-1, *[1] * (x.dim() - 2))
    found: Tensor = x * scale.view(wide) + (shift * mode.one.to(x)).view(wide)
    return found


def _pad(mode: RelevanceMode, func: Any, /, x: Tensor, *more: Any, **how: Any) -> Tensor:
    del mode
    found: Tensor = func(x, *more, **how)
    if how.get("value") or (len(more) > 2 and more[2]):
        raise ConfigError("lrp: padding with other values than 0 has no rule; use --method ig")
    return found


def _joined(mode: RelevanceMode, func: Any, /, tensors: Any, *more: Any, **how: Any) -> Tensor:
    found: Tensor = func([mode.constant(each) for each in tensors], *more, **how)
    return found


def _where(mode: RelevanceMode, func: Any, /, condition: Tensor, a: Any, b: Any) -> Tensor:
    found: Tensor = func(condition, mode.constant(a), mode.constant(b))
    return found


def _chord(mode: RelevanceMode, a: Tensor, y: Tensor, start: float) -> Tensor:
    """Return y = f(a) as slope · a + f(0), with the slope of the chord from 0."""
    before = a.detach()
    is_small = before.abs() < _TINY
    slope = torch.where(is_small, 0.0, (y - start) / torch.where(is_small, 1.0, before))
    return a * slope + (y - slope * before) * mode.one.to(a)


def _activation(function: Callable[..., Tensor], *, gate: bool = False) -> Callable[..., Tensor]:
    def rule(mode: RelevanceMode, _: Any, /, a: Tensor, *more: Any, **how: Any) -> Tensor:
        how.pop("inplace", None)
        with torch.no_grad():
            y, start = function(a, *more, **how), function(torch.zeros_like(a[..., :0].sum()))
        found = _chord(mode, a, y, float(start))
        return mode.as_gate(found) if gate else found

    return rule


def _statistic(mode: RelevanceMode, func: Any, /, a: Tensor, *more: Any, **how: Any) -> Any:
    """Return a scale or weights, through which no relevance flows."""
    del mode
    with torch.no_grad():
        return func(a, *more, **how)


def _square(mode: RelevanceMode, _: Any, /, a: Tensor, *more: Any) -> Tensor:
    del mode
    if more and more[0] != 2:
        raise ConfigError(f"lrp: the power {more[0]!r} has no rule; use --method ig")
    return a * a.detach()


_RULES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("add", "__add__", "__radd__", "add_", "__iadd__"), _add),
    **dict.fromkeys(("sub", "__sub__", "subtract", "__isub__"), _sub),
    **dict.fromkeys(("rsub", "__rsub__"), _rsub),
    **dict.fromkeys(("mul", "__mul__", "__rmul__", "multiply", "__imul__"), _mul),
    **dict.fromkeys(("div", "__truediv__", "true_divide", "divide", "__itruediv__"), _div),
    "__rtruediv__": lambda mode, func, a, b: _div(mode, func, b, a),
    **dict.fromkeys(("matmul", "__matmul__", "bmm", "mm"), _matmul),
    "__rmatmul__": lambda mode, func, a, b: _matmul(mode, func, b, a),
    "linear": _linear,
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "batch_norm": _batch_norm,
    "pad": _pad,
    **dict.fromkeys(("cat", "stack", "concat", "concatenate", "hstack"), _joined),
    "where": _where,
    **dict.fromkeys(("relu", "relu_"), _activation(torch.relu)),
    **dict.fromkeys(("tanh", "tanh_"), _activation(torch.tanh)),
    **dict.fromkeys(("sigmoid", "sigmoid_"), _activation(torch.sigmoid, gate=True)),
    "exp": _activation(torch.exp, gate=True),
    "expm1": _activation(torch.expm1),
    "softplus": _activation(F.softplus),
    "gelu": _activation(F.gelu),
    "sqrt": _activation(torch.sqrt),
    "square": _square,
    **dict.fromkeys(("pow", "__pow__"), _square),
    **dict.fromkeys(("var", "std", "softmax", "rsqrt", "reciprocal"), _statistic),
}


@contextmanager
def scans_replaced(network: nn.Module, run: Callable[..., Trajectory]) -> Iterator[None]:
    """Run the recurrent layers of a network by another scan in the block."""
    layers = [each for each in network.modules() if isinstance(each, Recurrent)]
    before = [layer.scan for layer in layers]
    for layer in layers:
        layer.scan = run
    try:
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            layer.scan = own


@contextmanager
def relevance(
    network: nn.Module, one: Tensor, run: Callable[..., Trajectory] = relevant_scan
) -> Iterator[None]:
    """Give the gradient the meaning of relevance for whatever is computed in the block.

    one [1]: 1, whose relevance is that of all constants. run: the scan of recurrent layers, with
    `one` as its first argument.
    """
    mode = RelevanceMode(one)

    def paused(*given: Any, **how: Any) -> Trajectory:
        with mode.paused():
            return run(one, *given, **how)

    with scans_replaced(network, paused), mode:
        yield
