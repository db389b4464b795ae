"""The gated recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value, Vector
from longshort.engine.ops import activation, sigmoid, standardise
from longshort.errors import ConfigError


@dataclass(frozen=True)
class GRU(Cell):
    """Gated recurrent unit: h = (1-z)⊙n + z⊙h₋ (Cho et al., 2014).

    r is the reset gate, z the update gate (1 keeps the old state), n the candidate. Options:
    `reset`: "after" n = tanh(W x + b + r⊙(R h₋ + b')), the form of cuDNN, torch and Keras, with
    torch's names and order; "before" n = tanh(W x + R(r⊙h₋) + b), the paper's form and ONNX's
    default, with one bias.
    `layer_norm`: each of the two products is normalised, then scaled; the biases come after
    (Ba et al., 2016; the form of haste). It needs `reset="after"`, where R h₋ is one product.
    `activation`: of the candidate.
    The update gate's bias starts at 0, as in torch; chrono sets it as the gate that remembers.
    """

    reset: str = "after"
    layer_norm: bool = False
    activation: str = "tanh"

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    state: ClassVar[tuple[str, ...]] = ("h",)
    source: ClassVar[str] = "Cho et al. 2014"
    chrono: ClassVar[tuple[str | None, str | None]] = ("z", None)

    def __post_init__(self) -> None:
        options.one_of(self, "reset", ("after", "before"))
        options.flag(self, "layer_norm")
        options.activation(self, "activation")
        if self.layer_norm and self.reset == "before":
            raise ConfigError(
                "GRU: layer_norm normalises R h₋ as one product, which reset='before' does not "
                "have; use reset='after'"
            )

    def maps(self, n: Sizes) -> dict[str, Map]:
        """As torch's; with layer norm the biases are vectors."""
        size, plain = 3 * n.hidden, not self.layer_norm
        two = plain and self.reset == "after"
        return {
            "ih": Map(n.input, size, plain, self.gates),
            "hh": Map(n.hidden, size, two, self.gates, recurrent=True),
        }

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        """Gains and biases of layer norm."""
        if not self.layer_norm:
            return {}
        size = 3 * n.hidden
        gains = {name: Vector(size, Start(1.0)) for name in ("gain_ih", "gain_hh")}
        return gains | {"bias": Vector(size), "bias_reset": Vector(n.hidden)}

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        phi = activation(self.activation)
        if self.reset == "after":
            a, b = self._products(x, s, p)
            r, z = sigmoid(a.r + b.r), sigmoid(a.z + b.z)
            inner = b.n + p.bias_reset if self.layer_norm else b.n
            n = phi(a.n + r * inner)
        else:
            a, b = p.ih(x), p.hh["r", "z"](s.h)
            r, z = sigmoid(a.r + b.r), sigmoid(a.z + b.z)
            n = phi(a.n + p.hh["n"](r * s.h))
        h = (1 - z) * p.drop(n) + z * s.h
        return h, State(h=h)

    def _products(self, x: Value, s: Any, p: Any) -> tuple[Value, Value]:
        a, b = p.ih(x), p.hh(s.h)
        if self.layer_norm:
            a, b = standardise(a) * p.gain_ih + p.bias, standardise(b) * p.gain_hh
        return a, b
