"""A bundle's model as a file for ONNX Runtime: every state is an input and an output."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import BackendError, ConfigError, RunError
from longshort.runs.bundle import Bundle
from longshort.runs.coding import portable_of
from longshort.runs.portable import Ready, replayed, states_of
from longshort.runs.portable_values import Given, Held

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
    _, parts = portable_of(bundle, None)
    paths = {out: parts[0]}
    for each in parts[1:]:
        path = out.with_name(f"{out.stem}_{each.part.name}{out.suffix}")
        if path.exists() and not overwrite:
            raise ConfigError(f"{path}: exists already; give --overwrite, or another --out")
        paths[path] = each
    partial = {path: path.with_name(path.name + ".partial") for path in paths}
    try:
        return _proved(paths, partial)
    finally:
        for file in partial.values():
            file.unlink(missing_ok=True)


def _proved(paths: dict[Path, Ready], partial: dict[Path, Path]) -> dict[Path, Written]:
    """Write a file for each part, and ask ONNX Runtime what was recorded before any is kept."""
    parts = list(paths.values())
    states = {held: f"state{number}" for number, held in enumerate(states_of(parts))}
    made = {path: _model(part, states) for path, part in paths.items()}
    from onnx import save_model  # after the models, which say where ONNX is missing

    for path, (model, _, _) in made.items():
        save_model(model, partial[path])
    run = _Sessions({part: partial[path] for path, part in paths.items()}, states)
    found = {}
    for path, part in paths.items():
        _, inputs, outputs = made[path]
        difference = _difference(path, replayed(parts, part, run), replayed(parts, part))
        found[path] = Written(inputs, outputs, difference, len(part.part.trials))
    for path, file in partial.items():
        file.replace(path)
    return found


def _model(part: Ready, states: Mapping[Held, str]) -> tuple[Any, list[str], list[str]]:
    """Return the model, and the names of its inputs and outputs."""
    from longshort.engine.executors.onnx import Code

    try:
        from onnx import helper
    except ImportError as error:
        raise BackendError("ONNX is not installed; do: pip install 'longshort[onnx]'") from error
    from longshort.export.onnx_values import TYPES, Value
    from longshort.export.steps_onnx import graph_in

    code = Code(np.dtype(np.float32))
    names, arguments, infos = list[str](), list[Any](), list[Any]()
    for each, example in zip(part.inputs, part.examples, strict=True):
        name = each.name if isinstance(each, Given) else states[each]
        axes = each.axes or (None,) * example.ndim
        shape = [_TRIED if axis else size for axis, size in zip(axes, example.shape, strict=True)]
        dims = [axis or size for axis, size in zip(axes, example.shape, strict=True)]
        kind = "i" if example.dtype.kind == "u" else example.dtype.kind
        dtype = {"i": np.int64, "b": np.bool_}.get(kind, np.float32)
        arguments.append(Value(name, np.full(shape, kind != "f", dtype)))
        infos.append(helper.make_tensor_value_info(name, TYPES[kind], dims))
        names.append(name)
    results = graph_in(code).function(part.function, part.weights, arguments)
    outputs, told = _outputs(code, results, part, states)
    answers = ",".join(part.part.answers)
    metadata = {"answer": answers, "start": _starts(part, states)}
    return code.model("longshort", infos, told, metadata), names, outputs


def _starts(part: Ready, states: Mapping[Held, str]) -> str:
    """Return the first values of states that do not begin with zeros, as JSON by their names."""
    texts = {
        states[held]: [str(v) for v in held.start.reshape(-1).tolist()]
        for held in part.states.values()
        if held.start.any()
    }
    return json.dumps(texts)


def _outputs(
    code: Any, results: Sequence[Any], part: Ready, states: Mapping[Held, str]
) -> tuple[list[str], list[Any]]:
    from onnx import helper

    from longshort.export.onnx_values import TYPES

    names, told = [], []
    for value, place in zip(results, part.becomes, strict=True):
        name = f"{states[place]}_n" if isinstance(place, Held) else str(place)
        code.add("Identity", value.name, named=name)
        told.append(helper.make_tensor_value_info(name, TYPES[value.kind], [None] * value.rank))
        names.append(name)
    return names, told


class _Sessions:
    """Runs parts in ONNX Runtime, from their files."""

    def __init__(self, files: Mapping[Ready, Path], states: Mapping[Held, str]) -> None:
        self.sessions = {part: _session(path) for part, path in files.items()}
        self.states = states

    def __call__(self, part: Ready, arrays: Sequence[Array]) -> list[Array]:
        session = self.sessions[part]
        feeds = dict[str, Array]()
        known = {each.name: each.type for each in session.get_inputs()}
        for source, each in zip(part.inputs, arrays, strict=True):
            name = source.name if isinstance(source, Given) else self.states[source]
            if name in known:
                feeds[name] = each.astype(_KINDS[known[name]])
        return list(session.run(None, feeds))


_KINDS = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}


def _difference(
    path: Path, answers: Sequence[Sequence[Array]], wanted: Sequence[Sequence[Array]]
) -> float:
    """Return the largest relative difference of answers; raise `BackendError` if it is too large.

    Choices may not differ at all.
    """
    worst = 0.0
    for own, theirs in zip(answers, wanted, strict=True):
        for answer, expected in zip(own, theirs, strict=True):
            worst = max(worst, _apart(path, answer, expected))
    if not worst <= CLOSE:
        raise BackendError(
            f"{path}: ONNX Runtime answers differently from the bundle, by {worst:.2g} where "
            f"{CLOSE:g} is allowed; nothing was kept"
        )
    return worst


def _apart(path: Path, answer: Array, wanted: Array) -> float:
    if answer.shape != wanted.shape:
        raise RunError(f"{path}: the answer has the shape {answer.shape}, not {wanted.shape}")
    finite = np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0)
    with np.errstate(invalid="ignore"):
        gap = np.abs(answer.astype(np.float64) - wanted)
    gap[answer == wanted] = 0.0
    return float(np.nan_to_num(gap, nan=np.inf).max(initial=0.0) / finite)


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
