"""A layer computes what its cell said when the layer was built, and nothing else ever."""

from __future__ import annotations

import copy
import io
import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

import longshort as ls
from longshort import cells
from longshort.cells import Cell, Sizes, State, Value
from longshort.cells.describe import describe
from longshort.engine.ops import tanh
from longshort.engine.scan import MISSING
from longshort.engine.trace import Mode, trace
from longshort.errors import ConfigError

IN, H = 3, 4
F64 = torch.float64
BACKENDS = [name for name in ("torch", "native") if name not in MISSING]
every_backend = pytest.mark.parametrize("backend", BACKENDS)


def equations(p: Any, x: Value, s: Any, slope: float) -> tuple[Value, State]:
    h = tanh(slope * p.ih(x) + p.hh(s.h))
    return h, State(h=h)


class Plain(Cell):
    """A class like any other, which is equal to itself alone whatever it holds."""

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        return equations(p, x, s, self.slope)


@dataclass
class Mutable(Cell):
    """A cell whose options can change."""

    slope: float = 1.0

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        return equations(p, x, s, self.slope)


@dataclass
class Listed(Cell):
    """A cell whose option is a list."""

    slopes: list[float] = field(default_factory=lambda: [1.0])

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        return equations(p, x, s, self.slopes[0])


SLOPE = 1.0


@dataclass(frozen=True)
class Reading(Cell):
    """A cell that reads a global."""

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        return equations(p, x, s, SLOPE)


@dataclass(frozen=True)
class Redefined(Cell):
    """A cell whose step is replaced, as where a notebook's cell is run again."""

    slope: ClassVar[float] = 1.0

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        return equations(p, x, s, 1.0)


def double_plain(cell: Any, patch: pytest.MonkeyPatch) -> None:
    cell.slope = 2.0


def double_listed(cell: Any, patch: pytest.MonkeyPatch) -> None:
    cell.slopes[0] = 2.0


def double_global(cell: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setitem(globals(), "SLOPE", 2.0)


def double_step(cell: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Redefined, "step", lambda self, x, s, p: equations(p, x, s, 2.0))


CHANGES = pytest.mark.parametrize(
    ("cell", "double"),
    [(Plain(1.0), double_plain), (Mutable(), double_plain), (Listed(), double_listed),
     (Reading(), double_global), (Redefined(), double_step)],
    ids=lambda value: type(value).__name__ if isinstance(value, Cell) else "",
)  # fmt: skip


def layer(cell: Cell, **options: Any) -> Any:
    torch.manual_seed(0)
    return ls.nn.Recurrent(cell, IN, H, dtype=F64, **options)


def example() -> Tensor:
    return torch.randn(5, 2, IN, dtype=F64, generator=torch.Generator().manual_seed(1))


def wanted(slope: float, x: Tensor) -> Tensor:
    """The same by hand, with the weights that `layer` draws."""
    one = layer(Plain(1.0))
    h, outputs = torch.zeros(2, H, dtype=F64), []
    for step in x:
        h = torch.tanh(
            slope * (step @ one.weight_ih_l0.T + one.bias_ih_l0) + h @ one.weight_hh_l0.T
        )
        outputs.append(h)
    return torch.stack(outputs)


def same(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)


@every_backend
@CHANGES
def test_a_changed_cell_is_honoured_by_the_layers_built_after(
    cell: Cell, double: Any, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, x = copy.deepcopy(cell), example()
    before = layer(cell, backend=backend)
    same(before(x)[0], wanted(1.0, x))
    double(cell, monkeypatch)
    after = layer(cell, backend=backend)
    same(after(x)[0], wanted(2.0, x))
    with torch.no_grad():
        same(after.step(x[0])[0], wanted(2.0, x)[0])
    assert "tanh(R h_{t-1} + 2 · z)" in describe(cell, Sizes(IN, H)).equations


@every_backend
@CHANGES
def test_a_layer_keeps_what_its_cell_said_when_it_was_built(
    cell: Cell, double: Any, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, x = copy.deepcopy(cell), example()
    before = layer(cell, backend=backend)
    double(cell, monkeypatch)
    want = wanted(1.0, x)
    same(before(x)[0], want)
    same(before(x, lengths=torch.tensor([5, 5]))[0], want)
    same(before(x, reset=torch.zeros(5, 2, dtype=torch.bool))[0], want)
    with torch.no_grad():
        same(before.step(x[0])[0], want[0])
    same(copy.deepcopy(before)(x)[0], want)
    before.reset_parameters()
    before.load_state_dict(layer(Plain(1.0)).state_dict())
    same(before(x)[0], want)


@every_backend
@CHANGES
def test_a_layer_from_a_file_keeps_its_equations(
    cell: Cell, double: Any, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, x, file = copy.deepcopy(cell), example(), io.BytesIO()
    torch.save(layer(cell, backend=backend), file)
    double(cell, monkeypatch)
    file.seek(0)
    same(torch.load(file, weights_only=False)(x)[0], wanted(1.0, x))


def test_a_loaded_layer_shares_its_equations_with_those_that_are_there() -> None:
    one, file = layer(cells.LSTM()), io.BytesIO()
    torch.save(one, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    assert again.stack.graphs[0] is one.stack.graphs[0]
    assert copy.deepcopy(one).stack.graphs[0] is one.stack.graphs[0]


def test_a_changed_option_does_not_show_in_a_layer_that_was_built_before() -> None:
    cell = Mutable()
    before = layer(cell)
    cell.slope = 2.0
    assert repr(before) == "Recurrent(Mutable(slope=1.0), 3, 4)"
    assert repr(layer(cell)) == "Recurrent(Mutable(slope=2.0), 3, 4)"


@CHANGES
def test_compiled_and_exported_code_keeps_the_equations(
    cell: Cell, double: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, x = copy.deepcopy(cell), example()
    before = layer(cell).eval()
    double(cell, monkeypatch)
    same(torch.compile(before, backend="eager")(x)[0], wanted(1.0, x))
    exported = torch.export.export(before, (x,)).module()
    same(exported(x)[0], wanted(1.0, x))


@CHANGES
def test_an_onnx_file_has_the_equations_of_the_layer(
    cell: Cell, double: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runtime = pytest.importorskip("onnxruntime")
    cell, x = copy.deepcopy(cell), example()
    before = layer(cell).eval()
    double(cell, monkeypatch)
    ls.export_onnx(before, tmp_path / "layer.onnx")
    session = runtime.InferenceSession(tmp_path / "layer.onnx")
    given = {"x": x.numpy(), "h_0": np.zeros((1, 2, H))}
    same(torch.from_numpy(session.run(["output"], given)[0]), wanted(1.0, x))


def test_one_statement_of_the_equations_is_compiled_once() -> None:
    assert trace(Plain(1.0), Sizes(IN, H)) is trace(Mutable(1.0), Sizes(IN, H))
    assert trace(Plain(1.0), Sizes(IN, H)) is not trace(Plain(2.0), Sizes(IN, H))


@pytest.mark.parametrize("number", [float("nan"), -0.0, float("inf"), 1e-320, 0.1 + 0.2])
def test_every_number_is_the_same_number_twice(number: float) -> None:
    (found,) = (
        node.value for node in trace(Plain(number), Sizes(IN, H)).nodes if node.op == "constant"
    )
    assert np.float64(found).tobytes() == np.float64(number).tobytes()


# Cells that say something else each time

TICKS: Iterator[int] = itertools.count()


class Drawing(Cell):
    """A cell whose step draws a number."""

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        return equations(p, x, s, random.random())


class Timed(Cell):
    """A cell whose step reads a clock."""

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        return equations(p, x, s, time.perf_counter())


class Counting(Cell):
    """A cell whose step counts how often it is called, and computes something else each time."""

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        h = p.ih(x) + p.hh(s.h)
        for _ in range(next(TICKS)):
            h = tanh(h)
        return h, State(h=h)


REFUSED = "its step gave other equations when it was called again"


@pytest.mark.parametrize("cell", [Drawing(), Timed(), Counting()], ids=lambda c: c.name)
def test_a_cell_that_says_something_else_each_time_is_refused(cell: Cell) -> None:
    with pytest.raises(ConfigError, match=f"cell {cell.name}: {REFUSED}"):
        layer(cell)
    with pytest.raises(ConfigError, match=f"cell {cell.name}: {REFUSED}"):
        describe(cell, Sizes(IN, H))


def test_the_number_that_changes_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([0.25, 0.5])
    monkeypatch.setattr(random, "random", lambda: next(numbers))
    with pytest.raises(ConfigError, match=r"a number in them is 0\.25 and then 0\.5.*p\.drop"):
        layer(Drawing())


class Thinned(Cell):
    """A cell that says differently in training."""

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        h = tanh(p.ih(x) + p.drop(p.hh(s.h)))
        return h, State(h=h)


def test_noise_of_the_layer_is_no_change_of_the_cell() -> None:
    one = trace(Thinned(), Sizes(IN, H), Mode(training=True, candidate_dropout=0.5))
    assert [spec.noise for spec in one.inputs] == [None, ("dropout", 0.5)]
    assert layer(Thinned(), recurrent_dropout="semeniuta:0.5")(example())[0].shape == (5, 2, H)
