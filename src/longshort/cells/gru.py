"""The gated recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value, Vector
from longshort.engine.ops import activation, bounded, sigmoid, standardise
from longshort.errors import ArgumentError


@dataclass(frozen=True)
class GRU(Cell):
    """Gated recurrent unit: h = (1-z)⊙n + z⊙h₋ (Cho et al., 2014).

    r is the reset gate, z the update gate (1 keeps the old state), n the candidate. Options:
    `reset`: "after" n = tanh(W x + b + r⊙(R h₋ + b')), the form of cuDNN, torch and Keras, with
    torch's names and order; "before" n = tanh(W x + R(r⊙h₋) + b), the paper's form and ONNX's
    default, with one bias.
    `layer_norm`: each of the two products is normalised, then scaled; the biases come after
    (Ba et al., 2016; the form of haste). It needs `reset="after"`, where R h₋ is one product.
    `activation`: of the candidate. `preactivation_clip`: the inputs of the gates and of this
    activation stay in ±preactivation_clip.
    The update gate's bias starts at 0, as in torch; chrono sets it as the gate that remembers.
    """

    reset: str = "after"
    layer_norm: bool = False
    activation: str = "tanh"
    preactivation_clip: float | None = None

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    state: ClassVar[tuple[str, ...]] = ("h",)
    source: ClassVar[str] = "Cho et al. 2014"
    chrono: ClassVar[tuple[str | None, str | None]] = ("z", None)

    def __post_init__(self) -> None:
        options.one_of(self, "reset", ("after", "before"))
        options.flag(self, "layer_norm")
        options.activation(self, "activation")
        options.bound(self, "preactivation_clip")
        if self.layer_norm and self.reset == "before":
            raise ArgumentError(
                "GRU: layer_norm normalises R h₋ as one product, which reset='before' does not "
                "have; use reset='after'"
            )

    def maps(self, n: Sizes) -> dict[str, Map]:
        """Maps as in torch; with layer norm the biases are vectors."""
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
        before = self.reset == "before"
        a, b = (p.ih(x), p.hh["r", "z"](s.h)) if before else self._products(x, s, p)
        r, z = self._gate(a.r + b.r), self._gate(a.z + b.z)
        if before:
            inner = p.hh["n"](r * s.h)
        else:
            inner = r * (b.n + p.bias_reset if self.layer_norm else b.n)
        n = activation(self.activation)(bounded(a.n + inner, self.preactivation_clip))
        h = (1 - z) * p.drop(n) + z * s.h
        return h, State(h=h)

    def _gate(self, z: Value) -> Value:
        return sigmoid(bounded(z, self.preactivation_clip))

    def _products(self, x: Value, s: Any, p: Any) -> tuple[Value, Value]:
        a, b = p.ih(x), p.hh(s.h)
        if self.layer_norm:
            a, b = standardise(a) * p.gain_ih + p.bias, standardise(b) * p.gain_hh
        return a, b
