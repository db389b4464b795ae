"""Export of recurrent layers to ONNX, as a standard operator or a Scan.

Inputs: `x` [T, B, I] (or [B, T, I] for a batch-first layer), `lengths` [B], int64, where asked for,
and the initial states, such as `h_0` [L·D, B, H] for the state h. Outputs: `output`, and the final
states, such as `h_n`. Time and batch are dynamic axes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from longshort.engine.executors.onnx import BATCH, TIME, Code, run, scan
from longshort.engine.trace import with_ends
from longshort.errors import BackendError, ConfigError, nearest
from longshort.export.check import Check
from longshort.export.operator import operator_node, why_no_operator
from longshort.interchange.stack import Stack
from longshort.nn import Recurrent
from longshort.version import __version__

try:
    from onnx import ModelProto, TensorProto, ValueInfoProto, helper, save_model
except ImportError as error:
    raise BackendError("ONNX is not installed; do: pip install 'longshort[onnx]'") from error

FORMS = ("auto", "operator", "scan")


@dataclass(frozen=True)
class Exported:
    """Result of an export."""

    path: Path
    form: str
    """"operator" or "scan"."""
    reason: str
    """Why this form was chosen."""
    difference: float
    """Largest difference from the layer in ONNX Runtime, relative to the largest value above 1."""


def export_onnx(
    layer: Recurrent,
    path: str | Path,
    *,
    lengths: bool = False,
    initial_state: bool = True,
    form: str = "auto",
    tolerance: float | None = None,
) -> Exported:
    """Export a layer in evaluation mode, and compare the file with it in ONNX Runtime.

    lengths: whether the file has an input of that name, as the layer has. initial_state: whether it
    has inputs for the initial states; otherwise they are the layer's. form: "operator" (LSTM, GRU
    or RNN of ONNX), "scan", or "auto": the operator where it computes the same. tolerance: largest
    difference allowed; by default 1e-5 in float32 and 1e-10 in float64.

    Raises BackendError if the form asked for cannot express the layer, if ONNX Runtime is missing,
    and if the file computes something else than the layer; no file is left then.
    """
    if form not in FORMS:
        raise ConfigError(f"form: {form!r} is not known; {nearest(form, FORMS)}")
    path = _file(path)
    stack = Stack.of(layer)
    chosen, reason = _chosen(stack, form)
    model = _Export(stack, chosen, lengths, initial_state).model()
    partial = path.with_name(path.name + ".partial")
    try:
        save_model(model, partial)
        difference = Check(layer, stack, lengths, initial_state, tolerance).difference(partial, run)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return Exported(path, chosen, reason, difference)


def _file(path: str | Path) -> Path:
    if not isinstance(path, (str, PathLike)):
        raise ConfigError(f"path: the name of a file is expected, got {type(path).__name__}")
    path = Path(path)
    if path.is_dir():
        raise ConfigError(f"path: {path} is a folder; name a file, such as {path / 'layer.onnx'}")
    if not path.parent.is_dir():
        raise ConfigError(f"path: the folder {path.parent} does not exist; create it first")
    return path


def _chosen(stack: Stack, form: str) -> tuple[str, str]:
    obstacle = why_no_operator(stack)
    if form == "operator" and obstacle:
        raise BackendError(f"form='operator': {obstacle}; use form='scan'")
    if form != "auto":
        return form, "asked for"
    return ("scan", obstacle) if obstacle else ("operator", "it computes the same")


class _Export:
    def __init__(self, stack: Stack, form: str, ragged: bool, states_in: bool) -> None:
        self.stack, self.form, self.ragged, self.states_in = stack, form, ragged, states_in
        self.code = Code(stack.dtype)

    def model(self) -> ModelProto:
        code, stack = self.code, self.stack
        x = code.add("Transpose", "x", perm=[1, 0, 2]) if stack.batch_first else "x"
        self.batch = code.add("Shape", x, start=1, end=2)
        self.alive = self._alive(x) if self.ragged else ""
        write = self._operator if self.form == "operator" else self._scans
        finals: list[dict[str, str]] = []
        for place in range(stack.layers):
            output, final = write(place, x)
            x = self._merged(place, x, output)
            finals.append({key: self._filled(key, place, value) for key, value in final.items()})
        if stack.batch_first:
            code.add("Transpose", x, named="output", perm=[1, 0, 2])
        else:
            code.add("Identity", x, named="output")
        for key in stack.state_sizes:
            parts = [final[key] for final in finals]
            code.add("Concat", *parts, named=f"{key}_n", axis=0)
        return code.model("longshort", self._inputs(), self._outputs(), self._metadata())

    def _operator(self, place: int, x: str) -> tuple[str, dict[str, str]]:
        code, stack = self.code, self.stack
        state = [self._initial(key, place) for key in stack.state_sizes]
        lengths = code.add("Cast", "lengths", to=TensorProto.INT32) if self.ragged else ""
        one = stack.described(place)
        y, final = operator_node(code, one, x, lengths, state, f"l{place}/")
        turned = code.add("Transpose", y, perm=[0, 2, 1, 3])
        width = stack.directions * one.hidden_size
        output = code.add("Reshape", turned, code.integers(0, 0, width))
        return output, dict(zip(stack.state_sizes, final, strict=True))

    def _scans(self, place: int, x: str) -> tuple[str, dict[str, str]]:
        code, stack = self.code, self.stack
        outputs, finals = [], []
        for direction in range(stack.directions):
            graph = stack.graphs[place]
            state = {
                key: code.add("Squeeze", self._initial(key, place, direction), code.integers(0))
                for key in stack.state_sizes
            }
            output, final = scan(
                code,
                with_ends(graph) if self.ragged else graph,
                stack.parameters(place, direction),
                {"x": x, "alive": self.alive},
                state,
                reverse=direction == 1,
                name=f"l{place}{'_reverse' if direction else ''}/",
            )
            outputs.append(output)
            finals.append(final)
        joined = {
            key: code.add(
                "Concat",
                *(code.add("Unsqueeze", final[key], code.integers(0)) for final in finals),
                axis=0,
            )
            for key in stack.state_sizes
        }
        return code.add("Concat", *outputs, axis=-1), joined

    def _filled(self, key: str, place: int, value: str) -> str:
        """Return states padded to the width of the widest layer."""
        missing = self.stack.state_sizes[key] - self.stack.widths(place)[key]
        if not missing:
            return value
        return self.code.add("Pad", value, self.code.integers(0, 0, 0, 0, 0, missing))

    def _merged(self, place: int, x: str, output: str) -> str:
        """Return the merged outputs of both directions, plus the input for residual layers."""
        code, stack = self.code, self.stack
        if stack.merge == "sum" and stack.directions == 2:
            width = stack.output_size
            halves = (code.columns(output, k * width, (k + 1) * width) for k in range(2))
            output = code.add("Add", *halves)
        if not stack.residual or stack.sizes(place).input != stack.output_size:
            return output
        return code.add("Add", output, code.add("Mul", x, self.alive) if self.alive else x)

    def _alive(self, x: str) -> str:
        """Return 1 up to a sequence's end, 0 past it, [T, B, 1]."""
        code = self.code
        steps = code.add("Squeeze", code.add("Shape", x, start=0, end=1))
        zero, one = (code.tensor(f"whole_{k}", np.array(k)) for k in (0, 1))
        places = code.add("Unsqueeze", code.add("Range", zero, steps, one), code.integers(1))
        alive = code.add("Cast", code.add("Less", places, "lengths"), to=code.kind)
        return code.add("Unsqueeze", alive, code.integers(-1))

    def _initial(self, key: str, place: int, direction: int | None = None) -> str:
        """Return initial states [D, B, W] of a layer, or [1, B, W] of one direction of it."""
        code, stack = self.code, self.stack
        first, count = place * stack.directions, stack.directions
        if direction is not None:
            first, count = first + direction, 1
        if self.states_in:
            rows = code.columns(f"{key}_0", first, first + count, axis=0)
            width = stack.widths(place)[key]
            return rows if width == stack.state_sizes[key] else code.columns(rows, 0, width)
        start = stack.initial(key, place)
        if direction is not None:
            start = start[direction : direction + 1]
        name = f"initial_{key}_l{place}{'_reverse' if direction else ''}"
        axes = [code.integers(1), self.batch, code.integers(1)]
        return code.add("Expand", code.tensor(name, start), code.add("Concat", *axes, axis=0))

    def _rows(self) -> int:
        return self.stack.layers * self.stack.directions

    def _inputs(self) -> list[ValueInfoProto]:
        code, stack = self.code, self.stack
        axes = [BATCH, TIME] if stack.batch_first else [TIME, BATCH]
        found = [code.info("x", *axes, stack.input_size)]
        if self.ragged:
            found.append(helper.make_tensor_value_info("lengths", TensorProto.INT64, [BATCH]))
        if self.states_in:
            sizes = stack.state_sizes.items()
            found += [code.info(f"{key}_0", self._rows(), BATCH, size) for key, size in sizes]
        return found

    def _outputs(self) -> list[ValueInfoProto]:
        code, stack = self.code, self.stack
        axes = [BATCH, TIME] if stack.batch_first else [TIME, BATCH]
        sizes = stack.state_sizes.items()
        return [
            code.info("output", *axes, stack.output_size),
            *(code.info(f"{key}_n", self._rows(), BATCH, size) for key, size in sizes),
        ]

    def _metadata(self) -> dict[str, str]:
        stack = self.stack
        sizes = {
            "input_size": stack.input_size,
            "hidden_size": stack.hidden_size,
            "num_layers": stack.layers,
            "bidirectional": stack.directions == 2,
            "bias": stack.bias,
            "batch_first": stack.batch_first,
        }
        return {
            "longshort_version": __version__,
            "cell": stack.cell.name,
            "cell_options": json.dumps(stack.options(), default=str),
            "layer": json.dumps(sizes),
            "form": self.form,
        }
