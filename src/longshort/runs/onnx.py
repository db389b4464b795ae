"""A bundle's model as a file for ONNX Runtime: every state is an input and an output."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import BackendError, ConfigError, RunError
from longshort.runs.bundle import Bundle
from longshort.runs.coding import portable_of
from longshort.runs.portable import Given, Ready

Array = NDArray[Any]

CLOSE = 1e-5
"""Largest difference from the recorded answers, relative to their largest value or 1."""
_TRIED = 3
"""Size of open axes while the model is written; more than 1, so that none is taken for fixed."""


@dataclass(frozen=True)
class Written:
    """A file that was written: its inputs and outputs, and how near it is to the bundle."""

    inputs: list[str]
    outputs: list[str]
    difference: float
    calls: int


def write_onnx(bundle: Bundle, out: Path, *, overwrite: bool = False) -> dict[Path, Written]:
    """Write the model; what goes on from a state beside whole sequences has a file of its own.

    Raises `ConfigError` for such a file that is there already, and `BackendError` without ONNX, and
    where a file answers differently; nothing is kept then.
    """
    _, (first, *others) = portable_of(bundle, None)
    paths = {out: first}
    for each in others:
        path = out.with_name(f"{out.stem}_{each.part.name}{out.suffix}")
        if path.exists() and not overwrite:
            raise ConfigError(f"{path}: exists already; give --overwrite, or another --out")
        paths[path] = each
    partial = {path: path.with_name(path.name + ".partial") for path in paths}
    try:
        found = {path: _written(part, path, partial[path]) for path, part in paths.items()}
        for path, file in partial.items():
            file.replace(path)
    finally:
        for file in partial.values():
            file.unlink(missing_ok=True)
    return found


def _written(part: Ready, out: Path, file: Path) -> Written:
    """Write one function into a file, and ask it in ONNX Runtime what was recorded."""
    model, inputs, outputs = _model(part)
    from onnx import save_model  # after the model, which says where ONNX is missing

    save_model(model, file)
    difference = _difference(file, part, outputs)
    if not difference <= CLOSE:
        raise BackendError(
            f"{out}: ONNX Runtime answers differently from the bundle, by {difference:.2g} where "
            f"{CLOSE:g} is allowed; nothing was kept"
        )
    return Written(inputs, outputs, difference, len(part.part.trials))


def _model(part: Ready) -> tuple[Any, list[str], list[str]]:
    """Return the model, and the names of its inputs and outputs."""
    from longshort.engine.executors.onnx import Code

    try:
        from onnx import helper
    except ImportError as error:
        raise BackendError("ONNX is not installed; do: pip install 'longshort[onnx]'") from error
    from longshort.export.onnx_values import Value
    from longshort.export.steps_onnx import graph_in

    code = Code(np.dtype(np.float32))
    names, arguments, infos = list[str](), list[Any](), list[Any]()
    for place, (leaf, example) in enumerate(zip(part.leaves, part.arguments, strict=True)):
        if place in part.fixed:
            arguments.append(example)
            continue
        name = (
            leaf.name
            if isinstance(leaf, Given)
            else f"state{sum(each.startswith('state') for each in names)}"
        )
        axes = leaf.axes or (None,) * example.ndim
        shape = [_TRIED if axis else size for axis, size in zip(axes, example.shape, strict=True)]
        dims = [axis or size for axis, size in zip(axes, example.shape, strict=True)]
        kind = np.dtype(np.int64 if example.dtype.kind in "iu" else np.float32)
        arguments.append(Value(name, np.full(shape, 1 if kind.kind == "i" else 0, kind)))
        infos.append(
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind), dims)
        )
        names.append(name)
    results = graph_in(code).function(part.function, part.weights, arguments)
    outputs, told = _outputs(code, results, part)
    metadata = {"answer": part.part.answer, "start": _starts(part)}
    return code.model("longshort", infos, told, metadata), names, outputs


def _starts(part: Ready) -> str:
    """Return the first values of states that do not begin with zeros, as JSON by their names."""
    held = [part.arguments[place] for place in sorted(part.states.values())]
    texts = {f"state{k}": [str(v) for v in each.reshape(-1).tolist()]
             for k, each in enumerate(held) if each.any()}  # fmt: skip
    return json.dumps(texts)


def _outputs(code: Any, results: Sequence[Any], part: Ready) -> tuple[list[str], list[Any]]:
    from onnx import helper

    from longshort.export.onnx_values import TYPES

    names, told = [], []
    for number, value in enumerate(results):
        name = part.part.answer if number == 0 else f"state{number - 1}_n"
        code.add("Identity", value.name, named=name)
        told.append(helper.make_tensor_value_info(name, TYPES[value.kind], [None] * value.rank))
        names.append(name)
    return names, told


def _difference(path: Path, part: Ready, outputs: Sequence[str]) -> float:
    """Return the largest relative difference of ONNX Runtime's answers to the trials."""
    session = _session(path)
    known = {each.name for each in session.get_inputs()}
    held = [part.arguments[place] for place in sorted(part.states.values())]
    worst = 0.0
    for trial, wanted in zip(part.part.trials, part.answers(), strict=True):
        given = {name: np.asarray(trial[name]) for name in part.names}
        given |= {f"state{number}": each for number, each in enumerate(held)}
        feeds = {
            name: each.astype(np.int64 if each.dtype.kind in "iu" else np.float32)
            for name, each in given.items()
            if name in known
        }
        answer, *held = session.run(list(outputs), feeds)
        if answer.shape != wanted.shape:
            raise RunError(f"{path}: the answer has the shape {answer.shape}, not {wanted.shape}")
        finite = np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0)
        gap = np.abs(answer.astype(np.float64) - wanted)
        gap[answer == wanted] = 0.0
        worst = max(worst, float(np.nan_to_num(gap, nan=np.inf).max(initial=0.0) / finite))
    return worst


def _session(path: Path) -> Any:
    try:
        onnxruntime: Any = import_module("onnxruntime")
    except ImportError as error:
        raise BackendError(
            "ONNX Runtime is not installed; do: pip install 'longshort[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
