"""Traces of gates and states of a layer while it reads a row, and what its units are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longshort.engine.executors.common.contract import Job, Tensors
from longshort.engine.executors.common.plan import plan
from longshort.engine.executors.torch import Values
from longshort.engine.graph import Graph
from longshort.engine.scan import Traced, Turn, execute, scan
from longshort.explanation.inside.ablated import ablated, unit_masks
from longshort.explanation.inside.kept import Floats, half_lives, kept
from longshort.explanation.relevance.carriers import Rank, ranks
from longshort.explanation.relevance.linearised import linearised
from longshort.explanation.relevance.mode import scans_replaced
from longshort.explanation.relevance.scan import side_inputs, values_of
from longshort.nn.recurrent import Recurrent
from longshort.runs.explaining import Question, Subject

_MOST = 1024
"""Units above which none is switched off."""


@dataclass(frozen=True)
class Inside:
    """One layer in one direction while it reads a row, in the order in which it reads.

    gates, states: traces [T, W] by name. kept: name of the state that keeps most, and its factors
    [T, W]; empty where no state has a direct way on. effects [W]: change of the answer where a unit
    stays at its mean; None where that was not measured.
    """

    name: str
    gates: dict[str, Floats]
    states: dict[str, Floats]
    kept: tuple[str, Floats] | None
    effects: Floats | None = None

    @property
    def half_lives(self) -> Floats | None:
        """Steps in which each unit's state halves, [W]."""
        return None if self.kept is None else half_lives(self.kept[1])

    def units(self, count: int = 10) -> list[tuple[int, float | None, float | None]]:
        """Return number, half-life and effect of the units that matter most.

        Numbers are from 1 on. Where no effect was measured, those that keep longest come first.
        """
        lives, effects = self.half_lives, self.effects
        weight = lives if effects is None else np.abs(effects)
        if weight is None:
            return []
        order = np.argsort(-weight, kind="stable")[:count].tolist()
        return [(unit + 1, _at(lives, unit), _at(effects, unit)) for unit in order]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: half-lives and effects of all units."""
        lives, effects = self.half_lives, self.effects
        return {
            "layer": self.name,
            "keeps": None if self.kept is None else self.kept[0],
            "half_lives": None if lives is None else [_finite(v) for v in lives.tolist()],
            "effects": None if effects is None else effects.tolist(),
        }


def _at(values: Floats | None, place: int) -> float | None:
    return None if values is None or place >= len(values) else float(values[place])


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


@dataclass(frozen=True)
class _Call:
    traced: Traced
    parameters: Tensors
    x: Tensor
    state: Tensors
    reverse: bool


def look_inside(subject: Subject, question: Question) -> list[Inside]:
    """Return every layer in every direction, in the order in which they run."""
    layers = _layers(subject)
    found = []
    for number, call in enumerate(_recorded(subject, question)):
        name, gates = layers[number] if number < len(layers) else (f"scan {number + 1}", ())
        effects = _effects(subject, question, call, number)
        found.append(_look(call, name, gates, effects))
    return found


def _layers(subject: Subject) -> list[tuple[str, tuple[str, ...]]]:
    """Return names and gates of all layers and directions, in the order of the modules."""
    return [
        (f"{name}{layer.stack.suffix(row)}", layer.cell.gate_names())
        for name, layer in subject.network.named_modules()
        if isinstance(layer, Recurrent)
        for row in layer.stack.rows
    ]


def _recorded(subject: Subject, question: Question) -> list[_Call]:
    calls: list[_Call] = []

    def watched(traced: Traced, parameters: Tensors, x: Tensor, state: Tensors, **how: Any) -> Any:
        calls.append(_Call(traced, parameters, x, state, bool(how.get("reverse"))))
        return scan(traced, parameters, x, state, **how)

    with torch.no_grad(), scans_replaced(subject.network, watched):
        question.answer(torch.from_numpy(question.inputs)[None].clone())
    return calls


def _look(call: _Call, name: str, gates: Sequence[str], effects: Floats | None) -> Inside:
    x = call.x[:, :1]
    x = Turn(x.size(0), None)(x) if call.reverse else x
    state = {key: value[:1] for key, value in call.state.items()}
    with torch.no_grad():
        values = values_of(call.traced, call.parameters, x, state, None)
        found = linearised(call.traced.graph)
        given = side_inputs(found, values, x, torch.ones(1).to(x))
        factors = kept(found.graph, {"x": x, **given})
    states = {key: _trace(values, index, x) for key, index in call.traced.graph.states.items()}
    chosen = None
    if factors:
        best = max(factors, key=lambda key: float(factors[key].abs().clamp(max=1.0).mean()))
        chosen = best, _numbers(factors[best])
    return Inside(name, _gates(call.traced, gates, values, x), states, chosen, effects)


def _gates(traced: Traced, names: Sequence[str], values: Values, x: Tensor) -> dict[str, Floats]:
    """Return the traces of all gates, by their names where these can be told."""
    graph, rank = traced.graph, ranks(traced.graph)
    found: dict[str, Floats] = {}
    for index in graph.needed(graph.output, *graph.states.values()):
        if graph.nodes[index].op == "sigmoid" and rank[index] == Rank.GATE:
            name = _gate_name(graph, index, names)
            if name in found:
                name = f"gate {len(found) + 1}"
            found[name] = _trace(values, index, x)
    return found


def _gate_name(graph: Graph, index: int, names: Sequence[str]) -> str:
    """Return the name of the gate whose columns of a product lead to a value."""
    open_ends = list(graph.nodes[index].inputs)
    while open_ends and names:
        node = graph.nodes[open_ends.pop(0)]
        if node.op == "slice":
            place = node.span[0] * len(names) // graph.nodes[node.inputs[0]].width
            return names[place]
        open_ends += node.inputs
    return "gate"


def _effects(subject: Subject, question: Question, call: _Call, number: int) -> Floats | None:
    """Return by how much the answer changes where each unit of a layer stays at its mean."""
    graph = call.traced.graph
    units = max(graph.state_sizes.values())
    if call.x.size(1) != 1 or units > _MOST:
        return None
    inputs = torch.from_numpy(question.inputs)[None]
    with torch.no_grad():
        run = scan(call.traced, call.parameters, call.x, call.state, reverse=call.reverse,
                   want_states=True)  # fmt: skip
        means = {name: values.mean((0, 1)) for name, values in run.states.items()}
        seen = 0

        def off(traced: Traced, parameters: Tensors, x: Tensor, state: Tensors, **how: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen - 1 != number:
                return scan(traced, parameters, x, state, **how)
            return _without_units(traced, parameters, x, state, means, call.reverse)

        before = float(question.answer(inputs)[0])
        seen = 0
        with scans_replaced(subject.network, off):
            after = question.answer(inputs.expand(units, *inputs.shape[1:]).clone())
    return _numbers(after) - before


def _without_units(
    traced: Traced, parameters: Tensors, x: Tensor, state: Tensors, means: Tensors, reverse: bool
) -> Any:
    """Run copies of a row, of which the k-th has unit k at its mean at every step."""
    graph = ablated(traced.graph)
    turn = Turn(x.size(0), None) if reverse else None
    inputs = {"x": x if turn is None else turn(x)}
    inputs |= unit_masks(traced.graph, means, x)
    run = execute(Job({False: plan(graph)}, parameters, inputs, state))
    if turn is None:
        return run
    return type(run)(turn(run.output), run.final, {})


def _trace(values: Values, index: int, x: Tensor) -> Floats:
    value = values[index]
    return _numbers(value.expand(x.size(0), 1, value.size(-1)))


def _numbers(value: Tensor) -> Floats:
    found: Floats = value.detach().cpu().double().numpy()
    return found[:, 0] if found.ndim == 3 else found
