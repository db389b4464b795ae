"""Sessions of a drawing: point by point, how likely each is and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.given_rows import number_in, refuse_other_columns
from longshort.decoding.mixture import class_nats, mixture_of, point_nats
from longshort.errors import ConfigError, DataError
from longshort.runs.abilities import Stepper
from longshort.runs.task import Model
from longshort.runtime.network import is_array
from longshort.runtime.tree import flatten
from longshort.tasks.draw.config import DrawConfig
from longshort.tasks.draw.encoder import INPUTS, STATES, DrawEncoder, steps

Array = NDArray[Any]
Arrays = tuple[Array, ...]
"""The context: outputs for the next point [1, P], nats and points so far [2], and the state's
arrays; nothing before the first point where the network is told something."""

POINT, TOLD = ("dx", "dy", "pen"), "told"
_PENS = ("down", "up", "end")


class DrawSteps(Stepper):
    """Points of one drawing after the other, in the data's unit."""

    def __init__(self, model: Model[DrawConfig, DrawEncoder]) -> None:
        self.model, self.encoder = model, model.encoder
        first = model.call("begin", self._condition(self.encoder.known[:1]))
        x = np.zeros((1, INPUTS), np.float32)
        self._advance = model.callee.bound("advance", x, first)
        self._is_told = self.encoder.condition != "nothing"

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        columns: list[dict[str, Any]] = [
            {"name": name, "type": "number", "role": "value", "optional": False} for name in POINT
        ]
        if self._is_told:
            columns.append({"name": TOLD, "type": "text", "role": "value", "optional": True})
        says = {
            "nats": "of this point",
            "nats_per_point": "of all points so far",
            "dx": "of the likeliest next point",
            "dy": "of the likeliest next point",
            **{
                f"p_{pen}": f"probability that the next point leaves the pen {pen}" for pen in _PENS
            },
        }
        return {"kind": "row", "columns": columns, "answer": says, "remembers": None}

    def begin(self) -> Arrays:
        """Return the context before the first point."""
        return () if self._is_told else self._begun([])

    def advance(self, context: Arrays, x: Any) -> tuple[dict[str, Any], Arrays]:
        """Take a point: its offset, and the pen after it, 0 down, 1 lifted, 2 at the end.

        The first step says what the network is told; the first offset does not count.
        """
        if not isinstance(x, Mapping):
            raise DataError(
                f"a step: a row by column ({', '.join(POINT)}) is expected; got {type(x).__name__}"
            )
        refuse_other_columns(x, POINT, [TOLD] if self._is_told else [])
        dx, dy, pen = (number_in(x, name) for name in POINT)
        if pen not in range(STATES):
            raise DataError(
                f"column 'pen': 0 (down), 1 (lifted) or 2 (end) is expected, got {pen:g}"
            )
        if not context:
            context = self._begun([self._named(x)])
        outputs, sums, *state = context
        is_first = sums[1] == 0
        move = np.zeros((1, 2)) if is_first else np.array([[dx, dy]]) / self.encoder.scale
        pens = np.array([int(pen)])
        mixture = mixture_of(outputs, self.model.config.model.mixtures)
        nats = float(class_nats(mixture, pens)[0])
        nats += 0.0 if is_first else float(point_nats(mixture, move)[0])
        after, *state = self._advance((steps(move, pens), *state))
        sums = sums + np.array([nats, 1.0])
        return self._answer(nats, sums, after), (after, sums, *state)

    def _named(self, x: Mapping[Any, Any]) -> str:
        label = x.get(TOLD)
        if not isinstance(label, str):
            what = "text" if self.encoder.condition == "text" else "label"
            raise DataError(f"column {TOLD!r} is missing; the first step says the {what}")
        return label

    def _condition(self, told: Any) -> Array:
        """Return what the network is told [1] or [1, U]."""
        if not told:
            return np.zeros(1, dtype=np.int64)
        try:
            return np.array([self.encoder.told(told[0], f"column {TOLD!r}")], dtype=np.int64)
        except ConfigError as error:
            raise DataError(str(error)) from None

    def _begun(self, told: list[str]) -> Arrays:
        state = flatten(self.model.call("begin", self._condition(told)), is_array)[0]
        outputs, *after = self._advance((np.zeros((1, INPUTS), np.float32), *state))
        return (outputs, np.zeros(2), *after)

    def _answer(self, nats: float, sums: Array, outputs: Array) -> dict[str, Any]:
        mixture = mixture_of(outputs, self.model.config.model.mixtures)
        best = mixture.means[0][:, mixture.shares[0].argmax()] * self.encoder.scale
        shares = np.exp(-class_nats(mixture, np.arange(STATES)))
        return {
            "nats": nats,
            "nats_per_point": float(sums[0] / sums[1]),
            "dx": float(best[0]),
            "dy": float(best[1]),
            **{f"p_{pen}": float(share) for pen, share in zip(_PENS, shares, strict=True)},
        }
