"""Every cell with every option, and data to run it on: what all tests of properties go through."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from longshort import cells
from longshort.cells import Cell, Map, Sizes, State, Vector
from longshort.engine.graph import Graph, Input
from longshort.engine.ops import sigmoid, tanh
from longshort.engine.trace import Mode, trace

Array = NDArray[Any]
Arrays = dict[str, Array]

T, B = 5, 4
LENGTHS = (5, 1, 4, 3)


@dataclass(frozen=True)
class Trial:
    """A cell with its options and sizes, in a mode."""

    id: str
    cell: Cell
    mode: Mode = field(default_factory=Mode)
    sizes: Sizes = field(default_factory=lambda: Sizes(3, 4))
    smooth: bool = True
    """False: steps of a threshold, whose declared gradient is not that of finite differences."""
    discrete: tuple[str, ...] = ()
    """States that only switch: nothing flows back to them."""

    def within(self, **changes: Any) -> Trial:
        """The same trial with another mode."""
        return replace(self, mode=replace(self.mode, **changes))


@dataclass(frozen=True)
class Case:
    """A trial's graph with numbers: all a scan is given."""

    graph: Graph
    parameters: Arrays
    inputs: Arrays
    state: Arrays
    weights: Arrays = field(default_factory=dict)
    """Of the linear functional to differentiate: "output" [T, B, P] and by state [B, W]."""


def _lstm() -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = {
        "plain": {},
        "peephole": {"peephole": True},
        "couple-f": {"couple": "f=1-i"},
        "couple-i": {"couple": "i=1-f"},
        "couple-f-peephole": {"couple": "f=1-i", "peephole": True},
        "couple-i-peephole": {"couple": "i=1-f", "peephole": True},
        "1997-no-output-gate": {"ablate": ("NFG", "NOG")},
        "no-gates": {"ablate": ("NIG", "NFG", "NOG")},
        "linear": {"ablate": ("NIAF", "NOAF")},
        "full-coupled": {"ablate": ("FGR",), "couple": "f=1-i"},
        "full-projected": {"ablate": ("FGR", "NOG"), "projection": 2, "peephole": True},
        "hard-gates": {"activations": ("hard_sigmoid", "tanh", "tanh")},
        "relu": {"activations": ("sigmoid", "relu", "relu")},
        "identity": {"activations": ("sigmoid", "identity", "identity")},
        "odd-activations": {"activations": ("tanh", "sigmoid", "hard_sigmoid")},
        "cell-clip": {"cell_clip": 0.4},
        "preactivation-clip": {"preactivation_clip": 0.5},
        "both-clips": {"cell_clip": 0.6, "preactivation_clip": 0.7, "peephole": True},
        "projection": {"projection": 2},
        "projection-peephole": {"projection": 3, "peephole": True},
        "many": {
            "projection": 2,
            "peephole": True,
            "couple": "i=1-f",
            "layer_norm": "ba2016",
            "cell_clip": 0.8,
            "activations": ("hard_sigmoid", "tanh", "sigmoid"),
        },
    }
    for name in cells.lstm.ABLATIONS:
        options[name] = {"ablate": (name,)}
        options[f"{name}-peephole"] = {"ablate": (name,), "peephole": True}
    for name in cells.lstm.LAYER_NORMS:
        options[f"norm-{name}"] = {"layer_norm": name}
        options[f"norm-{name}-peephole"] = {"layer_norm": name, "peephole": True}
    return options


class Conditioned(Cell):
    """A user's cell with products of parameters, one of a product."""

    gates: ClassVar[tuple[str, ...]] = ("a", "b")

    def maps(self, n: Sizes) -> dict[str, Map]:
        up, on = Map(2, n.hidden), Map(n.hidden, n.hidden, bias=False)
        return {**super().maps(n), "up": up, "on": on}

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        return {"v": Vector(2)}

    def step(self, x: Any, s: Any, p: Any) -> Any:
        """h, scaled by up v, and by on of its tanh."""
        z, scale = p.ih(x) + p.hh(s.h), p.up(p.v)
        h = tanh(z.a * scale) + sigmoid(z.b) * p.on(tanh(scale) + s.h)
        return h, State(h=tanh(h))


OPTIONS: dict[type[Cell], dict[str, dict[str, Any]]] = {
    cells.LSTM: _lstm(),
    cells.RNN: {
        "plain": {},
        "relu": {"activation": "relu"},
        "sigmoid": {"activation": "sigmoid"},
        "hard": {"activation": "hard_sigmoid"},
        "identity": {"activation": "identity"},
        "preactivation-clip": {"preactivation_clip": 0.5},
    },
    cells.GRU: {
        "plain": {},
        "before": {"reset": "before"},
        "norm": {"layer_norm": True},
        "relu": {"activation": "relu"},
        "before-sigmoid": {"reset": "before", "activation": "sigmoid"},
        "norm-relu": {"layer_norm": True, "activation": "relu"},
        "preactivation-clip": {"preactivation_clip": 0.5},
        "before-clip": {"reset": "before", "preactivation_clip": 0.4},
    },
    cells.MultiplicativeLSTM: {
        "plain": {},
        "projection": {"projection": 2},
        "peephole": {"peephole": True, "couple": "f=1-i"},
        "norm": {"layer_norm": "summed"},
    },
    cells.MogrifierLSTM: {
        "plain": {},
        "rounds-0": {"rounds": 0},
        "rounds-1": {"rounds": 1},
        "rounds-2": {"rounds": 2},
        "rank-1": {"rank": 1},
        "rank-2": {"rounds": 4, "rank": 2},
        "projection": {"rounds": 3, "projection": 2, "peephole": True},
    },
    cells.JANET: {"plain": {}, "beta-0": {"beta": 0.0}, "beta-negative": {"beta": -1.5}},
    cells.IndRNN: {
        "plain": {},
        "tanh": {"activation": "tanh"},
        "steps": {"steps": 5},
        "steps-tanh": {"activation": "tanh", "steps": 3},
    },
    cells.SRU: {"plain": {}, "tanh": {"activation": "tanh"}, "scale": {"scale": 1.7}},
    cells.MinGRU: {"plain": {}, "positive": {"positive": True}},
    cells.MinLSTM: {"plain": {}, "positive": {"positive": True}},
    cells.SLSTM: {
        "plain": {},
        "heads-2": {"heads": 2},
        "heads-4": {"heads": 4},
        "exp": {"forget_gate": "exp"},
        "exp-heads-2": {"forget_gate": "exp", "heads": 2},
    },
    cells.ONLSTM: {"plain": {}, "chunk-2": {"chunk_size": 2}},
    cells.PhasedLSTM: {
        "plain": {},
        "leak": {"leak": 0.3},
        "no-leak": {"leak": 0.0},
        "starts": {"open_ratio_start": 0.2, "longest_period": 50.0},
        "peephole": {"peephole": True, "cell_clip": 0.6},
    },
    cells.ClockworkRNN: {
        "plain": {},
        "two": {"periods": (1, 3)},
        "slow": {"periods": (2, 3)},
        "relu": {"periods": (1, 2), "activation": "relu"},
    },
    cells.HMLSTM: {
        "plain": {},
        "two-layers": {"layers": 2},
        "slope": {"slope": 2.5},
        "last": {"output": "last"},
    },
    cells.QRNN: {
        "plain": {},
        "window-1": {"window": 1},
        "window-3": {"window": 3},
        "f": {"pooling": "f"},
        "ifo": {"pooling": "ifo", "window": 3},
    },
}
"""Options of every cell; "plain" has none."""

SPECIAL: dict[type[Cell], dict[str, Any]] = {
    cells.HMLSTM: {"smooth": False},
    cells.ClockworkRNN: {"discrete": ("t",), "sizes": Sizes(3, 8)},
}


def _modes(cell: Cell) -> dict[str, Mode]:
    """Modes for one plain cell of each class: without bias, and with every kind of noise."""
    state = next(iter(cell.state_sizes(Sizes(3, 4))))
    return {
        "no-bias": Mode(bias=False),
        "zoneout-expected": Mode(zoneout=((state, 0.2),)),
        "noise": Mode(True, True, False, False, ((state, 0.3),), 0.25, 0.2),
    }


def _trials() -> list[Trial]:
    found = []
    for kind, options in OPTIONS.items():
        special = SPECIAL.get(kind, {})
        for name, chosen in options.items():
            found.append(Trial(f"{kind.__name__}-{name}", kind(**chosen), **special))
        for name, mode in _modes(kind()).items():
            found.append(Trial(f"{kind.__name__}-{name}", kind(), mode, **special))
    noise = Mode(True, zoneout=(("h", 0.1), ("c", 0.4)), sequence_dropout=0.4)
    return [
        *found,
        Trial("Conditioned", Conditioned()),
        Trial("LSTM-zoneout-both", cells.LSTM(peephole=True), noise),
        Trial("LSTM-candidate-dropout", cells.LSTM(), Mode(True, candidate_dropout=0.4)),
        Trial("LSTM-one-unit", cells.LSTM(peephole=True), sizes=Sizes(1, 1)),
        Trial("LSTM-narrow", cells.LSTM(layer_norm="ba2016"), sizes=Sizes(5, 2)),
        Trial("GRU-one-unit", cells.GRU(), sizes=Sizes(1, 1)),
        Trial("GRU-before-noise", cells.GRU(reset="before"), Mode(True, sequence_dropout=0.3)),
        Trial("ONLSTM-chunk-4", cells.ONLSTM(chunk_size=4), sizes=Sizes(3, 8)),
        Trial("SRU-equal-sizes", cells.SRU(scale=0.8), sizes=Sizes(4, 4)),
    ]


TRIALS = {trial.id: trial for trial in _trials()}


def names(**wanted: bool) -> list[str]:
    """Ids of the trials whose fields have these values."""
    return [
        name
        for name, trial in TRIALS.items()
        if all(getattr(trial, key) == value for key, value in wanted.items())
    ]


def case(trial: Trial, seed: int = 0, steps: int = T) -> Case:
    """Random numbers for a trial; a parameter's depend on its name, shape and the seed alone."""
    graph = trace(trial.cell, trial.sizes, trial.mode)
    shapes = trial.cell.parameter_shapes(trial.sizes)
    used = graph.matrices.keys() | graph.vectors.keys()
    rng = np.random.default_rng(seed)
    return Case(
        graph=graph,
        parameters={name: parameter(name, shapes[name], seed) for name in shapes if name in used},
        inputs={spec.name: given(spec, rng, steps) for spec in graph.inputs},
        state={name: state(name, size, rng) for name, size in graph.state_sizes.items()},
        weights={
            "output": rng.normal(size=(steps, B, graph.output_size)),
            **{
                name: rng.normal(size=(B, size)) * (name not in trial.discrete)
                for name, size in graph.state_sizes.items()
            },
        },
    )


def parameter(name: str, shape: tuple[int, ...], seed: int = 0) -> Array:
    """A parameter: normal, or in the range where it has a meaning."""
    rng = np.random.default_rng([seed, crc32(name.encode()), *shape])
    match name:
        case "period":
            return rng.uniform(2.0, 7.0, shape)
        case "open_ratio":
            return rng.uniform(0.3, 0.9, shape)
        case "shift" | "recurrent":
            return rng.uniform(0.0, 2.0, shape)
    scale = 0.2 if "boundary" in name else 0.6
    return rng.normal(1.0 if name.startswith("gain") else 0.0, scale, shape)


def state(name: str, size: int, rng: np.random.Generator) -> Array:
    """A state: normal, or of the kind that its name says."""
    match name:
        case "n":
            return rng.uniform(0.5, 2.0, (B, size))
        case "t":
            return rng.integers(4, 9, (B, size)).astype(float)
        case "z1" | "z2":
            return rng.integers(0, 2, (B, size)).astype(float)
    return rng.normal(size=(B, size))


def given(spec: Input, rng: np.random.Generator, steps: int = T) -> Array:
    """What a scan is given: masks, noise, initial states, the input."""
    shape = (B, spec.width) if spec.per_sequence else (steps, B, spec.width)
    if spec.name == "alive":
        return (np.arange(steps)[:, None] < np.array(LENGTHS))[..., None].astype(float)
    if spec.name == "reset":
        return (rng.random(shape) < 0.3).astype(float)
    if spec.noise:
        kind, rate = spec.noise
        kept = (rng.random(shape) >= rate).astype(float)
        return 1 - kept if kind == "keep" else kept / (1 - rate)
    if spec.name.startswith("initial_"):
        return state(spec.name.removeprefix("initial_"), spec.width, rng)
    return rng.normal(size=shape)
