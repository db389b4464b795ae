"""The minimal LSTM and GRU, which a parallel scan can compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value
from longshort.engine.ops import greater_equal, log_sigmoid, sigmoid, where


@dataclass(frozen=True)
class _Minimal(Cell):
    """A cell whose state enters as h = a⊙h₋ + b only, with a and b from the input alone.

    Where `positive`, candidates are g(x) = x + 1/2 for x ≥ 0, else σ(x), so that a scan can work
    with logarithms: log g(x) = log(x + 1/2) and -softplus(-x).
    """

    positive: bool = False

    state: ClassVar[tuple[str, ...]] = ("h",)
    source: ClassVar[str] = "Feng et al. 2024"

    def __post_init__(self) -> None:
        options.flag(self, "positive")

    def maps(self, n: Sizes) -> dict[str, Map]:
        """One map of the input for everything."""
        return {"ih": Map(n.input, len(self.gates) * n.hidden, gates=self.gates)}

    def _candidate(self, z: Value, p: Any) -> Value:
        if self.positive:
            z = where(greater_equal(z, 0.0), z + 0.5, sigmoid(z))
        candidate: Value = p.drop(z)
        return candidate


@dataclass(frozen=True)
class MinGRU(_Minimal):
    """Minimal GRU: h = (1-z)⊙h₋ + z⊙g, the gates see the input alone (Feng et al., 2024).

    z is the update gate (1 takes the candidate, unlike in GRU), g the candidate, linear. Options:
    `positive`: the candidate is made positive, as the paper does in its log-space form. The
    paper's code then also starts from g(h0); here the given state is h itself.
    """

    gates: ClassVar[tuple[str, ...]] = ("z", "g")
    chrono: ClassVar[tuple[str | None, str | None]] = (None, "z")

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        x = p.ih(x)
        z = sigmoid(x.z)
        h = (1 - z) * s.h + z * self._candidate(x.g, p)
        return h, State(h=h)


@dataclass(frozen=True)
class MinLSTM(_Minimal):
    """Minimal LSTM: h = f'⊙h₋ + i'⊙g, where f' = f/(f+i), i' = i/(f+i) (Feng et al., 2024).

    f and i see the input alone; the candidate g is linear. f' is computed as
    σ(log σ(f) - log σ(i)), the same number without a division that could be 0/0. Options:
    `positive`: as in `MinGRU`.
    """

    gates: ClassVar[tuple[str, ...]] = ("f", "i", "g")
    gate_bias: ClassVar[dict[str, Start]] = {"f": Start(1.0)}
    chrono: ClassVar[tuple[str | None, str | None]] = ("f", "i")

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        z = p.ih(x)
        f = sigmoid(log_sigmoid(z.f) - log_sigmoid(z.i))
        h = f * s.h + (1 - f) * self._candidate(z.g, p)
        return h, State(h=h)
