"""Steps with their constants bound: the same results as those of the list, with less to do a call.

What a step does again at every call for constants, such as building an index, is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from longshort.runtime.steps import STEPS

_END = 1 << 62
"""An end of a slice from which on it means the whole axis."""
_PLAIN = {"add.Tensor": np.add, "mul.Tensor": np.multiply, "sub.Tensor": np.subtract}

Taken = tuple[Callable[..., Any] | None, list[Any]]
"""A function and its arguments; None in its place: the result is the argument."""


def bound(kind: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Taken:
    """Return a step's function, and the arguments that are left; options come last in them."""
    if not options:
        index = _index(kind, arguments)
        if index is not None:
            return (None if _is_whole(index) else _getter(kind, index)), [arguments[0]]
        if kind in _PLAIN and len(arguments) == 2:
            return _of_two(kind), list(arguments)
        return STEPS[kind], list(arguments)
    return _with_options(STEPS[kind], list(options)), [*arguments, *options.values()]


def _index(kind: str, arguments: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return the constant index that a step takes; None where it is another step."""
    numbers = arguments[1:]
    if not numbers or not all(isinstance(each, int | None) for each in numbers) or numbers[0] < 0:
        return None
    before = (slice(None),) * numbers[0]
    if kind == "unsqueeze":
        return (*before, None)
    if kind == "select.int":
        return (*before, numbers[1])
    if kind == "slice.Tensor":
        start, end, step = [*numbers[1:], None, None, None][:3]
        is_open = end is None or end >= _END
        return (*before, slice(start or None, None if is_open else end, step))
    return None


def _is_whole(index: tuple[Any, ...]) -> bool:
    last = index[-1]
    return isinstance(last, slice) and last.start is last.stop is None and last.step in (None, 1)


def _getter(kind: str, index: tuple[Any, ...]) -> Callable[..., Any]:
    if kind != "select.int":
        return itemgetter(index)
    return lambda x: np.asarray(x[index])


def _of_two(kind: str) -> Callable[..., Any]:
    """Return the step for two arrays of one dtype, and the list's own for everything else."""
    plain, general = _PLAIN[kind], STEPS[kind]

    def applied(a: Any, b: Any) -> Any:
        same = getattr(a, "dtype", None) is getattr(b, "dtype", 0)
        return plain(a, b) if same else general(a, b)

    return applied


def _with_options(run: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """Return a function whose last arguments are these options."""
    count = len(names)

    def applied(*given: Any) -> Any:
        return run(*given[:-count], **dict(zip(names, given[-count:], strict=True)))

    return applied


def row_by_row(x: Any, weight: Any, bias: Any = None) -> Any:
    """Return x [..., K] times weight [N, K] transposed, each row as if it were alone."""
    if x.ndim == 2 and len(x) == 1:
        found = np.dot(weight, x[0])[None]
    else:
        rows = x.reshape(-1, x.shape[-1])
        found = np.empty((len(rows), len(weight)), np.result_type(x, weight))
        for row, into in zip(rows, found, strict=True):
            np.dot(weight, row, out=into)
        found = found.reshape(*x.shape[:-1], len(weight))
    if bias is not None:
        found += bias
    return found
