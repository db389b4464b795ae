"""How new drawings are made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

from longshort.data.strokes.ink import Ink
from longshort.errors import ConfigError


@dataclass(frozen=True)
class Pen:
    """Settings of drawing.

    count: number of drawings. bias: the larger, the likelier and tidier they are; 0 draws them as
    the network has them. seed: of what is drawn at random. told: the label or the text of the
    drawings, where the network is told one. prime: a drawing that is gone on with; where the
    network is told a text, it shows the hand, and `primed` is what it says. most: points of a
    drawing; as many as the longest in training when None.
    """

    count: int = 1
    bias: float = 0.0
    seed: int = 0
    told: str | None = None
    prime: Ink | None = None
    primed: str | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        _whole("count", self.count, 1)
        _whole("seed", self.seed, 0)
        if self.most is not None:
            _whole("length", self.most, 1)
        if not (isinstance(self.bias, Real) and 0.0 <= self.bias < math.inf):
            raise ConfigError(f"bias: a number from 0 is expected, got {self.bias!r}")


def _whole(name: str, value: object, least: int) -> None:
    if not (isinstance(value, Integral) and least <= int(value) < 2**63):
        raise ConfigError(f"{name}: a whole number from {least} is expected, got {value!r}")
