"""Long short-term memory and its variations (Greff et al., 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value, Vector
from longshort.engine.ops import activation, bounded, concat, identity, standardise
from longshort.errors import ArgumentError

COUPLINGS = ("f=1-i", "i=1-f")
ABLATIONS = ("NIG", "NFG", "NOG", "NIAF", "NOAF", "FGR")
LAYER_NORMS = ("ba2016", "carried", "summed")


@dataclass(frozen=True)
class LSTM(Cell):
    """Long short-term memory with a forget gate (Gers et al., 2000).

    i, f, o = σ(W x + R h₋ + b) are the input, forget and output gates, g = tanh of the same the
    candidate, c = f⊙c₋ + i⊙g the cell, h = o⊙tanh(c). Names and order are torch's, with its second
    bias that only adds to the first. The LSTM of 1997 is `LSTM(ablate=("NFG",))`. Options:
    `peephole`: gates see the cell, i and f the old one, o the new one (Gers & Schmidhuber, 2000).
    `couple`: "f=1-i" or "i=1-f", one gate for both (Greff et al., 2015).
    `ablate`: any of Greff's NIG, NFG, NOG (gate is 1), NIAF, NOAF (no activation), FGR (all gates
    also see all previous gates).
    `layer_norm`: "ba2016" (of both products, and of the cell on its way out; Ba et al., 2016),
    "carried" (the normalised cell is also the one that is carried on), "summed" (of each gate's
    preactivation and of the cell).
    `activations`: of the gates, the candidate and the output.
    `cell_clip`: the cell stays in ±cell_clip. `preactivation_clip`: so do the gates' inputs.
    `projection`: the output is a linear map of the hidden units to this size (Sak et al., 2014).
    """

    peephole: bool = False
    couple: str | None = None
    ablate: tuple[str, ...] = ()
    layer_norm: str | None = None
    activations: tuple[str, str, str] = ("sigmoid", "tanh", "tanh")
    cell_clip: float | None = None
    preactivation_clip: float | None = None
    projection: int = 0

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    state: ClassVar[tuple[str, ...]] = ("h", "c")
    source: ClassVar[str] = "Gers, Schmidhuber & Cummins 2000; Greff et al. 2015"
    gate_bias: ClassVar[dict[str, Start]] = {"f": Start(1.0)}
    chrono: ClassVar[tuple[str | None, str | None]] = ("f", "i")

    def __post_init__(self) -> None:
        options.flag(self, "peephole")
        options.one_of(self, "couple", (None, *COUPLINGS))
        options.some_of(self, "ablate", ABLATIONS)
        options.one_of(self, "layer_norm", (None, *LAYER_NORMS))
        options.activations(self, "activations", 3)
        options.whole(self, "projection", 0)
        options.bound(self, "cell_clip")
        options.bound(self, "preactivation_clip")
        if self.couple and {"NIG", "NFG"} & set(self.ablate):
            raise ArgumentError(
                f"{self.name}: couple={self.couple!r} makes one gate of i and f, which cannot be "
                "ablated too; drop NIG and NFG"
            )
        if "FGR" in self.ablate and not self._multiplicative():
            raise ArgumentError(f"{self.name}: ablate has FGR, but no gate is left to recur")

    def gate_names(self) -> tuple[str, ...]:
        """The gates that this variation has, in torch's order."""
        missing = {"NIG": "i", "NFG": "f", "NOG": "o"}
        gone = {missing[name] for name in self.ablate if name in missing}
        if self.couple:
            gone.add(self.couple[0])
        return tuple(gate for gate in self.gates if gate not in gone)

    def _multiplicative(self) -> tuple[str, ...]:
        return tuple(gate for gate in self.gate_names() if gate != "g")

    def maps(self, n: Sizes) -> dict[str, Map]:
        """Maps as in torch, with "hr" for the projection and "gates" for full gate recurrence."""
        gates = self.gate_names()
        size, out = len(gates) * n.hidden, self.projection or n.hidden
        plain = self.layer_norm is None
        maps = {
            "ih": Map(n.input, size, bias=plain, gates=gates),
            "hh": Map(out, size, plain, gates, recurrent=True, redundant_bias=True),
        }
        if self.projection:
            maps["hr"] = Map(n.hidden, out, bias=False)
        if "FGR" in self.ablate:
            seen = self._multiplicative()
            every = len(seen) * n.hidden
            maps["gates"] = Map(every, every, bias=False, gates=seen, recurrent=True)
        return maps

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        """Peepholes, and gains and biases of layer norm."""
        size = len(self.gate_names()) * n.hidden
        found: dict[str, Vector] = {}
        if self.peephole:
            found |= {f"peephole_{gate}": Vector(n.hidden) for gate in self._multiplicative()}
        if self.layer_norm == "summed":
            found |= {"gain": Vector(size, Start(1.0)), "bias": Vector(size)}
        elif self.layer_norm:
            found |= {name: Vector(size, Start(1.0)) for name in ("gain_ih", "gain_hh")}
            found |= {"bias": Vector(size)}
        if self.layer_norm:
            found |= {"gain_c": Vector(n.hidden, Start(1.0)), "bias_c": Vector(n.hidden)}
        return found

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        """h [B, P or H] and c [B, H]; with full gate recurrence the gates too."""
        sizes = {"h": self.projection or n.hidden, "c": n.hidden}
        if "FGR" in self.ablate:
            sizes |= dict.fromkeys(self._multiplicative(), n.hidden)
        return sizes

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        gate, squash, unsquash = (activation(name) for name in self.activations)
        squash = identity if "NIAF" in self.ablate else squash
        unsquash = identity if "NOAF" in self.ablate else unsquash
        z = self._preactivation(x, s, p)
        gates: dict[str, Value] = {}

        def opened(name: str, cell: Value) -> Value | float:
            if name not in self.gate_names():
                return 1.0
            seen = z[name] + getattr(p, f"peephole_{name}") * cell if self.peephole else z[name]
            gates[name] = gate(bounded(seen, self.preactivation_clip))
            return gates[name]

        if self.couple == "i=1-f":
            f = opened("f", s.c)
            i = 1 - f
        else:
            i = opened("i", s.c)
            f = 1 - i if self.couple else opened("f", s.c)
        g = p.drop(squash(bounded(z["g"], self.preactivation_clip)))
        c = bounded(s.c * f + g * i, self.cell_clip)
        seen = c
        if self.layer_norm:
            seen = standardise(c) * p.gain_c + p.bias_c
        if self.layer_norm in ("carried", "summed"):
            c = seen
        h = unsquash(seen) * opened("o", c)
        if self.projection:
            h = p.hr(h)
        return h, State(h=h, c=c, **(gates if "FGR" in self.ablate else {}))

    def _preactivation(self, x: Value, s: Any, p: Any) -> dict[str, Value]:
        if self.layer_norm in ("ba2016", "carried"):
            z = standardise(p.ih(x)) * p.gain_ih + standardise(p.hh(s.h)) * p.gain_hh + p.bias
        else:
            z = p.ih(x) + p.hh(s.h)
        parts = {name: getattr(z, name) for name in self.gate_names()}
        if self.layer_norm == "summed":
            size = next(iter(parts.values())).width
            for k, name in enumerate(parts):
                span = slice(k * size, (k + 1) * size)
                parts[name] = standardise(parts[name]) * p.gain[span] + p.bias[span]
        if "FGR" in self.ablate:
            seen = self._multiplicative()
            from_gates = p.gates(concat(*(getattr(s, name) for name in seen)))
            parts |= {name: parts[name] + getattr(from_gates, name) for name in seen}
        return parts
