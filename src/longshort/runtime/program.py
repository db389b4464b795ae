"""A network's function as a list of bound steps, prepared once for many calls.

Values have numbered places. A step is a function, the place of its result, and what takes its
arguments from the places. What depends on weights alone is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from longshort.runtime.binding import bound, row_by_row
from longshort.runtime.recurrent import Layers
from longshort.runtime.steps import STEPS

if TYPE_CHECKING:
    from longshort.runtime.network import Function

Array = NDArray[Any]
Bound = tuple[Callable[..., Any], int, Callable[[list[Any]], Sequence[Any]]]

SCAN, LINEAR = "longshort.scan", "linear"
_MIXING = {"addmm", "bmm", "conv1d", "conv2d", "matmul", "mm"}
"""Steps in which the bits of a row depend on how many there are."""


class Program:
    """A function with its weights.

    by_row: products of rows [B, K] are computed row by row, so that a row's bits do not depend on
    the others.
    """

    def __init__(
        self, function: Function, weights: Mapping[str, Array], layers: Layers, *, by_row: bool
    ) -> None:
        self._layers = layers
        self._places: dict[str, int] = {}
        self._values: list[Any] = []
        self._known: list[bool] = []
        self._steps: list[Bound] = []
        for name in function.inputs:
            self._place(None, False, name)
        for name, weight in function.weights.items():
            self._place(weights[weight], True, name)
        for step in function.steps:
            arguments = list(step.arguments)
            if step.kind == SCAN:
                self._add_scan(step.name, arguments)
                continue
            run, left = bound(step.kind, arguments, step.options)
            if run is None:
                self._places[step.name] = self._argument(left[0])
            else:
                is_product = by_row and step.kind == LINEAR
                self._add(step.name, row_by_row if is_product else run, left)
        kinds = {step.kind for step in function.steps}
        self.is_row_exact = by_row and layers.is_native and not kinds & _MIXING
        """Whether a row's answer has the same bits whatever the others are."""
        self._count = len(function.inputs)
        self._results = [self._places[name] for name in function.results]

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the arrays of the result."""
        values = self._values.copy()
        values[: self._count] = arrays
        for run, place, arguments in self._steps:
            values[place] = run(*arguments(values))
        return [np.asarray(values[place]) for place in self._results]

    def _place(self, value: Any, is_known: bool, name: str = "") -> int:
        self._values.append(value)
        self._known.append(is_known)
        place = len(self._values) - 1
        if name:
            self._places[name] = place
        return place

    def _argument(self, argument: Any) -> int:
        """Return the place of an argument; a list with results in it is a step of its own."""
        if isinstance(argument, dict):
            return self._places[argument["result"]]
        if isinstance(argument, list) and _refers(argument):
            return self._add("", _listed, argument)
        return self._place(argument, True)

    def _add(self, name: str, run: Callable[..., Any], arguments: list[Any]) -> int:
        """Add a step; one whose arguments are all known is computed now."""
        places = [self._argument(each) for each in arguments]
        if places and all(self._known[place] for place in places):
            return self._place(run(*[self._values[place] for place in places]), True, name)
        place = self._place(None, False, name)
        self._steps.append((run, place, _taking(places)))
        return place

    def _add_scan(self, name: str, arguments: list[Any]) -> None:
        """Add a recurrent layer; where its weights are known it is packed."""
        equations, inputs, state, parameters, lengths = [*arguments, None][:5]
        places = [self._argument(each) for each in parameters]
        if len(inputs) != 1 or not all(self._known[place] for place in places):
            self._layers.reasons.add("equations of more than x, or with computed weights")
            self._add(name, STEPS[SCAN], arguments)
            return
        layer = self._layers.prepared(equations, [self._values[place] for place in places])
        self._add(name, layer, [inputs[0], lengths, *state])


def _taking(places: list[int]) -> Callable[[list[Any]], Sequence[Any]]:
    if len(places) == 1:
        (place,) = places
        return lambda values: (values[place],)
    if not places:
        return lambda _values: ()
    return itemgetter(*places)


def _listed(*items: Any) -> list[Any]:
    return list(items)


def _refers(argument: Any) -> bool:
    if isinstance(argument, list):
        return any(_refers(each) for each in argument)
    return isinstance(argument, dict)
