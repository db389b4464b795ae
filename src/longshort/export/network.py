"""A torch network as data, which `longshort.runtime` runs without torch.

The functions that inference calls are recorded while it runs, exported by `torch.export` with all
sizes open, and written as lists of the runtime's steps. Each is then called on every recorded input
and compared with what torch answered.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx import Node

from longshort.errors import RunError
from longshort.runtime.network import Array, Callee, Function, Network, Step, is_array, key_of
from longshort.runtime.steps import STEPS
from longshort.runtime.tree import flatten, mapped, refill


@dataclass(frozen=True)
class Called:
    """One call of a network in inference, with its answer."""

    function: str
    inputs: tuple[Any, ...]
    answer: Any

    @property
    def key(self) -> tuple[str, str]:
        """What tells the functions apart: name and structure of the inputs."""
        return self.function, key_of(flatten(self.inputs, is_array)[1])

    @property
    def size(self) -> int:
        """Number of values in the inputs' arrays."""
        return sum(each.size for each in flatten(self.inputs, is_array)[0])


class Recorder(Callee):
    """A network that remembers how it is called."""

    def __init__(self, network: Callee) -> None:
        self.network = network
        self.calls: list[Called] = []

    @property
    def steps(self) -> bool:
        """Whether the network can go on from a state."""
        return self.network.steps

    def call(self, function: str, *inputs: Any) -> Any:
        """Call the network, and remember inputs and answer."""
        answer = self.network.call(function, *inputs)
        self.calls.append(Called(function, _copied(inputs), _copied(answer)))
        return answer


def _copied(value: Any) -> Any:
    """Return a nested value with arrays of its own, since callers may change theirs."""
    return mapped(lambda _, each: each.copy() if is_array(each) else each, value)


def exported(module: nn.Module, calls: Sequence[Called]) -> Network:
    """Return the functions that were called as data, with the module's weights.

    Raises `RunError` where a part of the network cannot be written so.
    """
    chosen: dict[tuple[str, str], Called] = {}
    for call in calls:
        held = chosen.get(call.key)
        if held is None or call.size > held.size:
            chosen[call.key] = call
    module.eval()
    weights: dict[str, Array] = {}
    functions = [_function(module, call, weights) for call in chosen.values()]
    return Network(functions, weights)


class _Flat(nn.Module):
    """One function of a module, from the tensors of its arguments to those of its result."""

    def __init__(self, module: nn.Module, call: Called) -> None:
        super().__init__()
        self.module, self.made = module, call

    def forward(self, tensors: list[Tensor]) -> list[Tensor]:
        given = refill(self.made.inputs, is_array, iter(tensors))
        answer = getattr(self.module, self.made.function)(*given)
        return flatten(answer, _is_tensor)[0]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _function(module: nn.Module, call: Called, weights: dict[str, Array]) -> Function:
    arrays, takes = flatten(call.inputs, is_array)
    tensors = [torch.from_numpy(np.ascontiguousarray(each)) for each in arrays]
    # torch.export wants an argument; what a function without arrays does with one is nothing.
    program = _program(_Flat(module, call), call.function, tensors or [torch.zeros(2)])
    gives = flatten(call.answer, is_array)[1]
    given = {spec.arg.name: spec.target for spec in program.graph_signature.input_specs}
    needed = _needed(program)
    steps, inputs, kept = [], [], {}
    results: tuple[str, ...] = ()
    for node in program.graph.nodes:
        if node.op == "output":
            results = tuple(each.name for each in node.args[0])
        elif node.op == "placeholder" and given[node.name] is None:
            inputs.append(node.name)
        elif node not in needed:
            continue
        elif node.op == "placeholder":
            kept[node.name] = _weight(program, given[node.name], weights)
        else:
            steps.append(_step(call.function, node))
    names = tuple(inputs) if tensors else ()
    return Function(call.function, takes, gives, names, kept, tuple(steps), results)


def _needed(program: ExportedProgram) -> set[Node]:
    """Return the nodes that the results need; the others only assert something."""
    found: set[Node] = set()
    for node in reversed(program.graph.nodes):
        if node.op == "output" or node in found:
            found |= set(node.all_input_nodes)
    return found


def _program(flat: _Flat, function: str, tensors: list[Tensor]) -> ExportedProgram:
    sizes = [dict.fromkeys(range(each.dim()), Dim.AUTO) for each in tensors]
    try:
        with _unsaid(), torch.no_grad():
            found = torch.export.export(flat, (tensors,), dynamic_shapes=(sizes,), strict=False)
            program: ExportedProgram = found.run_decompositions({})
            return program
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise RunError(
            f"the network's function {function!r} cannot be exported: {reason[0]}"
        ) from error


@contextmanager
def _unsaid() -> Iterator[None]:
    """Keep what torch says of sizes 0 and 1 from people, who cannot act on it."""
    logger = logging.getLogger("torch._export.non_strict_utils")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _weight(program: ExportedProgram, target: str, weights: dict[str, Array]) -> str:
    """Keep a weight or constant of the program; returns its name."""
    name = target.removeprefix("module.")
    held = program.state_dict.get(target)
    value = program.constants[target] if held is None else held
    found = value.detach().cpu().numpy()
    if name in weights and not np.array_equal(weights[name], found):
        name = f"{name}.{len(weights)}"
    weights[name] = found
    return name


def _step(function: str, node: Node) -> Step:
    kind = _kind(node)
    if kind not in STEPS:
        raise RunError(
            f"the network's function {function!r} has the operation {kind}, which the runtime does "
            "not know; leave out what is particular about the network, or tell us"
        )
    arguments = [_plain(each) for each in node.args]
    options = {key: _plain(each) for key, each in node.kwargs.items()
               if key not in ("device", "layout", "pin_memory", "memory_format")}  # fmt: skip
    return Step(node.name, kind, arguments, options)


def _kind(node: Node) -> str:
    """Return the runtime's name of a node's operation."""
    if isinstance(node.target, torch._ops.OpOverload):
        space, _, name = str(node.target).partition(".")
        name = name.removesuffix(".default")
        return name if space == "aten" else f"{space}.{name}"
    return getattr(node.target, "__name__", str(node.target))


def _plain(value: Any) -> Any:
    """Return an argument as a plain value."""
    if isinstance(value, Node):
        return {"result": value.name}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, torch.device | torch.layout | torch.memory_format):
        return None
    return value
