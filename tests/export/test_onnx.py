"""Layers as ONNX files in ONNX Runtime, and ONNX nodes as layers."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrizations, prune

from longshort import cells, nn
from longshort.cells import Cell, State, Value
from longshort.engine.ops import sigmoid, tanh
from longshort.errors import BackendError, ConfigError
from tests.tensors import parts

onnx = pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
run = import_module("longshort.engine.executors.onnx").run
check = import_module("longshort.export.check")
export_onnx = import_module("longshort.export.onnx").export_onnx
from_onnx = import_module("longshort.interchange.onnx").from_onnx

T, B, IN, H = 6, 4, 3, 5
LENGTHS = np.array([6, 1, 3, 5])
Array = np.ndarray[Any, Any]


def randomise(layer: torch.nn.Module) -> Any:
    """Random numbers in every weight: constant ones hide swapped gates."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(0.6 * torch.randn(parameter.shape, generator=generator))
    return layer


def compare(layer: Any, path: Path, tolerance: float, names: tuple[str, ...]) -> None:
    """The file against the layer: lengths, initial states, another T and B than the check's."""
    dtype = next(layer.parameters()).dtype
    generator = torch.Generator().manual_seed(5)
    shape = (*((B, T) if layer.batch_first else (T, B)), layer.input_size)
    x = torch.randn(shape, dtype=dtype, generator=generator)
    start = layer(torch.randn(shape, dtype=dtype, generator=generator))[1]
    output, final = layer(x, start, lengths=torch.tensor(LENGTHS))
    feeds = {"x": x.numpy(), "lengths": LENGTHS}
    feeds |= {f"{k}_0": v.detach().numpy() for k, v in zip(names, parts(start), strict=True)}
    got = run(path, feeds)
    wanted = {"output": output}
    wanted |= {f"{k}_n": v for k, v in zip(names, parts(final), strict=True)}
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        assert got[name].dtype == value.detach().numpy().dtype
        np.testing.assert_allclose(got[name], value.detach().numpy(), rtol=0, atol=tolerance)


STANDARD: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True}),
    ("LSTM", {"num_layers": 2, "batch_first": True, "bias": False}),
    ("LSTM", {"peephole": True, "bidirectional": True}),
    ("LSTM", {"couple": "f=1-i", "peephole": True}),
    ("LSTM", {"preactivation_clip": 0.5, "peephole": True}),
    ("LSTM", {"activations": ("hard_sigmoid", "identity", "relu"), "bidirectional": True}),
    ("GRU", {}),
    ("GRU", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("GRU", {"bias": False}),
    ("GRU", {"preactivation_clip": 0.5, "reset": "before"}),
    ("GRU", {"preactivation_clip": 0.5, "bidirectional": True}),
    ("RNN", {"preactivation_clip": 0.5}),
    ("GRU", {"reset": "before", "bidirectional": True}),
    ("RNN", {"num_layers": 2, "bidirectional": True}),
    ("RNN", {"nonlinearity": "relu", "bias": False}),
    ("LSTM", {"learn_initial_state": True, "num_layers": 2, "residual": True}),
    ("GRU", {"merge": "sum", "num_layers": 2, "residual": True, "bidirectional": True}),
]


STACKED = ("num_layers", "residual", "merge", "learn_initial_state")
"""What a node does not hold, but the graph around it."""


@pytest.mark.parametrize(("kind", "options"), STANDARD, ids=str)
def test_standard_operators(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    layer = randomise(getattr(nn, kind)(IN, H, **options))
    names = ("h", "c") if kind == "LSTM" else ("h",)
    done = export_onnx(layer, tmp_path / "operator.onnx", lengths=True)
    assert (done.form, done.reason) == ("operator", "it computes the same")
    assert done.difference <= 1e-5
    compare(layer, done.path, 1e-5, names)
    done = export_onnx(layer, tmp_path / "scan.onnx", lengths=True, form="scan")
    assert done.form == "scan"
    compare(layer, done.path, 1e-5, names)


@pytest.mark.parametrize(("kind", "options"), STANDARD, ids=str)
def test_double_precision_is_a_scan(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    layer = randomise(getattr(nn, kind)(IN, H, dtype=torch.float64, **options))
    done = export_onnx(layer, tmp_path / "layer.onnx", lengths=True)
    assert done.form == "scan"
    assert "float32 only" in done.reason
    compare(layer, done.path, 1e-10, ("h", "c") if kind == "LSTM" else ("h",))
    with pytest.raises(BackendError, match="float32 only, the layer is float64; use form='scan'"):
        export_onnx(layer, tmp_path / "other.onnx", form="operator")


@pytest.mark.parametrize(("kind", "options"), STANDARD, ids=str)
def test_operators_come_back_as_layers(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    plain = {k: v for k, v in options.items() if k not in STACKED}
    layer = randomise(getattr(nn, kind)(IN, H, **plain))
    done = export_onnx(layer, tmp_path / "layer.onnx")
    back = from_onnx(done.path)
    assert back.state is None
    mine, theirs = layer.state_dict(), back.layer.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    x = torch.randn(T, B, IN)
    layer.batch_first = False
    assert torch.equal(back.layer(x)[0], layer(x)[0])


SCANS: list[tuple[dict[str, Any], str]] = [
    ({"proj_size": 2, "num_layers": 2, "bidirectional": True}, "no projection"),
    ({"couple": "i=1-f"}, "couples its gates as f=1-i, the layer as i=1-f"),
    ({"ablate": ("FGR",)}, "no ablate"),
    ({"cell_clip": 0.5}, "no cell_clip"),
    ({"layer_norm": "carried"}, "no layer_norm"),
    ({"zoneout": {"h": 0.2, "c": 0.5}}, "no zoneout"),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(("options", "reason"), SCANS, ids=str)
def test_what_no_operator_does_is_a_scan(
    options: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    layer = randomise(nn.LSTM(IN, H, **options)).eval()
    done = export_onnx(layer, tmp_path / "layer.onnx", lengths=True)
    assert done.form == "scan"
    assert reason in done.reason
    compare(layer, done.path, 1e-5, tuple(layer.cell.state_sizes(cells.Sizes(IN, H))))


CELLS = [
    cell
    for cell in (getattr(cells, name) for name in cells.__all__)
    if isinstance(cell, type) and issubclass(cell, Cell) and cell is not Cell
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_every_cell_in_a_stack_of_both_directions(
    kind: type[Cell], dtype: torch.dtype, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    layer = nn.Recurrent(kind(), 8, 8, 2, bidirectional=True, dtype=dtype)
    done = export_onnx(layer, tmp_path / "layer.onnx", lengths=True, form="scan")
    assert done.difference <= (1e-5 if dtype == torch.float32 else 1e-10)
    names = tuple(layer.cell.state_sizes(cells.Sizes(8, 8)))
    compare(layer, done.path, 1e-5 if dtype == torch.float32 else 1e-10, names)


@pytest.mark.parametrize("form", ["operator", "scan"])
def test_residual_input_ends_with_its_sequence(form: str, tmp_path: Path) -> None:
    layer = randomise(nn.GRU(H, H, residual=True, merge="sum", bidirectional=True))
    done = export_onnx(layer, tmp_path / "layer.onnx", lengths=True, form=form)
    compare(layer, done.path, 1e-5, ("h",))


class Own(Cell):
    """A user's cell that happens to be the LSTM."""

    gates = ("i", "f", "g", "o")
    state = ("h", "c")

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        z = p.hh(s.h) + p.ih(x)
        c = tanh(z.g) * sigmoid(z.i) + s.c * sigmoid(z.f)
        h = tanh(c) * sigmoid(z.o)
        return h, State(h=h, c=c)

    def maps(self, n: cells.Sizes) -> dict[str, cells.Map]:
        size = 4 * n.hidden
        return {
            "ih": cells.Map(n.input, size, gates=self.gates),
            "hh": cells.Map(n.hidden, size, gates=self.gates, recurrent=True),
        }


def test_a_users_cell_with_the_operators_equations_gets_it(tmp_path: Path) -> None:
    layer = randomise(nn.Recurrent(Own(), IN, H, bidirectional=True))
    assert export_onnx(layer, tmp_path / "layer.onnx").form == "operator"


@pytest.mark.parametrize("form", ["operator", "scan"])
def test_without_states_and_lengths_x_is_the_only_input(form: str, tmp_path: Path) -> None:
    layer = randomise(nn.LSTM(IN, H, num_layers=2, learn_initial_state=True, batch_first=True))
    done = export_onnx(layer, tmp_path / "layer.onnx", initial_state=False, form=form)
    x = torch.randn(3, 4, IN)
    got = run(done.path, {"x": x.numpy()})
    output, (h, c) = layer(x)
    for name, value in {"output": output, "h_n": h, "c_n": c}.items():
        np.testing.assert_allclose(got[name], value.detach().numpy(), atol=1e-5)


def test_metadata_says_what_the_file_is(tmp_path: Path) -> None:
    layer = nn.LSTM(IN, H, peephole=True)
    model = onnx.load(export_onnx(layer, tmp_path / "layer.onnx").path)
    found = {one.key: one.value for one in model.metadata_props}
    assert found["cell"] == "LSTM"
    assert json.loads(found["cell_options"])["peephole"] is True
    assert json.loads(found["layer"])["hidden_size"] == H
    assert (found["form"], model.producer_name) == ("operator", "longshort")
    onnx.checker.check_model(model, full_check=True)


def test_a_file_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = randomise(nn.GRU(IN, H)).train()
    monkeypatch.setattr(check.Check, "_x", lambda *_: torch.full((3, 2, IN), torch.nan))
    with pytest.raises(BackendError, match="differs from the layer by inf"):
        export_onnx(layer, tmp_path / "layer.onnx")
    assert not list(tmp_path.iterdir())
    assert layer.training


def test_a_missing_runtime_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendError, match=r"pip install 'longshort\[onnx\]'"):
        export_onnx(nn.GRU(IN, H), tmp_path / "layer.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["operator", "scan"])
def test_weights_that_are_computed_from_others_are_written(form: str, tmp_path: Path) -> None:
    layer = randomise(nn.GRU(IN, H))
    parametrizations.weight_norm(layer, "weight_hh_l0")
    prune.l1_unstructured(layer, "weight_ih_l0", 0.5)
    done = export_onnx(layer, tmp_path / "layer.onnx", lengths=True, form=form)
    compare(layer, done.path, 1e-5, ("h",))


def test_what_is_no_layer_or_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a folder; name a file, such as .*layer\.onnx"):
        export_onnx(nn.LSTM(IN, H), tmp_path)
    with pytest.raises(ConfigError, match="the name of a file is expected, got NoneType"):
        export_onnx(nn.LSTM(IN, H), None)
    with pytest.raises(ConfigError, match=r"ls\.nn\.LSTM, GRU, RNN or Recurrent"):
        export_onnx(torch.nn.LSTM(IN, H), tmp_path / "layer.onnx")
    with pytest.raises(ConfigError, match="does not exist"):
        export_onnx(nn.LSTM(IN, H), tmp_path / "none" / "layer.onnx")
    with pytest.raises(ConfigError, match="did you mean 'scan'"):
        export_onnx(nn.LSTM(IN, H), tmp_path / "layer.onnx", form="scam")
    with pytest.raises(BackendError, match="no projection; use form='scan'"):
        export_onnx(nn.LSTM(IN, H, proj_size=2), tmp_path / "layer.onnx", form="operator")
